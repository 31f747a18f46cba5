import type {
  CryptographicAlgorithm,
  EncodingOption,
  KeyFormatType,
  SecretDataType,
} from '../../../codec/enums.ts';
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
/** Keeps seeds apart from identifiers; no Initialization Vector of the server is as short. */
const ivPurpose = new TextEncoder().encode('iv');

/** Objects with the same value; a client cannot have more of them recognised. */
const maxObjects = 16;

/** Bits below which any value counts as one that can be guessed: the strength that SP 800-57 demands. */
const minBits = 112;

/**
 * Whether a client may guess the value whole: Secret Data that people may choose, and short values. Such a
 * value is recognised by the wrapping that left, and never by its bytes, because that would tell a client
 * whether a guess is right.
 */
export function mayBeGuessed({ type, value }: KeyedObjectValue, material?: KeyMaterial): boolean {
  if (type === 'PublicKey') return false;
  if (type === 'SecretData' && value.SecretDataType !== 'Seed') return true;
  const bytes = material instanceof Uint8Array ? material : material?.Key;
  return bytes !== undefined && bytes.length * 8 < minBits;
}

/** What left. */
export interface WrappedValue {
  /** Identifier of the first object with that key. */
  readonly origin: string;
  readonly type: ObjectTypeName;
  readonly secretType?: SecretDataType | undefined;
  readonly format: KeyFormatType;
  readonly algorithm?: CryptographicAlgorithm | undefined;
  readonly bits?: number | undefined;
  /** Of a part of a split key: its set, as in the provenance. */
  readonly madeWith?: string | undefined;
  readonly share?: ShareOrigin | undefined;
}

/** A value that leaves. */
interface LeavingContent {
  readonly object: ManagedObject;
  readonly value: KeyedObjectValue;
  readonly material: KeyMaterial;
  /** What it was when it has left before and has only been unwrapped in this request. */
  readonly known: readonly WrappedValue[];
}

/**
 * Returns the seed of the Initialization Vector for a value that may be guessed, from the object and from all
 * that is wrapped: it is the same whenever the same leaves, so that few records are made, and another one for
 * the same bytes of another object.
 */
export async function deriveIvSeed(
  { object, known: [first] }: LeavingContent,
  bytes: Uint8Array,
  context: Context,
): Promise<Uint8Array> {
  return macValue([writeJson([first?.origin ?? originOf(object)]), bytes], ivPurpose, context);
}

/**
 * Records, as a lasting change, that a value leaves in this format. One that may be guessed is recorded with
 * the Initialization Vector of the wrapping, and not at all where there is none.
 */
export async function recordWrapped(
  { object, value, material, known }: LeavingContent,
  vector: Uint8Array | undefined,
  context: Context,
): Promise<void> {
  const { records } = context.work;
  const isGuessable = mayBeGuessed(value, material);
  if (isGuessable && vector === undefined) return;
  const id = await identify(material, context, isGuessable ? vector : undefined);
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
    secretType: type === 'SecretData' ? value.SecretDataType : undefined,
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

/** A value that has been unwrapped. */
interface UnwrappedContent {
  readonly keyValue: PlainKeyValue;
  /** The key that decrypted it. */
  readonly key?: ManagedObject | undefined;
  /** The Initialization Vector of the wrapping. */
  readonly iv: Uint8Array | undefined;
}

/**
 * Returns what an unwrapped value was when it left under a closed key or a recipient; nothing when it has not
 * left so. The very wrapping that left is that of its object, whatever else has the same bytes. It may come
 * back under another object of that key, which is not closed itself. Algorithm and length that the Key Block
 * leaves open are those that it had.
 * @throws {KmipError} InvalidField when the request makes something else of it
 */
export async function recogniseValue(
  value: KeyedObjectValue,
  option: EncodingOption | undefined,
  { keyValue, key, iv }: UnwrappedContent,
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
  const load = async (vector?: Uint8Array) => {
    const content = await work.records.load(wrappedValueKind, await identify(material, context, vector));
    return content === undefined ? [] : readJson<WrappedValue[]>(content);
  };
  const own = iv === undefined ? [] : await load(iv);
  const left = own.length > 0 ? own : await load();
  const same = left.filter((each) => isStatedAs(each, value));
  if (left.length > 0 && same.length === 0) refuseOther();
  return left.length === 0 ? [] : [...same, ...left.filter((each) => !same.includes(each))];
}

function isStatedAs(left: WrappedValue, { type, value }: KeyedObjectValue): boolean {
  const isSameSecret =
    type !== 'SecretData' || left.secretType === undefined || left.secretType === value.SecretDataType;
  const { KeyFormatType, CryptographicAlgorithm: algorithm, CryptographicLength: bits } = value.KeyBlock;
  return (
    left.type === type &&
    isSameSecret &&
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

/**
 * The identifier of a value, or of its wrapping with an Initialization Vector: a MAC, so that a reader of the
 * database cannot look for values.
 */
async function identify(
  material: KeyMaterial,
  context: Context,
  vector: Uint8Array = new Uint8Array(),
): Promise<string> {
  const bytes =
    material instanceof Uint8Array
      ? material
      : encodeKeyValue({ KeyMaterial: material, Attributes: [] }, newestVersion);
  return (await macValue([bytes], vector, context)).toHex();
}

/** Computes a MAC over a value and bytes beside it, by the MAC key of the group. */
async function macValue(
  value: readonly Uint8Array[],
  suffix: Uint8Array,
  context: Context,
): Promise<Uint8Array> {
  const { crypto } = context;
  const key = await loadValueKey(context);
  const keyed = concatBytes([key, ...value]);
  // SHA-256 outside as well, as in HMAC: nothing can be appended to the value. `crypto.mac` obeys
  // `crypto.disabled`, which would end every export where HMAC is disabled.
  const inner = crypto.digest('SHA_256', keyed);
  keyed.fill(0);
  // Key and inner digest have one length each, so the suffix cannot be taken for another part.
  return crypto.digest('SHA_256', concatBytes([key, inner, suffix]));
}

async function loadValueKey({ work, crypto, principal }: Context): Promise<Uint8Array> {
  const known = await work.records.load(valueKeyKind, principal.group);
  if (known !== undefined) return known;
  const made = crypto.random(valueKeyBytes);
  work.records.putLasting(valueKeyKind, principal.group, (content) => content ?? made);
  return made;
}
