import { randomFillSync } from 'node:crypto';
import { allocateSecretBytes, Secret } from '../common/secret.ts';
import { keyedHash } from './keyed-hash.ts';
import type { NamedRoot } from './roots/root.ts';
import { VaultUnavailableError } from './vault.ts';

/** The secrets of one database and the roots that wrap them; keyring-format.ts has their form in its row. */

export type SecretKind = 'seal' | 'index' | 'set';

/** One secret of 32 bytes. */
export interface KeyringSecret {
  /** `seal` encrypts; `index` and `set` make the hashes of rows. */
  readonly kind: SecretKind;
  /**
   * 1, 2, 3 … An index or set secret has the number of the first seal epoch of which rows are hashed by it:
   * a row with a box of a later epoch as well, until that of the next such secret.
   */
  readonly epoch: number;
  /** POSIX seconds. */
  readonly createdAt: number;
  readonly value: Secret;
}

/** A root that wraps every secret. */
export interface LiveRoot {
  /** As `OpenRoot.id`. */
  readonly id: string;
  /** Scheme of its URI. */
  readonly kind: string;
  /** As `RootSource.uri`, of the process that has added it. */
  readonly uri: string;
  /** When it was added: POSIX seconds. */
  readonly createdAt: number;
}

/** An open keyring. */
export interface Keyring {
  /** 16 bytes that identify the database; the salt of every derived key. */
  readonly storeId: Uint8Array;
  readonly generation: number;
  /** The first epoch under which lanes are sealed that are to be believed. */
  readonly lanesSince: number;
  readonly secrets: readonly KeyringSecret[];
  /** One, or two while the database moves from one to the other. */
  readonly roots: readonly LiveRoot[];
}

export const secretBytes = 32;
export const storeIdBytes = 16;
export const secretKinds: readonly SecretKind[] = ['seal', 'index', 'set'];
/** The most seal epochs, so that the keyring stays small enough to be read. */
export const maxEpochs = 1_000;
/** The most index secrets, and set secrets: one, and one for each time they were renewed without an end. */
export const maxHashEpochs = 8;
/** The most roots at a time. */
export const maxRoots = 4;

const createSecret = (): Secret => new Secret(randomFillSync(allocateSecretBytes(secretBytes)));

/** Creates the keyring of a new database, which no root wraps yet. `createdAt`: POSIX seconds. */
export function createKeyring(createdAt: number): Keyring {
  return {
    storeId: randomFillSync(new Uint8Array(storeIdBytes)),
    generation: 1,
    lanesSince: 1,
    secrets: secretKinds.map((kind) => ({ kind, epoch: 1, createdAt, value: createSecret() })),
    roots: [],
  };
}

/** Returns the list entry of a root that is live from `createdAt` (POSIX seconds) on. */
export function describeRoot({ root, uri }: NamedRoot, createdAt: number): LiveRoot {
  return { id: root.id, kind: uri.split(':', 1)[0] ?? '', uri, createdAt };
}

/** Returns the numbers of the seal epochs. */
export function sealEpochsOf(keyring: Keyring): readonly number[] {
  return secretsOf(keyring, 'seal').map(({ epoch }) => epoch);
}

export interface EpochChange {
  /** Lanes that were sealed before it are not to be believed any more. */
  readonly endsLanes?: boolean;
  /** Index and set secret are replaced with it, for the rows that are sealed under it. */
  readonly renewsHashes?: boolean;
}

/**
 * Returns the keyring with one more seal epoch.
 * @throws {VaultUnavailableError} when there are too many.
 */
export function addSealEpoch(
  keyring: Keyring,
  createdAt: number,
  { endsLanes = false, renewsHashes = false }: EpochChange = {},
): Keyring {
  const epochs = sealEpochsOf(keyring);
  if (epochs.length >= maxEpochs || (renewsHashes && secretsOf(keyring, 'set').length >= maxHashEpochs))
    throw new VaultUnavailableError(
      `the keyring has ${epochs.length} epochs: end those before the newest by kmipd vault rewrap and retire`,
    );
  const epoch = 1 + Math.max(...epochs);
  const kinds: readonly SecretKind[] = renewsHashes ? secretKinds : ['seal'];
  return {
    ...keyring,
    generation: keyring.generation + 1,
    lanesSince: endsLanes ? epoch : keyring.lanesSince,
    secrets: [
      ...keyring.secrets,
      ...kinds.map((kind) => ({ kind, epoch, createdAt, value: createSecret() })),
    ],
  };
}

/**
 * Returns the keyring without the seal epochs below `epoch`, and without the index and set secrets that only
 * rows of these have: what is sealed under them opens no more, wherever a copy of it is. Copies of the
 * keyring of before still have them.
 */
export function retireSealEpochs(keyring: Keyring, epoch: number): Keyring {
  const isKept = ({ kind, epoch: own }: KeyringSecret) =>
    own >= (kind === 'seal' ? epoch : secretFor(secretsOf(keyring, kind), epoch).epoch);
  return {
    ...keyring,
    generation: keyring.generation + 1,
    secrets: keyring.secrets.filter(isKept),
  };
}

/**
 * Returns the keyring with one more root, which wraps every secret beside those that do already.
 * @throws {VaultUnavailableError} when it is live already, or there are too many.
 */
export function addRoot(keyring: Keyring, root: NamedRoot, createdAt: number): Keyring {
  const added = describeRoot(root, createdAt);
  if (keyring.roots.some(({ id }) => id === added.id))
    throw new VaultUnavailableError(`the root ${added.uri} is live`);
  if (keyring.roots.length >= maxRoots) throw new VaultUnavailableError(`${maxRoots} roots are live`);
  return { ...keyring, generation: keyring.generation + 1, roots: [...keyring.roots, added] };
}

/**
 * Returns the keyring without a root, whose wraps are left out from then on. Copies of the keyring of before
 * still have them.
 * @throws {VaultUnavailableError} when it is not live, or the only one.
 */
export function removeRoot(keyring: Keyring, id: string): Keyring {
  const roots = keyring.roots.filter((root) => root.id !== id);
  if (roots.length === keyring.roots.length) throw new VaultUnavailableError(`the root ${id} is not live`);
  if (roots.length === 0) throw new VaultUnavailableError(`the root ${id} is the only one`);
  return { ...keyring, generation: keyring.generation + 1, roots };
}

/** Returns the secrets of a kind, the oldest first. */
export function secretsOf({ secrets }: Pick<Keyring, 'secrets'>, kind: SecretKind): readonly KeyringSecret[] {
  return secrets.filter((secret) => secret.kind === kind).toSorted((a, b) => a.epoch - b.epoch);
}

/** Returns that of some secrets, the oldest first, by which rows of a seal epoch are hashed. */
export function secretFor<T extends { readonly epoch: number }>(secrets: readonly T[], sealEpoch: number): T {
  const secret = secrets.findLast(({ epoch }) => epoch <= sealEpoch) ?? secrets[0];
  if (secret === undefined) throw new TypeError('the keyring lacks a secret');
  return secret;
}

/** Overwrites the secrets. */
export function wipeKeyring({ secrets }: Pick<Keyring, 'secrets'>): void {
  for (const { value } of secrets) value.wipe();
}

/**
 * Returns the pins by which the state directory recognises the keyring of its database, 8 bytes each as
 * hexadecimal digits: the one to be remembered, and those of the set secrets before it.
 */
export function computePins(keyring: Keyring): readonly string[] {
  return secretsOf(keyring, 'set')
    .map(({ value }) => keyedHash(value.bytes, 'kmipd/2 pin', keyring.storeId).slice(0, 16))
    .toReversed();
}
