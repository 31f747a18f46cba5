import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { issueClient } from '../../../certs/issue.ts';
import type { KeyKind } from '../../../certs/keys.ts';
import { renderConfig } from '../../config/template.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import type { ClientDirectory } from '../../identity/principal.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import { createRootKey } from '../../vault/root-key.ts';
import { CommandError } from '../failure.ts';
import { completeAuthority, completeServer, readAuthority } from './authority.ts';
import { writeClientFiles } from './client-files.ts';
import {
  fsyncDirectory,
  makeDirectory,
  readRequiredFile,
  readStateConfig,
  type StateDirectory,
  writeFileAtomically,
} from './state-directory.ts';

export interface InitialiseOptions {
  /** Keys of the configuration to write, by dotted name. */
  readonly settings: Readonly<Record<string, string | readonly string[]>>;
  readonly key: KeyKind;
}

/** The client that a first start enrols, so that there is somebody to try the server with. */
const firstClientName = 'demo';

/**
 * Fills a fresh home, or goes on where an earlier attempt was cut off. Every file appears whole or not at all, each step
 * is skipped when its result is there, and a marker stands until all of them are done; so a kill at any point costs
 * nothing but a second run. Whoever calls holds the home's lock. Resolves to whether the first client was enrolled.
 */
export async function initialise(
  stateDirectory: StateDirectory,
  options: InitialiseOptions,
): Promise<boolean> {
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
  const opened = await openStore(config.store);
  let enrolled: boolean;
  try {
    await completeRootKey(stateDirectory, opened);
    for (const directory of [join(stateDirectory.directory, 'ca'), join(stateDirectory.directory, 'server')])
      makeDirectory(directory);
    await completeAuthority(stateDirectory, options.key);
    await completeServer(stateDirectory, config);
    enrolled = await enrolFirstClient(stateDirectory, opened.clients, options.key);
  } finally {
    await opened.close();
  }
  rmSync(stateDirectory.unfinishedMarker);
  fsyncDirectory(stateDirectory.directory);
  return enrolled;
}

/** A new root key would open nothing of a database that has been used: that one needs its own. */
async function completeRootKey(stateDirectory: StateDirectory, opened: OpenStore): Promise<void> {
  if (existsSync(stateDirectory.rootKey)) return;
  if ((await opened.wrappedKeys.list()).length > 0) {
    throw new CommandError(
      `the database holds keys that another root key seals; copy root.key and ca/ of its home to ${stateDirectory.directory}`,
    );
  }
  createRootKey(stateDirectory.rootKey);
}

/** Enrolled last: its files are whole by then. A database that has clients already (a second node) gets no more. */
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
