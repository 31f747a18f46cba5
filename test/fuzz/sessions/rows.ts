import { createPrivateKey } from 'node:crypto';
import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { encodeManagedObject, hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { type PlainKey, plainKey } from '../../../src/crypto/plain-key.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Snapshot, StoredRow } from '../../memory-store.ts';
import { PlainVault } from '../../plain-vault.ts';
import { recordKey } from '../../row-index.ts';

/** A row of the store, opened. */
export interface ObjectView {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly attributes: ManagedObject['attributes'];
  /** The plain key; undefined for objects without one. */
  readonly key: PlainKey | undefined;
  /** The bytes that must stay secret; none for public and destroyed objects. */
  readonly secrets: readonly Uint8Array[];
  /** The encoded value, without its provenance. */
  readonly encoded: Uint8Array | undefined;
  state(now: number): string;
}

const vault = new PlainVault();
const views = new WeakMap<StoredRow, ObjectView>();

/** Whether there is a record of that kind and id. */
export function hasRecord({ records }: Pick<Snapshot, 'records'>, kind: string, id: string): boolean {
  return records.has(recordKey(vault, kind, id));
}

/** Opens a row; the same row gives the same view. */
export function viewOf(row: StoredRow): ObjectView {
  let view = views.get(row);
  if (view === undefined) views.set(row, (view = openRow(row)));
  return view;
}

function openRow(row: StoredRow): ObjectView {
  const object = ManagedObject.fromStored(row, vault);
  const { value } = object;
  const key =
    value !== undefined && hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  return {
    id: row.id,
    type: object.type,
    group: row.group,
    attributes: object.attributes,
    key,
    secrets: value?.type === 'OpaqueObject' ? [value.value.OpaqueDataValue] : secretsOf(key),
    encoded: value && encodeManagedObject(value),
    state: (now) => object.state(now),
  };
}

/** The secret byte strings of a key: its bytes, and of a private key the numbers that are secret. */
export function secretsOf(key: PlainKey | undefined): readonly Uint8Array[] {
  if (key === undefined || key.objectType === 'PublicKey') return [];
  const { KeyMaterial: material, objectType } = key;
  if (!(material instanceof Uint8Array)) {
    const { Key, D, X, PrivateExponent, P } = material;
    return [Key, D, X, PrivateExponent, P].filter((each) => each !== undefined);
  }
  return objectType === 'PrivateKey' ? privateNumbers(material) : [material];
}

/** Keys of the pool come again and again. */
const numbers = new Map<string, readonly Uint8Array[]>();

function privateNumbers(material: Uint8Array): readonly Uint8Array[] {
  const name = Buffer.from(material).toString('latin1');
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const found = readNumbers(material);
  if (numbers.size > 500) numbers.clear();
  numbers.set(name, found);
  return found;
}

function readNumbers(material: Uint8Array): readonly Uint8Array[] {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      const key = createPrivateKey({ key: Buffer.from(material), format: 'der', type });
      const { d, p, q } = key.export({ format: 'jwk' });
      return [d, p, q].filter((each) => each !== undefined).map((each) => Buffer.from(each, 'base64url'));
    } catch {
      // The next encoding, or a key that is no DER: its bytes are the secret.
    }
  }
  return [material];
}
