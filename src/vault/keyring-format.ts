import { timingSafeEqual } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { allocateSecretBytes, Secret } from '../common/secret.ts';
import { keyedHash } from './keyed-hash.ts';
import {
  describeRoot,
  type Keyring,
  type KeyringSecret,
  secretBytes,
  secretKinds,
  secretsOf,
  wipeKeyring,
} from './keyring.ts';
import { type KeyringJson, parseKeyringJson, type SecretJson } from './keyring-json.ts';
import { alteredKeyringMessage, foreignRootMessage } from './root-messages.ts';
import type { NamedRoot } from './roots/root.ts';
import { type StoredKeyring, VaultUnavailableError } from './vault.ts';

/**
 * The row of a keyring, with each secret wrapped by every live root:
 *
 *     MAC (32) | JSON: store, generation, roots, secrets
 *
 * The MAC is under every set secret, one over that of the one before, so that nobody without a root changes,
 * adds or removes a secret or a root, not even who knows a set secret that was replaced; dates are authentic
 * too. A wrapped secret names itself: its plaintext is "kmipd2", the id of the store,
 * its kind and epoch, and 32 bytes.
 */

const macBytes = 32;

/**
 * Wraps every secret by every live root. Secrets of a former keyring are wrapped again, so no wrap outlives
 * the root that it is for.
 * @throws {VaultUnavailableError} when a live root is not among `roots`: the keyring could not be opened by
 *   it alone any more. So a database with two roots is changed only where both are at hand.
 */
export async function encodeKeyring(keyring: Keyring, roots: readonly NamedRoot[]): Promise<StoredKeyring> {
  const { storeId, generation, lanesSince } = keyring;
  const wrapping = keyring.roots.map(({ id, uri }) => {
    const named = roots.find(({ root }) => root.id === id);
    if (named !== undefined) return named.root;
    throw new VaultUnavailableError(
      `the keyring is not changed: its root ${uri} (${id}) is not at hand, and each live root wraps every secret; configure it, or end the change of roots`,
    );
  });
  if (wrapping.length === 0) throw new TypeError('no root wraps the keyring');
  const secrets: SecretJson[] = [];
  for (const { kind, epoch, createdAt, value } of keyring.secrets) {
    const prefix = secretPrefix(storeId, kind, epoch);
    const plain = allocateSecretBytes(prefix.length + secretBytes);
    plain.set(prefix);
    plain.set(value.bytes, prefix.length);
    const wraps: Record<string, string> = {};
    try {
      for (const root of wrapping) wraps[root.id] = (await root.wrap(plain)).toHex();
    } finally {
      plain.fill(0);
    }
    secrets.push({ kind, epoch, createdAt, wraps });
  }
  const json: KeyringJson = {
    store: storeId.toHex(),
    generation,
    ...(lanesSince > 1 && { lanesSince }),
    roots: keyring.roots,
    secrets,
  };
  const text = new TextEncoder().encode(JSON.stringify(json));
  return { generation, content: concatBytes([computeMac(keyring, text), text]) };
}

/** Why a stored keyring is not used. */
export type KeyringProblem =
  /** No secret opens: it is wrapped by other roots. */
  | 'foreign'
  /** Secrets open, and something else was changed; or it is no keyring. */
  | 'altered';

/**
 * Returns the id of the store that a keyring states, 16 bytes; undefined when it is no keyring. Nobody
 * vouches for it before the keyring is decoded.
 */
export function readStoreId({ content }: StoredKeyring): Uint8Array | undefined {
  const json = parseKeyringJson(content.subarray(macBytes));
  return json && Uint8Array.fromHex(json.store);
}

/** Returns the epochs of the index secrets that a keyring states; nobody vouches for them either. */
export function readIndexEpochs({ content }: StoredKeyring): readonly number[] {
  const secrets = parseKeyringJson(content.subarray(macBytes))?.secrets ?? [];
  return secrets.filter(({ kind }) => kind === 'index').map(({ epoch }) => epoch);
}

/**
 * Unwraps a stored keyring by those of the roots that wrap it. One without a list of roots is of a kmipd that
 * knew one root only, a key in a file: the root that opens it is listed in the result.
 * @throws {VaultUnavailableError} when a root cannot be used now.
 */
