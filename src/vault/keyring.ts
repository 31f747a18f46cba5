import { randomFillSync } from 'node:crypto';
import { allocateSecretBytes, Secret } from '../common/secret.ts';
import { keyedHash } from './keyed-hash.ts';
import type { NamedRoot } from './roots/root.ts';
import { VaultUnavailableError } from './vault.ts';

/** The secrets of one database and the roots that wrap them; keyring-format.ts has their form in its row. */

export type SecretKind = 'seal' | 'index' | 'set';

/** One secret of 32 bytes. */
export interface KeyringSecret {
  /** `seal` encrypts and has epochs, the newest in use; `index` and `set` have one. */
  readonly kind: SecretKind;
  /** 1, 2, 3 … */
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
export function sealEpochsOf({ secrets }: Keyring): readonly number[] {
  return secrets.filter(({ kind }) => kind === 'seal').map(({ epoch }) => epoch);
}

/**
 * Returns the keyring with one more seal epoch. `endsLanes`: lanes that were sealed before it are not to be
 * believed any more.
 * @throws {VaultUnavailableError} when there are too many.
 */
export function addSealEpoch(
  keyring: Keyring,
  createdAt: number,
  { endsLanes = false }: { readonly endsLanes?: boolean } = {},
): Keyring {
  const epochs = sealEpochsOf(keyring);
  if (epochs.length >= maxEpochs)
    throw new VaultUnavailableError(
      `the keyring has ${maxEpochs} epochs: end those before the newest by kmipd vault rewrap and retire`,
    );
  const epoch = 1 + Math.max(...epochs);
  return {
    ...keyring,
    generation: keyring.generation + 1,
    lanesSince: endsLanes ? epoch : keyring.lanesSince,
    secrets: [...keyring.secrets, { kind: 'seal', epoch, createdAt, value: createSecret() }],
  };
}

/**
 * Returns the keyring without the seal epochs below `epoch`: what is sealed under them opens no more,
 * wherever a copy of it is. Copies of the keyring of before still have them.
 */
export function retireSealEpochs(keyring: Keyring, epoch: number): Keyring {
  const secrets = keyring.secrets.filter((secret) => secret.kind !== 'seal' || secret.epoch >= epoch);
  return { ...keyring, generation: keyring.generation + 1, secrets };
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

/** Returns the secret of a kind that has one epoch only. */
export function singleSecret({ secrets }: Keyring, kind: 'index' | 'set'): Uint8Array {
  const secret = secrets.find((each) => each.kind === kind);
  if (secret === undefined) throw new TypeError(`the keyring has no ${kind} secret`);
  return secret.value.bytes;
}

/** Overwrites the secrets. */
export function wipeKeyring({ secrets }: Pick<Keyring, 'secrets'>): void {
  for (const { value } of secrets) value.wipe();
}

/** 8 bytes by which the state directory recognises the keyring of its database, as hexadecimal digits. */
export function computePin(keyring: Keyring): string {
  return keyedHash(singleSecret(keyring, 'set'), 'kmipd/2 pin', keyring.storeId).slice(0, 16);
}
