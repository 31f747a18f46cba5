import { randomBytes } from 'node:crypto';
import { type BoxKeys, deriveBoxKeys, openBox, sealBox } from '../../../src/vault/box.ts';
import {
  boxEpoch,
  SealBrokenError,
  type SealContext,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
} from '../../../src/vault/vault.ts';
import { HashingVault } from '../../store/hashing-vault.ts';

/** A vault with real boxes and epochs that a test begins and retires. */
export class EpochVault {
  readonly #keys = new Map<number, BoxKeys>();
  readonly #hashing = new HashingVault();
  storeNames: readonly string[] = ['5'.repeat(32)];
  generation = 1;
  currentEpoch = 0;
  unsealed = true;

  constructor() {
    this.begin();
  }

  /** As the port, of which checkpoints use no more than this. */
  get vault(): Vault {
    const { element, learnStored, indexOf, indexes, sealCounter, rootsAtHand, direct, close } = this.#hashing;
    const own = this;
    return {
      ...{ element, learnStored, indexOf, indexes, sealCounter, rootsAtHand, direct, close },
      get storeNames() {
        return own.storeNames;
      },
      get generation() {
        return own.generation;
      },
      get currentEpoch() {
        return own.currentEpoch;
      },
      get unsealed() {
        return own.unsealed;
      },
      seal: (context, plain) => this.#seal(context, plain),
      open: (context, sealed) => this.#open(context, sealed),
    };
  }

  /** Begins an epoch. */
  begin(): void {
    this.currentEpoch += 1;
    this.#keys.set(this.currentEpoch, deriveBoxKeys(randomBytes(32), new Uint8Array(16)));
  }

  /** Boxes of an epoch open no more. */
  retire(epoch: number): void {
    this.#keys.delete(epoch);
  }

  #seal(context: SealContext, plain: Uint8Array): SealedKey {
    const keys = this.#keys.get(this.currentEpoch);
    if (!this.unsealed || keys === undefined) throw new VaultUnavailableError('the vault is sealed');
    return sealBox(keys, this.currentEpoch, context, plain) as SealedKey;
  }

  #open(context: SealContext, sealed: SealedKey): Uint8Array {
    if (!this.unsealed) throw new VaultUnavailableError('the vault is sealed');
    const keys = this.#keys.get(boxEpoch(sealed));
    const plain = keys && openBox(keys, context, sealed);
    if (plain === undefined) throw new SealBrokenError('does not open');
    return plain;
  }
}
