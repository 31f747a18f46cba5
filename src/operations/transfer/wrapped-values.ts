import type { CryptographicAlgorithm, EncodingOption, KeyFormatType } from '../../../codec/enums.ts';
import {
  decodeKeyValue,
  encodeKeyValue,
  type KeyMaterial,
  type PlainKeyValue,
} from '../../../codec/structures/key-block.ts';
import type { KeyedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { newestVersion } from '../../../codec/version.ts';
import { concatBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { ShareOrigin } from '../../object/share-origin.ts';
import type { Context } from '../context.ts';
import { originOf } from '../key-copies.ts';
import { mayHaveWrappedSecrets } from './exposure.ts';

/**
 * Records of what has left under keys that no client knows, so that it is recognised when it comes back. Such
 * wrappings have integrity: the same bytes come back, or none.
 */

/** Kind of the records; their identifiers are MACs of the values, their contents what each value was. */
export const wrappedValueKind = 'wrapped-value';
/** Kind of the records of the MAC keys, one for each group. */
export const valueKeyKind = 'value-key';
const valueKeyBytes = 32;

/** Objects with the same value; a client cannot have more of them recognised. */
const maxObjects = 16;

/** What left. */
export interface WrappedValue {
  /** Identifier of the first object with that key. */
  readonly origin: string;
  readonly type: ObjectTypeName;
  readonly format: KeyFormatType;
  readonly algorithm?: CryptographicAlgorithm | undefined;
  readonly bits?: number | undefined;
  /** Of a part of a split key: its set, as in the provenance. */
  readonly madeWith?: string | undefined;
  readonly share?: ShareOrigin | undefined;
}

/**
 * Records, as a lasting change, that the value of an object leaves in this format; `known`: what it was when
 * it has left before and has only been unwrapped in this request.
 */
export async function recordWrapped(
  object: ManagedObject,
  value: KeyedObjectValue,
  { KeyMaterial: material }: Pick<PlainKeyValue, 'KeyMaterial'>,
  known: readonly WrappedValue[],
  context: Context,
): Promise<void> {
  const { records } = context.work;
  const id = await identify(material, context);
  const format = value.value.KeyBlock.KeyFormatType;
  const left = known.length > 0 ? known.map((each) => ({ ...each, format })) : [describe(object, value)];
  const add = (content: Uint8Array | undefined): Uint8Array => {
    const others = content === undefined ? [] : readJson<WrappedValue[]>(content);
    const added = left.filter((each) => !others.some((other) => isSame(each, other)));
    return writeJson([...others, ...added].slice(0, maxObjects));
  };
  const content = await records.load(wrappedValueKind, id);
  const next = add(content);
  if (content?.length !== next.length) records.putLasting(wrappedValueKind, id, add);
}

function describe(object: ManagedObject, { type, value }: KeyedObjectValue): WrappedValue {
  const { attributes, provenance } = object;
  const isPart = type === 'SplitKey';
  return {
    origin: originOf(object),
    type,
    format: value.KeyBlock.KeyFormatType,
    algorithm: attributes.get('CryptographicAlgorithm'),
    bits: attributes.get('CryptographicLength'),
    madeWith: isPart ? provenance.madeWith : undefined,
    share: provenance.share,
  };
}

function isSame(one: WrappedValue, other: WrappedValue): boolean {
  return one.origin === other.origin && one.format === other.format && one.type === other.type;
}

/**
 * Returns what an unwrapped value was when it left under a closed key or a recipient; nothing when it has not
 * left so. It may come back under another object of that key, which is not closed itself. Algorithm and
 * length that the Key Block leaves open are those that it had.
 * @throws {KmipError} InvalidField when the request makes something else of it
 */
export async function recogniseValue(
  value: KeyedObjectValue,
  option: EncodingOption | undefined,
  { keyValue, key }: { readonly keyValue: PlainKeyValue; readonly key?: ManagedObject | undefined },
  context: Context,
): Promise<readonly WrappedValue[]> {
  const { protection, work, limits } = context;
  if (protection === 'kmip' || key === undefined || !(await mayHaveWrappedSecrets(key, context))) return [];
  const { KeyMaterial: material } = keyValue;
  const isEncoding =
    option === 'NoEncoding' &&
    material instanceof Uint8Array &&
    decodeKeyValue(material, limits) !== undefined;
  if (isEncoding) refuseOther();
  const content = await work.records.load(wrappedValueKind, await identify(material, context));
  const left = content === undefined ? [] : readJson<WrappedValue[]>(content);
  const same = left.filter((each) => isStatedAs(each, value));
  if (left.length > 0 && same.length === 0) refuseOther();
  return left.length === 0 ? [] : [...same, ...left.filter((each) => !same.includes(each))];
}

function isStatedAs(left: WrappedValue, { type, value }: KeyedObjectValue): boolean {
  const { KeyFormatType, CryptographicAlgorithm: algorithm, CryptographicLength: bits } = value.KeyBlock;
  return (
    left.type === type &&
    left.format === KeyFormatType &&
    (algorithm === undefined || left.algorithm === undefined || algorithm === left.algorithm) &&
    (bits === undefined || left.bits === undefined || bits === left.bits)
  );
}

function refuseOther(): never {
  fail(
    'InvalidField',
    'the key was wrapped as another object: type, format, encoding, algorithm and length stay what they were',
  );
}

/** The identifier of a value: a MAC, so that a reader of the database cannot look for values. */
async function identify(material: KeyMaterial, context: Context): Promise<string> {
  const { crypto } = context;
  const bytes =
    material instanceof Uint8Array
      ? material
      : encodeKeyValue({ KeyMaterial: material, Attributes: [] }, newestVersion);
  const key = await loadValueKey(context);
  const keyed = concatBytes([key, bytes]);
  // SHA-256 outside as well, as in HMAC: nothing can be appended to the value. `crypto.mac` obeys
  // `crypto.disabled`, which would end every export where HMAC is disabled.
  const inner = crypto.digest('SHA_256', keyed);
  keyed.fill(0);
  return crypto.digest('SHA_256', concatBytes([key, inner])).toHex();
}

async function loadValueKey({ work, crypto, principal }: Context): Promise<Uint8Array> {
  const known = await work.records.load(valueKeyKind, principal.group);
  if (known !== undefined) return known;
  const made = crypto.random(valueKeyBytes);
  work.records.putLasting(valueKeyKind, principal.group, (content) => content ?? made);
  return made;
}
