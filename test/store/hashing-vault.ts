import { hash } from 'node:crypto';
import { EpochSealCounter } from '../../src/vault/seal-counter.ts';
import {
  type RowIndex,
  SealBrokenError,
  type SealContext,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
} from '../../src/vault/vault.ts';
import { envelopeOnly } from '../plain-vault.ts';

/** A vault without secrecy: a box is its plaintext and a hash of it and its context. */
export class HashingVault implements Vault, RowIndex {
  readonly sealCounter = new EpochSealCounter();
  readonly currentEpoch = 0;
  readonly generation = Number.MAX_SAFE_INTEGER;
  readonly rootsAtHand = [];
  readonly epoch = 0;
  readonly indexes = [this];
  readonly direct = envelopeOnly;
  readonly storeNames = ['5'.repeat(32)];
  unsealed = true;

  learnStored(): void {}

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    this.#requireUnsealed();
    this.sealCounter.add(1);
    return createBox(context, plain);
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    this.#requireUnsealed();
    const plain = sealed.slice(0, -16);
    if (!Buffer.from(createBox(context, plain)).equals(sealed)) throw new SealBrokenError('does not open');
    return plain;
  }

  indexOf(): RowIndex {
    return this;
  }

  term(): number {
    return 0;
  }

  key(purpose: string, ...parts: readonly string[]): string {
    return digest(JSON.stringify([purpose, ...parts]), new Uint8Array())
      .toString('hex')
      .slice(0, 32);
  }

  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return BigInt(`0x${digest(JSON.stringify([table, id, version]), tag).toString('hex')}`);
  }

  async close(): Promise<void> {
    this.unsealed = false;
  }

  #requireUnsealed(): void {
    if (!this.unsealed) throw new VaultUnavailableError('the vault is sealed');
  }
}

function createBox(context: SealContext, plain: Uint8Array): SealedKey {
  const box = new Uint8Array(plain.length + 16);
  box.set(plain);
  const named = JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  box.set(digest(named, plain).subarray(0, 16), plain.length);
  return box as SealedKey;
}

function digest(text: string, bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', Buffer.concat([Buffer.from(`${text}\n`), bytes]), 'hex'), 'hex');
}
