import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { issueClient } from '../../../certs/issue.ts';
import type { KeyKind } from '../../../certs/keys.ts';
import { synchronise, writeFileAtomically } from '../../common/durable-file.ts';
import { rootFilesOf } from '../../common/root-uri.ts';
import type { Config } from '../../config/index.ts';
import { renderConfig } from '../../config/template.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import type { ClientDirectory } from '../../identity/principal.ts';
import { StoredClients } from '../../protocol/authentication/client-directory.ts';
import { requireRandomSource } from '../../vault/random-check.ts';
import { removeUnfinishedRootKeys } from '../../vault/root-key.ts';
import { CommandError } from '../failure.ts';
import { completeAuthority, completeServer, readAuthority } from './authority.ts';
import { writeClientFiles } from './client-files.ts';
import { type OpenedDatabase, openDatabaseOf } from './open-database.ts';
import type { RootAttendance } from './root-sources.ts';
import { makeDirectory, readRequiredFile, readStateConfig, type StateDirectory } from './state-directory.ts';

/** The choices of the operator for a new state directory. */
export interface InitialiseOptions {
  /** Values for the new configuration file, by dotted name. */
  readonly settings: Readonly<Record<string, string | readonly string[]>>;
  /** Kind of the keys of authority, server and first client. */
  readonly key: KeyKind;
  /** The people who open the root, and take its shares. */
  readonly attendance?: RootAttendance;
}

/** The client that the first start enrols, so that the server can be tried at once. */
const firstClientName = 'demo';

/**
 * Initialises a fresh state directory, or continues an initialisation that was interrupted. Each file is
 * written atomically, a step whose result exists is skipped, and a marker file exists until all steps are
 * done, so a process killed at any point costs no more than a second run. The caller holds the lock of the
 * state directory. Resolves to true when the first client was enrolled.
 * @throws {CommandError} when another root encrypts the database.
 */
export async function initialise(
  stateDirectory: StateDirectory,
  options: InitialiseOptions,
): Promise<boolean> {
  requireRandomSource();
  makeDirectory(stateDirectory.directory);
  if (readdirSync(stateDirectory.directory).every((name) => name.startsWith('kmipd.')))
    chmodSync(stateDirectory.directory, 0o700);
  if (!existsSync(stateDirectory.unfinishedMarker)) {
    writeFileAtomically(
      stateDirectory.unfinishedMarker,
      'kmipd init or kmipd serve goes on from here and removes this file.\n',
      0o600,
    );
  }
  if (!existsSync(stateDirectory.config))
    writeFileAtomically(stateDirectory.config, renderConfig(options.settings), 0o600);
  const config = readStateConfig(stateDirectory);
  const { store, vault, close } = await openWithRoot(stateDirectory, config, options.attendance);
  let enrolled: boolean;
  try {
    for (const directory of [join(stateDirectory.directory, 'ca'), join(stateDirectory.directory, 'server')])
      makeDirectory(directory);
    await completeAuthority(stateDirectory, options.key);
    await completeServer(stateDirectory, config);
    enrolled = await enrolFirstClient(stateDirectory, new StoredClients(store, vault), options.key);
  } finally {
    await close();
  }
  rmSync(stateDirectory.unfinishedMarker);
  synchronise(stateDirectory.directory);
  return enrolled;
}

/**
 * Opens the database and creates the root where both are new. A database with a keyring can be decrypted by
 * its own root only.
 */
async function openWithRoot(
  stateDirectory: StateDirectory,
  config: Config,
  attendance: RootAttendance = {},
): Promise<OpenedDatabase> {
  const files = rootFilesOf(config.vault.root);
  for (const file of files) if (existsSync(dirname(file))) removeUnfinishedRootKeys(file);
  const opened = await openDatabaseOf(stateDirectory, config, {
    refreshSeconds: 0,
    lanes: { process: 'command' },
    attendance,
  });
  const { vault } = opened;
  if (vault.unsealed) return opened;
  const { sealedBecause } = vault;
  await opened.close();
  throw new CommandError(
    files[0] !== stateDirectory.rootKey || existsSync(stateDirectory.rootKey)
      ? `the vault is sealed: ${sealedBecause}`
      : `the database holds keys that another root key encrypts; copy root.key and ca/ of its home to ${stateDirectory.directory}`,
  );
}

/**
 * Enrols the first client after its files are written; resolves to false, without any effect, when the
 * database has clients already, as that of a second node has.
 */
async function enrolFirstClient(
  stateDirectory: StateDirectory,
  directory: ClientDirectory,
  kind: KeyKind,
): Promise<boolean> {
  if ((await directory.list()).length > 0) return false;
  const authority = readAuthority(stateDirectory);
  const client = await issueClient(authority, firstClientName, kind);
  writeClientFiles(join(stateDirectory.clients, firstClientName), client, {
    name: firstClientName,
    authorities: readRequiredFile(
      stateDirectory.authority.certificate,
      'the authority’s certificate',
      'run kmipd init again',
    ),
    encryption: 'aes',
  });
  const certificate = new X509Certificate(client.certificate);
  return directory.add({
    name: firstClientName,
    group: 'default',
    role: 'full',
    fingerprint: fingerprintOf(certificate),
    disabled: false,
    enrolledAt: Math.floor(Date.now() / 1000),
    certificate: certificate.toString(),
  });
}
