import { dirname } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../common/durable-file.ts';
import { readTextFile } from '../common/regular-file.ts';
import { computePins, type Keyring } from './keyring.ts';
import { VaultUnavailableError } from './vault.ts';

/**
 * What the state directory remembers of the keyring of each database that it has used: id of the store, pin,
 * and the highest generation. Whoever can write a database puts neither the keyring of another one in its
 * place nor an older one of its own.
 */

/** Where the keyring of a database is remembered. */
export interface PinPlace {
  readonly file: string;
  /** Name of the database, without a password. */
  readonly database: string;
  /** For processes that only compare. */
  readonly isReadOnly?: boolean;
}

interface Pin {
  readonly store: string;
  readonly pin: string;
  readonly generation: number;
}

type Pins = Readonly<Record<string, Pin>>;

/**
 * Whether the keyring of a database is remembered.
 *
 * @throws {VaultUnavailableError} when the file cannot be read.
 */
export function isPinned({ file, database }: PinPlace): boolean {
  return readPins(file)[database] !== undefined;
}

/**
 * Whether a keyring of any database is remembered.
 *
 * @throws {VaultUnavailableError} when the file cannot be read.
 */
export function hasPins(file: string): boolean {
  return Object.keys(readPins(file)).length > 0;
}

/**
 * Forgets the keyring of a database: the next one is its own.
 *
 * @throws {VaultUnavailableError} when the file cannot be used.
 */
export function removePin({ file, database }: PinPlace): void {
  const { [database]: pin, ...others } = readPins(file);
  if (pin !== undefined) writePins(file, others);
}

/**
 * Refuses to make a keyring for a database that had one.
 *
 * @throws {VaultUnavailableError} when it had one, or the file cannot be read.
 */
export function requireNoPin(place: PinPlace): void {
  if (isPinned(place))
    throw new VaultUnavailableError(
      `${place.database} has no keyring, and it had one: it was emptied or replaced; restore it from its backup, or remove ${place.file} if it is to begin empty`,
    );
}

/** Remembers the keyring of a new database. */
export function setPin(place: PinPlace, keyring: Keyring): void {
  writePin(place, pinOf(keyring));
}

/**
 * Compares a keyring with what is remembered, and remembers it unless the place is read-only: the first
 * keyring that a state directory sees of a database is its own.
 *
 * @throws {VaultUnavailableError} when it is another keyring, or an older one, or the file cannot be used.
 */
export function checkPin(place: PinPlace, keyring: Keyring): void {
  const { file, database, isReadOnly = false } = place;
  const own = pinOf(keyring);
  const kept = readPins(file)[database];
  if (kept !== undefined && (kept.store !== own.store || !computePins(keyring).includes(kept.pin)))
    throw otherKeyring(database, file);
  if (kept !== undefined && kept.generation > own.generation)
    throw new VaultUnavailableError(
      `the keyring in ${database} is older than the one that this home used last: the database was put back; if that is meant, remove ${file}`,
    );
  const isOutdated = kept?.generation !== own.generation || kept.pin !== own.pin;
  if (isOutdated && !isReadOnly) writePin(place, own);
}

/**
 * Refuses what states another store than the remembered one, before any root is asked: nobody vouches for it.
 *
 * @throws {VaultUnavailableError} when it does, or the file cannot be read.
 */
export function checkStore({ file, database }: PinPlace, storeId: Uint8Array): void {
  const kept = readPins(file)[database];
  if (kept !== undefined && kept.store !== storeId.toHex()) throw otherKeyring(database, file);
}

function otherKeyring(database: string, file: string): VaultUnavailableError {
  return new VaultUnavailableError(
    `the keyring in ${database} is not the one that this home used before: another database is in its place; if that is meant, remove ${file}`,
  );
}

function pinOf(keyring: Keyring): Pin {
  const [pin = ''] = computePins(keyring);
  return { store: keyring.storeId.toHex(), pin, generation: keyring.generation };
}

function writePin({ file, database }: PinPlace, pin: Pin): void {
  writePins(file, { ...readPins(file), [database]: pin });
}

function writePins(file: string, pins: Pins): void {
  try {
    writeFileAtomically(file, `${JSON.stringify(pins)}\n`, 0o600);
    giveToOwner(file, dirname(file));
  } catch (error) {
    throw new VaultUnavailableError(`cannot write ${file}: ${(error as Error).message}`);
  }
}

function readPins(file: string): Pins {
  let text: string;
  try {
    text = readTextFile(file, 'pins');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new VaultUnavailableError((error as Error).message);
  }
  try {
    const pins = JSON.parse(text) as Pins;
    if (Object.values(pins).every(({ generation }) => Number.isSafeInteger(generation))) return pins;
  } catch {}
  throw new VaultUnavailableError(`${file} is damaged: restore it from its backup, or remove it`);
}