export async function decodeKeyring(
  stored: StoredKeyring,
  roots: readonly NamedRoot[],
): Promise<Keyring | KeyringProblem> {
  const text = stored.content.subarray(macBytes);
  const json = parseKeyringJson(text);
  if (json === undefined) return 'altered';
  const storeId = Uint8Array.fromHex(json.store);
  let problem: KeyringProblem = 'foreign';
  for (const named of roots) {
    const opened = await unwrapSecrets(json, storeId, named);
    if (opened.length === 0) continue;
    const { generation, lanesSince = 1 } = json;
    const live = json.roots ?? [describeRoot(named, json.secrets[0]?.createdAt ?? 0)];
    const keyring = { storeId, generation, lanesSince, secrets: opened, roots: live };
    if (isWhole(keyring, json) && isAuthentic(keyring, stored, text)) return keyring;
    wipeKeyring(keyring);
    problem = 'altered';
  }
  return json.secrets.length === 0 ? 'altered' : problem;
}

/**
 * Opens a keyring by one root alone; the caller wipes the result.
 * @throws {VaultUnavailableError} when that root does not open all of it.
 */
export async function requireOpened(named: NamedRoot, stored: StoredKeyring): Promise<Keyring> {
  const keyring = await decodeKeyring(stored, [named]);
  if (typeof keyring !== 'string') return keyring;
  throw new VaultUnavailableError(
    `nothing was changed: ${keyring === 'foreign' ? foreignRootMessage(named) : alteredKeyringMessage}`,
  );
}

/** Opens a keyring likewise, and keeps nothing of it. */
export async function requireOpenedBy(named: NamedRoot, stored: StoredKeyring): Promise<void> {
  wipeKeyring(await requireOpened(named, stored));
}

/** Returns the secrets that one root opens. */
async function unwrapSecrets(
  json: KeyringJson,
  storeId: Uint8Array,
  { root }: NamedRoot,
): Promise<KeyringSecret[]> {
  const opened: KeyringSecret[] = [];
  try {
    for (const { wraps, wrapped, ...secret } of json.secrets) {
      const hex = wraps?.[root.id] ?? wrapped;
      const plain = hex === undefined ? undefined : await root.unwrap(Uint8Array.fromHex(hex));
      const value = plain && takeSecret(plain, secretPrefix(storeId, secret.kind, secret.epoch));
      if (value !== undefined) opened.push({ ...secret, value });
    }
  } catch (error) {
    wipeKeyring({ secrets: opened });
    throw error;
  }
  return opened;
}

function isWhole({ secrets }: Keyring, json: KeyringJson): boolean {
  return (
    secrets.length === json.secrets.length &&
    secretKinds.every((kind) => secrets.some((secret) => secret.kind === kind))
  );
}

function isAuthentic(keyring: Keyring, stored: StoredKeyring, text: Uint8Array): boolean {
  const mac = stored.content.subarray(0, macBytes);
  return timingSafeEqual(mac, computeMac(keyring, text)) && stored.generation === keyring.generation;
}

function computeMac(keyring: Keyring, text: Uint8Array): Uint8Array {
  let mac = text;
  for (const { value } of secretsOf(keyring, 'set'))
    mac = Uint8Array.fromHex(keyedHash(value.bytes, 'kmipd/2 keyring', mac));
  return mac;
}

function secretPrefix(storeId: Uint8Array, kind: KeyringSecret['kind'], epoch: number): Uint8Array {
  const number = new Uint8Array(5);
  number[0] = secretKinds.indexOf(kind);
  new DataView(number.buffer).setUint32(1, epoch);
  return concatBytes([new TextEncoder().encode('kmipd2'), storeId, number]);
}

/** Returns the secret behind its prefix; undefined when it is named otherwise. Wipes `plain`. */
function takeSecret(plain: Uint8Array, prefix: Uint8Array): Secret | undefined {
  const isNamed =
    plain.length === prefix.length + secretBytes && prefix.every((byte, at) => plain[at] === byte);
  const secret = isNamed ? Secret.copyOf(plain.subarray(prefix.length)) : undefined;
  plain.fill(0);
  return secret;
}
