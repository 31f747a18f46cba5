import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { failureLines } from '../cli/failure.ts';
import { readAuthority, readTrustedAuthorities } from '../cli/state-directory/authority.ts';
import { runningDaemonPid } from '../cli/state-directory/lock.ts';
import { findExposedFiles } from '../cli/state-directory/permissions.ts';
import { initialisationState, type StateDirectory } from '../cli/state-directory/state-directory.ts';
import { type Address, formatAddress } from '../common/address.ts';
import type { Config } from '../config/index.ts';
import { probeStore } from '../store/probe.ts';
import { readRootKey } from '../vault/root-key.ts';
import { bind } from './bind.ts';
import { type CertificateFlaw, findFlawsOfDates, readServerMaterial } from './server-material.ts';

/** What an inspection has found, one line each. */
export interface InspectionResult {
  /** The daemon would not start, or would answer nobody. */
  readonly problems: readonly string[];
  /** The daemon would start. */
  readonly warnings: readonly string[];
}

/**
 * Opens everything that the daemon of a state directory would open: keys, certificates and their dates, the
 * database, the addresses. Changes nothing. Of a directory that is not initialised only the database and the
 * addresses are there to be opened.
 */
export async function inspect(stateDirectory: StateDirectory, config: Config): Promise<InspectionResult> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const attempt = async (step: () => Promise<readonly string[]> | readonly string[]) => {
    try {
      warnings.push(...(await step()));
    } catch (error) {
      problems.push(...failureLines(error));
    }
  };
  if (initialisationState(stateDirectory) === 'ready') {
    await attempt(() => inspectRootKey(stateDirectory));
    await attempt(() => inspectServer(config));
    await attempt(() => inspectAuthorities(stateDirectory, config));
    await attempt(() =>
      findExposedFiles(stateDirectory, config).map(({ file, reason }) => `${file}: ${reason}`),
    );
  }
  await attempt(async () => {
    await probeStore(config.store);
    return [];
  });
  for (const [option, address] of addressesOf(config))
    await attempt(() => inspectAddress(address, option, stateDirectory));
  return { problems, warnings };
}

function inspectRootKey({ rootKey }: StateDirectory): readonly string[] {
  const key = readRootKey(rootKey);
  key?.fill(0);
  return key === undefined
    ? [`${rootKey} is missing: only Discover Versions and Query would be answered`]
    : [];
}

/** Without a certificate the daemon would issue one. */
function inspectServer({ tls }: Config): readonly string[] {
  return existsSync(tls.certificate) ? readServerMaterial(tls).flaws.map(describeFlaw) : [];
}

function inspectAuthorities(stateDirectory: StateDirectory, config: Config): readonly string[] {
  if (existsSync(stateDirectory.authority.key)) readAuthority(stateDirectory);
  return readTrustedAuthorities(stateDirectory, config).flatMap(({ file, pem }) =>
    findFlawsOfDates(new X509Certificate(pem), file, new Date()).map(describeFlaw),
  );
}

const describeFlaw = ({ file, subject, flaw, ends }: CertificateFlaw) =>
  `${file}: the certificate of ${subject} ${flaw} (it ends ${ends.toISOString()})`;

function addressesOf({ listen, https, metrics }: Config): readonly (readonly [string, Address])[] {
  const all = [
    ['--listen', listen],
    ['--https', https],
    ['--metrics', metrics],
  ] as const;
  return all.flatMap(([option, address]) => (address === undefined ? [] : [[option, address] as const]));
}

/** Binds an address for a moment; the daemon of the state directory may hold it rightly. */
async function inspectAddress(
  address: Address,
  option: string,
  stateDirectory: StateDirectory,
): Promise<readonly string[]> {
  const server = createServer();
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ ...address, exclusive: true }, resolve);
    });
  try {
    await bind(address, option, listen);
    return [];
  } catch (error) {
    const pid = existsSync(stateDirectory.directory) ? runningDaemonPid(stateDirectory) : undefined;
    if (pid === undefined) throw error;
    return [`${formatAddress(address)} is in use: kmipd is running (process ${pid})`];
  } finally {
    server.close();
  }
}
