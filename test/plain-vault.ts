import { createHash } from 'node:crypto';
import { EpochSealCounter } from '../src/vault/seal-counter.ts';
import {
  boxBinding,
  type RowIndex,
  SealBrokenError,
  type SealContext,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
} from '../src/vault/vault.ts';

/** A vault without direct mode. */
export const envelopeOnly: Vault['direct'] = {
  mode: 'envelope',
  root: undefined,
  bindingOf: boxBinding,
  isCurrent: () => false,
  async seal() {
    throw new VaultUnavailableError('no token');
  },
  async open() {
    throw new VaultUnavailableError('no token');
  },
  problem: async () => 'no token',
};

/**
 * A vault that encrypts nothing, so that tests read what is stored, and that refuses boxes which belong to
 * another row: header (6 bytes) ‖ number of the box (12) ‖ plain bytes ‖ digest of context, number and bytes
 * (16).
 */
export class PlainVault implements Vault, RowIndex {
  readonly sealCounter = new EpochSealCounter();
  readonly unsealed = true;
  readonly currentEpoch = 0;
  readonly generation = Number.MAX_SAFE_INTEGER;
  readonly rootsAtHand = [];
  readonly epoch = 0;
  readonly indexes = [this];
  readonly direct = envelopeOnly;
  readonly storeNames = ['0'.repeat(32)];
  seals = 0;
  opens = 0;
  terms = 0;

  learnStored(): void {}

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    this.seals++;
    const head = new Uint8Array(headBytes);
    new DataView(head.buffer).setUint32(headBytes - 4, this.seals);
    const start = Buffer.concat([head, plain]);
    return Uint8Array.from(Buffer.concat([start, tagOf(context, start)])) as SealedKey;
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    this.opens++;
    const start = sealed.subarray(0, -tagBytes);
    if (!tagOf(context, start).equals(sealed.subarray(-tagBytes)))
      throw new SealBrokenError('sealed for another row');
    return start.slice(headBytes);
  }

  indexOf(): RowIndex {
    return this;
  }

  term(group: string, attribute: string, field: string, value: string | number): number {
    this.terms++;
    return digest('term', group, attribute, field, value).readUIntBE(0, 6) * 16;
  }

  key(purpose: string, ...parts: readonly string[]): string {
    return digest('key', purpose, ...parts).toString('hex');
  }

  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return BigInt(`0x${digest('element', table, id, version, [...tag]).toString('hex')}`);
  }

  async close(): Promise<void> {}
}

const headBytes = 18;
const tagBytes = 16;

function tagOf(context: SealContext, start: Uint8Array): Buffer {
  const named = Object.entries(context).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? [...value] : value,
  ]);
  return digest(named.sort(), Buffer.from(start).toString('base64'));
}

function digest(...parts: readonly unknown[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
}
