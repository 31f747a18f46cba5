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
import { authorityOf, completeAuthority, completeServer } from './authority.ts';
import { writeClientFiles } from './client-files.ts';
import {
  configOf,
  fsyncDirectory,
  makeDirectory,
  readRequiredFile,
  type StateDirectory,
  writeFileWhole,
} from './state-directory.ts';

export interface InitialiseOptions {
  /** Keys of the configuration to write, by dotted name. */
  readonly settings: Readonly<Record<string, string | readonly string[]>>;
  readonly key: KeyKind;
}

/** The client that a first start enrols, so that there is somebody to try the server with. */
const firstClient = 'demo';

/**
 * Fills a fresh home, or goes on where an earlier attempt was cut off. Every file appears whole or not at all, each step
 * is skipped when its result is there, and a marker stands until all of them are done; so a kill at any point costs
 * nothing but a second run. Whoever calls holds the home's lock. Resolves to whether the first client was enrolled.
 */
export async function initialise(home: StateDirectory, options: InitialiseOptions): Promise<boolean> {
  makeDirectory(home.directory);
  if (readdirSync(home.directory).every((name) => name.startsWith('kmipd.')))
    chmodSync(home.directory, 0o700);
  if (!existsSync(home.unfinished)) {
    writeFileWhole(
      home.unfinished,
      'kmipd init or kmipd serve goes on from here and removes this file.\n',
      0o600,
    );
  }
  if (!existsSync(home.config)) writeFileWhole(home.config, renderConfig(options.settings), 0o600);
  const config = configOf(home);
  const opened = await openStore(config.store);
  let enrolled: boolean;
  try {
    await completeRootKey(home, opened);
    for (const directory of [join(home.directory, 'ca'), join(home.directory, 'server')])
      makeDirectory(directory);
    await completeAuthority(home, options.key);
    await completeServer(home, config);
    enrolled = await enrolFirstClient(home, opened.clients, options.key);
  } finally {
    await opened.close();
  }
  rmSync(home.unfinished);
  fsyncDirectory(home.directory);
  return enrolled;
}

/** A new root key would open nothing of a database that has been used: that one needs its own. */
async function completeRootKey(home: StateDirectory, opened: OpenStore): Promise<void> {
  if (existsSync(home.rootKey)) return;
  if ((await opened.wrappedKeys.list()).length > 0) {
    throw new CommandError(
      `the database holds keys that another root key seals; copy root.key and ca/ of its home to ${home.directory}`,
    );
  }
  createRootKey(home.rootKey);
}

/** Enrolled last: its files are whole by then. A database that has clients already (a second node) gets no more. */
async function enrolFirstClient(
  home: StateDirectory,
  directory: ClientDirectory,
  kind: KeyKind,
): Promise<boolean> {
  if ((await directory.list()).length > 0) return false;
  const authority = authorityOf(home);
  const client = await issueClient(authority, firstClient, kind);
  writeClientFiles(join(home.clients, firstClient), client, {
    name: firstClient,
    authorities: readRequiredFile(
      home.authority.certificate,
      'the authority’s certificate',
      'run kmipd init again',
    ),
    encryption: 'aes',
  });
  const certificate = new X509Certificate(client.certificate);
  return directory.add({
    name: firstClient,
    group: 'default',
    role: 'full',
    fingerprint: fingerprintOf(certificate),
    disabled: false,
    enrolledAt: Math.floor(Date.now() / 1000),
    certificate: certificate.toString(),
  });
}
