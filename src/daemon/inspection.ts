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
import { openStore } from '../store/open.ts';
import { type ProbedStore, probeStore } from '../store/probe.ts';
import { openLocalVault } from '../vault/local.ts';
import { foreignRootKeyMessage, readRootKey } from '../vault/root-key.ts';
import { unwrapSealingKey } from '../vault/sealing-keys.ts';
import { VaultUnavailableError, type WrappedSealingKey } from '../vault/vault.ts';
import { addressesOf, bind, requireDistinctAddresses } from './bind.ts';
import { describeIdlePolicies } from './idle-policies.ts';
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
 * database and what [authorities] names in it, the addresses. Changes nothing. Of a directory that is not
 * initialised only the database and the addresses are there to be opened.
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
  let probed: ProbedStore = { sealingKeys: [], isMigrated: false };
  const isReady = initialisationState(stateDirectory) === 'ready';
  await attempt(async () => {
    probed = await probeStore(config.store, { mustExist: isReady });
    return [];
  });
  if (isReady) {
    await attempt(() => inspectRootKey(stateDirectory, probed.sealingKeys));
    await attempt(() => inspectServer(config));
    await attempt(() => inspectAuthorities(stateDirectory, config));
    await attempt(() =>
      findExposedFiles(stateDirectory, config).map(({ file, reason }) => `${file}: ${reason}`),
    );
    await attempt(async () => {
      if (problems.length > 0 || config.authorities.size === 0) return [];
      if (probed.sealingKeys.length > 0 && !probed.isMigrated)
        return ['the identifiers of [authorities] are not checked: the next start migrates the database'];
      problems.push(...(await inspectNamingPolicies(stateDirectory, config, probed)));
      return [];
    });
  }
  await attempt(() => {
    requireDistinctAddresses(config);
    return [];
  });
  for (const [option, address] of addressesOf(config))
    await attempt(() => inspectAddress(address, option, stateDirectory));
  return { problems, warnings };
}

/** Decrypts the sealing keys of the database by the root key. */
function inspectRootKey(
  { rootKey }: StateDirectory,
  sealingKeys: readonly WrappedSealingKey[],
): readonly string[] {
  const key = readRootKey(rootKey);
  if (key === undefined)
    return sealingKeys.length === 0
      ? []
      : [`${rootKey} is missing: only Discover Versions and Query would be answered`];
  const foreign = sealingKeys.find(({ id, wrapped }) => {
    const sealingKey = unwrapSealingKey(key, id, wrapped);
    sealingKey?.fill(0);
    return sealingKey === undefined;
  });
  key.fill(0);
  if (foreign === undefined) return [];
  throw new VaultUnavailableError(foreignRootKeyMessage(rootKey, foreign.id));
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

/** Returns the naming policies that bind nobody. A database without sealing keys has no objects. */
async function inspectNamingPolicies(
  { rootKey }: StateDirectory,
  config: Config,
  { sealingKeys }: ProbedStore,
): Promise<readonly string[]> {
  if (sealingKeys.length === 0) return describeIdlePolicies(config, undefined);
  await using closing = new AsyncDisposableStack();
  const { store, clients, wrappedKeys, close } = await openStore(config.store);
  closing.defer(close);
  const vault = await openLocalVault({ rootKeyFile: rootKey, wrappedKeys, refreshSeconds: 0 });
  closing.defer(() => vault.close());
  return await describeIdlePolicies(config, { store, clients, vault });
}

const describeFlaw = ({ file, subject, flaw, ends }: CertificateFlaw) =>
  `${file}: the certificate of ${subject} ${flaw} (it ends ${ends.toISOString()})`;

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
