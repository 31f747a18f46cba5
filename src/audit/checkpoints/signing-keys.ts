import { randomFillSync } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { giveToOwner, synchronise, writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { allocateSecretBytes } from '../../common/secret.ts';
import {
  boxEpoch,
  type RecordContext,
  SealBrokenError,
  type SealedKey,
  type Vault,
} from '../../vault/vault.ts';
import {
  certifyKey,
  dayOf,
  decodeKeyLine,
  derivePublicKey,
  encodeKeyLine,
  isCertified,
  keyFingerprintOf,
  type PublicSigningKey,
  seedBytes,
  signText,
} from './signing-key.ts';

/** What became of the key when it was prepared. */
export type KeyChange =
  | 'same'
  /** A new day has begun, and its key is certified by the one before. */
  | 'changed'
  /** A chain of keys has begun. */
  | 'begun';

/** Why a chain of keys has begun. */
export type KeyBeginningReason =
  /** There was no key before. */
  | 'first'
  /** The file of the key was missing. */
  | 'missing'
  /** It is no key of this vault. */
  | 'unusable';

const dayMilliseconds = 86_400_000;

/**
 * The key of the day of one node. Its private part is in a file of the state directory, sealed by the vault:
 * neither the database nor the directory alone can sign. With each day another key begins; the private part
 * of the one before is overwritten and its file removed.
 *
 *     signing-key    line of the public key LF Base64 of the sealed private key (32 bytes) LF
 *     signing-keys   lines of all public keys, in their order
 */
export class SigningKeys {
  readonly #directory: string;
  readonly #vault: Vault;
  readonly #files: { readonly key: string; readonly next: string; readonly list: string };
  #current: StoredKey | undefined;
  #reason: KeyBeginningReason = 'first';

  /** @param directory of the audit log in the state directory; it exists */
  constructor(directory: string, vault: Vault) {
    this.#directory = directory;
    this.#vault = vault;
    this.#files = keyFilesIn(directory);
  }

  /** The key that signs; to be asked for once it was prepared. */
  get current(): PublicSigningKey {
    if (this.#current === undefined) throw new TypeError('the signing key was not prepared');
    return this.#current.key;
  }

  /** Why the last chain of keys has begun that this process began. */
  get reason(): KeyBeginningReason {
    return this.#reason;
  }

  /**
   * Makes the key of a time usable, in milliseconds since 1970.
   * @throws {VaultUnavailableError} when the vault is sealed, or the epoch of the key is not known yet
   * @throws the system's error, with `code` and `path`
   */
  prepare(time: number): KeyChange {
    const stored = this.#current ?? this.#load();
    if (stored === undefined) {
      this.#begin(dayOf(time));
      return 'begun';
    }
    this.#current = stored;
    this.#list(stored.key);
    if (isOfAnotherDay(stored.key.day, time)) {
      this.#change(stored, dayOf(time));
      return 'changed';
    }
    // A key under an epoch that is retired could not be opened any more.
    if (boxEpoch(stored.box) < this.#vault.currentEpoch)
      this.#useSeed(stored, (seed) => this.#replace(stored.key, seed));
    return 'same';
  }

  /** Signs a text. Returns 64 bytes. @throws as `prepare` */
  sign(text: string): Uint8Array {
    const stored = this.#current;
    if (stored === undefined) throw new TypeError('the signing key was not prepared');
    return this.#useSeed(stored, (seed) => signText(text, seed));
  }

  /** Reads the key, and ends a change that was interrupted; undefined where there is none that is usable. */
  #load(): StoredKey | undefined {
    const next = this.#read(this.#files.next);
    if (typeof next === 'object') this.#putInPlace();
    else rmSync(this.#files.next, { force: true });
    const stored = typeof next === 'object' ? next : this.#read(this.#files.key);
    if (typeof stored === 'object') return stored;
    this.#reason = stored;
    if (stored === 'missing' && readKeyList(this.#directory).length === 0) this.#reason = 'first';
    if (stored === 'unusable') renameSync(this.#files.key, `${this.#files.key}.unusable`);
    return undefined;
  }

  /** Reads a file, and tries whether the vault opens the key in it. */
  #read(file: string): StoredKey | 'missing' | 'unusable' {
    let text: string;
    try {
      text = readTextFile(file, 'signingKey');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
      throw error;
    }
    const stored = decodeStoredKey(text);
    if (stored === undefined) return 'unusable';
    try {
      const isOwn = this.#useSeed(stored, (seed) => derivePublicKey(seed).toHex() === stored.key.key.toHex());
      return isOwn ? stored : 'unusable';
    } catch (error) {
      if (error instanceof SealBrokenError) return 'unusable';
      throw error;
    }
  }

  #begin(day: string): void {
    withNewSeed((seed) => {
      const key = derivePublicKey(seed);
      this.#replace({ day, key, first: keyFingerprintOf(key), signedBy: undefined }, seed);
    });
  }

  #change(stored: StoredKey, day: string): void {
    withNewSeed((seed) => {
      const next = this.#useSeed(stored, (previous) =>
        certifyKey(day, seed, { seed: previous, key: stored.key }),
      );
      this.#replace(next, seed);
    });
  }

  /** Puts a key in the place of the one that there is, and overwrites that. */
  #replace(key: PublicSigningKey, seed: Uint8Array): void {
    const box = this.#vault.seal(contextOf(key), seed);
    writeFileAtomically(this.#files.next, `${encodeKeyLine(key)}\n${box.toBase64()}\n`, 0o600);
    giveToOwner(this.#files.next, this.#directory);
    this.#putInPlace();
    this.#current = { key, box };
    this.#list(key);
  }

  #putInPlace(): void {
    overwrite(this.#files.key);
    renameSync(this.#files.next, this.#files.key);
    synchronise(this.#directory);
  }

  /** Adds a key to the list, unless it is its last one. */
  #list(key: PublicSigningKey): void {
    const line = encodeKeyLine(key);
    const last = readKeyList(this.#directory).at(-1);
    if (last !== undefined && encodeKeyLine(last) === line) return;
    appendFileSync(this.#files.list, `${line}\n`, { mode: 0o600, flush: true });
    giveToOwner(this.#files.list, this.#directory);
    synchronise(this.#directory);
  }

  #useSeed<T>({ key, box }: StoredKey, use: (seed: Uint8Array) => T): T {
    const seed = this.#vault.open(contextOf(key), box);
    try {
      return use(seed);
    } finally {
      seed.fill(0);
    }
  }
}

/** A key as its file has it. */
interface StoredKey {
  readonly key: PublicSigningKey;
  readonly box: SealedKey;
}

function keyFilesIn(directory: string) {
  const key = join(directory, 'signing-key');
  return { key, next: `${key}.next`, list: join(directory, 'signing-keys') };
}

/**
 * Reads the public keys of a node, the oldest first; lines that are none are left out.
 * @throws the system's error, with `code` and `path`
 */
export function readKeyList(directory: string): readonly PublicSigningKey[] {
  try {
    const lines = readTextFile(keyFilesIn(directory).list, 'signingKeys').split('\n');
    return lines.flatMap((line) => decodeKeyLine(line) ?? []);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function decodeStoredKey(text: string): StoredKey | undefined {
  const [line = '', encoded = '', ...rest] = text.split('\n');
  const key = decodeKeyLine(line);
  if (key === undefined || rest.join('') !== '' || !isCertified(key)) return undefined;
  try {
    return { key, box: Uint8Array.fromBase64(encoded) as Uint8Array as SealedKey };
  } catch {
    return undefined;
  }
}

function contextOf({ key }: PublicSigningKey): RecordContext {
  const recordKind = 'audit-signing-key';
  return { kind: 'record', recordKind, key: keyFingerprintOf(key), group: '', version: 1, expires: null };
}

/**
 * Whether a key of that day is due to be changed: at a later day, and when its day is so far ahead that the
 * clock must have been wrong. A clock that is set back by less than a day changes nothing.
 */
function isOfAnotherDay(day: string, time: number): boolean {
  return dayOf(time) > day || dayOf(time + dayMilliseconds) < day;
}

function withNewSeed(use: (seed: Uint8Array) => void): void {
  const seed = allocateSecretBytes(seedBytes);
  try {
    use(randomFillSync(seed));
  } finally {
    seed.fill(0);
  }
}

/** Overwrites a file, durably, unless it is missing. */
function overwrite(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) return;
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, new Uint8Array(size), 0, size, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
