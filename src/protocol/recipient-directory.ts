import type { CryptoProvider } from '../crypto/provider.ts';
import { isClosedKey } from '../object/closed-keys.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isForWrappingOnly, type Provenance } from '../object/provenance.ts';
import { everyMaskOf } from '../object/usage.ts';
import { fingerprintOfKey, recipientKind } from '../operations/recipients.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { ChangedMeanwhileError } from './unit-of-work/changed-meanwhile.ts';
import { OperatorUnits } from './unit-of-work/operator-units.ts';
import type { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** An object as an operator sees it who may mark it as recipient. */
export interface RecipientCandidate {
  readonly id: string;
  readonly group: string;
  readonly type: string;
  readonly algorithm: string | undefined;
  readonly bits: number | undefined;
  readonly names: readonly string[];
  readonly provenance: Provenance;
  readonly isClosed: boolean;
  readonly fingerprint: Uint8Array;
  /** Whether an operator has marked this very key. */
  readonly isMarked: boolean;
  /** Why the key cannot be a recipient; undefined when it can. */
  readonly problem: string | undefined;
}

/**
 * The keys that an operator has marked as recipients, as records in the store. It works beside a daemon over
 * the same database, which reads the records anew for every wrapping.
 */
export class RecipientDirectory {
  readonly #store: Store;
  readonly #units: OperatorUnits;
  readonly #crypto: CryptoProvider;

  constructor(store: Store, vault: Vault, crypto: CryptoProvider) {
    this.#store = store;
    this.#units = new OperatorUnits(store, vault);
    this.#crypto = crypto;
  }

  /** Returns the key with that identifier, of any group; undefined when there is none with key material. */
  async find(id: string): Promise<RecipientCandidate | undefined> {
    const group = await this.#store.groupOf(id);
    if (group === undefined) return undefined;
    const unit = this.#units.begin();
    unit.actFor(group);
    const object = await unit.load(id);
    await object?.openValue();
    const fingerprint = object && fingerprintOfKey(object, this.#crypto);
    if (object === undefined || fingerprint === undefined) return undefined;
    const marked = (await unit.record(recipientKind, id))?.content;
    const { attributes, provenance } = object;
    return {
      id,
      group,
      type: object.type,
      algorithm: attributes.get('CryptographicAlgorithm')?.toString(),
      bits: attributes.get('CryptographicLength'),
      names: attributes.values('Name').map(({ NameValue }) => NameValue),
      provenance,
      isClosed: await isClosedKey(object, (other) => unit.load(other)),
      fingerprint,
      isMarked: marked !== undefined && Buffer.compare(marked, fingerprint) === 0,
      problem: findProblem(object),
    };
  }

  /** Marks the key of that fingerprint. Rejects when another process changed the mark at the same time. */
  async mark(id: string, fingerprint: Uint8Array): Promise<void> {
    const group = await this.#store.groupOf(id);
    if (group === undefined) throw new TypeError(`there is no object ${id}`);
    const unit = this.#units.begin();
    await unit.record(recipientKind, id);
    unit.putRecord(recipientKind, id, group, fingerprint);
    await commit(unit);
  }

  /** Removes the mark; false when there was none. */
  async unmark(id: string): Promise<boolean> {
    const unit = this.#units.begin();
    if ((await unit.record(recipientKind, id)) === undefined) return false;
    unit.removeRecord(recipientKind, id);
    await commit(unit);
    return true;
  }
}

async function commit(unit: UnitOfWork): Promise<void> {
  if ((await unit.commit()) !== 'committed') throw new ChangedMeanwhileError('the mark was');
}

/** A secret key that also decrypts or computes MACs for clients would open what it wraps. */
function findProblem(object: ManagedObject): string | undefined {
  const { type } = object;
  if (type !== 'SymmetricKey' && type !== 'PublicKey') return `a ${type} wraps no keys`;
  if (type === 'SymmetricKey' && !isForWrappingOnly(everyMaskOf(object)))
    return 'its usage mask allows clients more than to wrap and unwrap, so they could open what it wraps';
  return undefined;
}
