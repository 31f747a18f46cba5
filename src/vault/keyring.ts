import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { decryptGcm, encryptGcm } from './aead.ts';
import { computeNonce } from './box.ts';
import { deriveVaultKey, keyedHash } from './keyed-hash.ts';
import type { StoredKeyring } from './vault.ts';

/**
 * The secrets of one database, each wrapped under a key of the root key, in one row:
 *
 *     MAC (32) | JSON: store, generation, secrets
 *
 * The MAC is under the set secret, so that nobody without the root key changes, adds or removes a secret, and
 * dates are authentic too. A wrapped secret names itself: its plaintext is "kmipd2", the id of the store, its
 * kind and epoch, and 32 bytes.
 */

export type SecretKind = 'seal' | 'index' | 'set';

/** One secret of 32 bytes. */
export interface Secret {
  /** `seal` encrypts and has epochs, the newest in use; `index` and `set` have one. */
  readonly kind: SecretKind;
  /** 1, 2, 3 … */
  readonly epoch: number;
  /** POSIX seconds. */
  readonly createdAt: number;
  readonly bytes: Uint8Array;
}

/** An open keyring. */
export interface Keyring {
  /** 16 bytes that identify the database; the salt of every derived key. */
  readonly storeId: Uint8Array;
  readonly generation: number;
  /** The first epoch under which lanes are sealed that are to be believed. */
  readonly lanesSince: number;
  readonly secrets: readonly Secret[];
}

interface KeyringJson {
  readonly store: string;
  readonly generation: number;
  /** Absent before a database was accepted. */
  readonly lanesSince?: number;
  readonly secrets: readonly {
    readonly kind: SecretKind;
    readonly epoch: number;
    readonly createdAt: number;
    readonly wrapped: string;
  }[];
}

const secretBytes = 32;
const storeIdBytes = 16;
const macBytes = 32;
const wrapFormat = Uint8Array.of(2);
const noAad = new Uint8Array();
const kinds: readonly SecretKind[] = ['seal', 'index', 'set'];

/** Creates the keyring of a new database. `createdAt`: POSIX seconds. */
export function createKeyring(createdAt: number): Keyring {
  const random = (length: number) => randomFillSync(new Uint8Array(length));
  return {
    storeId: random(storeIdBytes),
    generation: 1,
    lanesSince: 1,
    secrets: kinds.map((kind) => ({ kind, epoch: 1, createdAt, bytes: random(secretBytes) })),
  };
}

/**
 * Returns the keyring with one more seal epoch. `endsLanes`: lanes that were sealed before it are not to be
 * believed any more.
 */
export function addSealEpoch(
  keyring: Keyring,
  createdAt: number,
  { endsLanes = false }: { readonly endsLanes?: boolean } = {},
): Keyring {
  const epoch = 1 + Math.max(...keyring.secrets.filter(({ kind }) => kind === 'seal').map((s) => s.epoch));
  const bytes = randomFillSync(new Uint8Array(secretBytes));
  return {
    ...keyring,
    generation: keyring.generation + 1,
    lanesSince: endsLanes ? epoch : keyring.lanesSince,
    secrets: [...keyring.secrets, { kind: 'seal', epoch, createdAt, bytes }],
  };
}

/** Returns the secret of a kind that has one epoch only. */
export function singleSecret({ secrets }: Keyring, kind: 'index' | 'set'): Uint8Array {
  const secret = secrets.find((each) => each.kind === kind);
  if (secret === undefined) throw new TypeError(`the keyring has no ${kind} secret`);
  return secret.bytes;
}

/**
 * Wraps every secret under the root key (32 bytes). Secrets of a former keyring are wrapped again, so that a
 * repeated nonce would tell them. `random` fills a buffer with random bytes; only tests use another one.
 */
export function encodeKeyring(
  keyring: Keyring,
  rootKey: Uint8Array,
  random: (buffer: Uint8Array) => void = randomFillSync,
): StoredKeyring {
  const { storeId, generation, lanesSince, secrets } = keyring;
  const wrapKey = deriveVaultKey(rootKey, storeId, 'kmipd/2 root wrap');
  const nonceKey = deriveVaultKey(rootKey, storeId, 'kmipd/2 root nonce');
  const json: KeyringJson = {
    store: storeId.toHex(),
    generation,
    ...(lanesSince > 1 && { lanesSince }),
    secrets: secrets.map(({ kind, epoch, createdAt, bytes }) => {
      const plain = concatBytes([secretPrefix(storeId, kind, epoch), bytes]);
      const nonce = computeNonce(nonceKey, wrapFormat, noAad, plain, random);
      const wrapped = encryptGcm(wrapKey, wrapFormat, nonce, noAad, plain).toHex();
      plain.fill(0);
      return { kind, epoch, createdAt, wrapped };
    }),
  };
  for (const key of [wrapKey, nonceKey]) key.fill(0);
  const text = new TextEncoder().encode(JSON.stringify(json));
  return { generation, content: concatBytes([computeMac(keyring, text), text]) };
}

