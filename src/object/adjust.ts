import { type Attribute, type AttributeReference, attributeKey } from '../../codec/attribute.ts';
import { attributeRow } from '../../codec/attribute-table.ts';
import type { AdjustmentType } from '../../codec/enums.ts';
import type { TypedValue } from '../../codec/wire/node.ts';
import { fail } from '../common/errors.ts';
import { applySet, requireSettable } from './attribute-rules.ts';
import type { ManagedObject } from './managed-object.ts';
import { requireKnown } from './value-rules.ts';

/** Type and amount of an adjustment. */
export interface Adjustment {
  readonly type: AdjustmentType;
  /** Amount by which to increment or decrement; 1 when left out. */
  readonly value?: TypedValue | undefined;
}

type TypeName = TypedValue['type'];

/** Minimum and maximum of each type that can be adjusted; null: no bounds. */
const ranges: Readonly<Partial<Record<TypeName, readonly [min: bigint, max: bigint] | null>>> = {
  Integer: [-(2n ** 31n), 2n ** 31n - 1n],
  Interval: [0n, 2n ** 32n - 1n],
  // Seconds are numbers, which are exact up to 2^53.
  DateTime: [BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER)],
  LongInteger: [-(2n ** 63n), 2n ** 63n - 1n],
  DateTimeExtended: [-(2n ** 63n), 2n ** 63n - 1n],
  BigInteger: null,
};

const typeOfKind: Readonly<Record<string, TypeName>> = {
  integer: 'Integer',
  mask: 'Integer',
  interval: 'Interval',
  date: 'DateTime',
  boolean: 'Boolean',
};

/**
 * AdjustAttribute (KMIP 2.1 §6.1.3): adds to a number or a date, subtracts from it, or negates a number or
 * Boolean. An absent attribute counts as 0 or false.
 *
 * @throws {KmipError} InvalidAttribute, ReadOnlyAttribute, MultiValuedAttribute, AttributeNotFound,
 * InvalidDataType, InvalidField or NumericRange, and as `applySet`.
 */
export function applyAdjust(
  object: ManagedObject,
  reference: AttributeReference,
  adjustment: Adjustment,
  now: number,
): void {
  requireKnown(reference);
  const key = attributeKey(reference);
  const [present, second] = requireSettable(object, reference);
  if (second !== undefined) fail('MultiValuedAttribute', `the object has several instances of ${key}`);
  const { type, value } = presentValue(key, reference, present, adjustment);
  const result =
    type === 'Boolean'
      ? negate(key, value as boolean, adjustment)
      : adjustNumber(key, type, toBigInt(key, type, value), adjustment);
  applySet(
    object,
    { ...reference, value: reference.vendor === undefined ? result.value : result } as Attribute,
    now,
  );
}

/** The present value of the attribute with its type; undefined when absent. */
function presentValue(
  key: string,
  reference: AttributeReference,
  present: Attribute | undefined,
  adjustment: Adjustment,
): { type: TypeName; value: unknown } {
  if (reference.vendor === undefined) {
    const type = typeOfKind[attributeRow(reference.name).schema.kind];
    if (type === undefined) fail('InvalidDataType', `${key} is neither a number nor a Boolean`);
    return { type, value: present?.value };
  }
  const value = present?.value as TypedValue | undefined;
  if (value !== undefined) return { type: value.type, value: value.value };
  if (adjustment.type === 'Negate') fail('AttributeNotFound', `the object has no ${key}`);
  return { type: adjustment.value?.type ?? 'Integer', value: undefined };
}

function negate(key: string, value: boolean | undefined, { type }: Adjustment): TypedValue {
  if (type !== 'Negate') fail('InvalidDataType', `${key} is a Boolean: it can only be negated`);
  return { type: 'Boolean', value: !value };
}

function adjustNumber(key: string, type: TypeName, from: bigint, adjustment: Adjustment): TypedValue {
  const to = computeResult(key, type, from, adjustment);
  const range = ranges[type];
  if (range && (to < range[0] || to > range[1])) fail('NumericRange', `the result does not fit into ${key}`);
  switch (type) {
    case 'LongInteger':
    case 'DateTimeExtended':
      return { type, value: to };
    case 'BigInteger':
      return { type, value: toBytes(to) };
    default:
      return { type: type as 'Integer' | 'Interval' | 'DateTime', value: Number(to) };
  }
}

function computeResult(key: string, type: TypeName, from: bigint, adjustment: Adjustment): bigint {
  const by =
    adjustment.value === undefined ? 1n : toBigInt(key, adjustment.value.type, adjustment.value.value);
  switch (adjustment.type) {
    case 'Increment':
      return from + by;
    case 'Decrement':
      return from - by;
    case 'Negate':
      if (type === 'DateTime' || type === 'DateTimeExtended')
        fail('InvalidDataType', `${key} is a date: it cannot be negated`);
      return -from;
    default:
      return fail('InvalidField', 'the Adjustment Type is not one of the specification');
  }
}

function toBigInt(key: string, type: TypeName, value: unknown): bigint {
  if (ranges[type] === undefined) fail('InvalidDataType', `${key} cannot be adjusted by or as a ${type}`);
  if (value === undefined) return 0n;
  return value instanceof Uint8Array ? fromBytes(value) : BigInt(value as number | bigint);
}

/** Converts two's complement, big-endian, to a number. */
function fromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toHex()}`));
}

/**
 * Converts a number to the two's complement of a Big Integer: the smallest multiple of 8 bytes for value and
 * sign.
 */
function toBytes(value: bigint): Uint8Array {
  // Counts bits by the hex digits, because to try one length after the other would take quadratic time.
  const digits = (value < 0n ? ~value : value).toString(16);
  const bits = digits.length * 4 - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28;
  const length = (Math.floor(bits / 64) + 1) * 8;
  return Uint8Array.fromHex(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
  );
}