/** Why a stored keyring is not used. */
export type KeyringProblem =
  /** A secret does not open: another root key has wrapped it. */
  | 'foreign'
  /** The secrets open, and something else was changed. */
  | 'altered';

/** Unwraps a stored keyring with the root key (32 bytes). */
export function decodeKeyring(stored: StoredKeyring, rootKey: Uint8Array): Keyring | KeyringProblem {
  const text = stored.content.subarray(macBytes);
  const json = parseJson(text);
  if (json === undefined) return 'altered';
  const storeId = Uint8Array.fromHex(json.store);
  const wrapKey = deriveVaultKey(rootKey, storeId, 'kmipd/2 root wrap');
  const secrets = json.secrets.map(({ wrapped, ...secret }): Secret | undefined => {
    const bytes = unwrapSecret(wrapKey, Uint8Array.fromHex(wrapped), storeId, secret.kind, secret.epoch);
    return bytes && { ...secret, bytes };
  });
  wrapKey.fill(0);
  const opened = secrets.filter((secret) => secret !== undefined);
  const { generation, lanesSince = 1 } = json;
  const keyring = { storeId, generation, lanesSince, secrets: opened };
  if (opened.length === 0 && json.secrets.length > 0) return 'foreign';
  const isWhole =
    opened.length === secrets.length && kinds.every((kind) => opened.some((s) => s.kind === kind));
  if (isWhole && isAuthentic(keyring, stored, text)) return keyring;
  wipeKeyring(keyring);
  return 'altered';
}

/** Overwrites the secrets. */
export function wipeKeyring({ secrets }: Keyring): void {
  for (const { bytes } of secrets) bytes.fill(0);
}

/** 8 bytes by which the state directory recognises the keyring of its database, as hexadecimal digits. */
export function computePin(keyring: Keyring): string {
  return keyedHash(singleSecret(keyring, 'set'), 'kmipd/2 pin', keyring.storeId).slice(0, 16);
}

function isAuthentic(keyring: Keyring, stored: StoredKeyring, text: Uint8Array): boolean {
  const mac = stored.content.subarray(0, macBytes);
  return timingSafeEqual(mac, computeMac(keyring, text)) && stored.generation === keyring.generation;
}

function computeMac(keyring: Keyring, text: Uint8Array): Uint8Array {
  return Uint8Array.fromHex(keyedHash(singleSecret(keyring, 'set'), 'kmipd/2 keyring', text));
}

function secretPrefix(storeId: Uint8Array, kind: SecretKind, epoch: number): Uint8Array {
  const number = new Uint8Array(5);
  number[0] = kinds.indexOf(kind);
  new DataView(number.buffer).setUint32(1, epoch);
  return concatBytes([new TextEncoder().encode('kmipd2'), storeId, number]);
}

function unwrapSecret(
  wrapKey: Uint8Array,
  wrapped: Uint8Array,
  storeId: Uint8Array,
  kind: SecretKind,
  epoch: number,
): Uint8Array | undefined {
  if (wrapped[0] !== wrapFormat[0]) return undefined;
  const plain = decryptGcm(wrapKey, wrapFormat.length, noAad, wrapped);
  if (plain === undefined) return undefined;
  const prefix = secretPrefix(storeId, kind, epoch);
  const bytes = plain.slice(prefix.length);
  const isNamed =
    plain.length === prefix.length + secretBytes && prefix.every((byte, at) => plain[at] === byte);
  plain.fill(0);
  if (isNamed) return bytes;
  bytes.fill(0);
  return undefined;
}

/** Parses bytes that anyone may have written; undefined for any other shape. */
function parseJson(text: Uint8Array): KeyringJson | undefined {
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)) as KeyringJson;
    const isHex = (value: unknown, bytes?: number) =>
      typeof value === 'string' &&
      /^([0-9a-f]{2})*$/.test(value) &&
      (bytes === undefined || value.length === 2 * bytes);
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
    const isSecret = (secret: KeyringJson['secrets'][number]) =>
      kinds.includes(secret.kind) &&
      isCount(secret.epoch) &&
      secret.epoch < 2 ** 32 &&
      Number.isSafeInteger(secret.createdAt) &&
      isHex(secret.wrapped);
    const isKeyring =
      isHex(json.store, storeIdBytes) &&
      isCount(json.generation) &&
      (json.lanesSince === undefined || isCount(json.lanesSince)) &&
      json.secrets.every(isSecret);
    return isKeyring ? json : undefined;
  } catch {
    return undefined;
  }
}
