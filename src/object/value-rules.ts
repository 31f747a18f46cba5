import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import { attributeRow } from '../../codec/attribute-table.ts';
import type { AnySchema } from '../../codec/schema.ts';
import type {
  CryptographicDomainParameters,
  CryptographicParameters,
} from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../common/errors.ts';
import { resetUsageCount } from './usage.ts';

const vendorName = /^[A-Za-z0-9_.]+$/;
/** First enumeration value of extensions, which are valid in every version. */
const firstExtension = 0x80000000;

/**
 * Refuses an attribute that no version knows, or with an invalid Vendor Identification.
 *
 * @throws {KmipError} InvalidAttribute (1.x: InvalidField).
 */
export function requireKnown(attribute: {
  readonly name: string;
  readonly vendor?: string | undefined;
}): void {
  if (attribute.vendor === undefined) return;
  if (attribute.vendor === '')
    fail('InvalidAttribute', `${attribute.name} is not an attribute`, 'InvalidField');
  if (!vendorName.test(attribute.vendor)) {
    fail(
      'InvalidAttribute',
      'a Vendor Identification has only letters, digits, dots and underscores',
      'InvalidField',
    );
  }
}

/** Such a set beside others would permit every use. */
function statesNothing(parameters: CryptographicParameters): boolean {
  return Object.values(parameters).every((value) => value === undefined);
}

/**
 * Refuses an invalid value: an enumeration value outside the specification, a structure in a structure of a
 * custom attribute, negative limits, empty parameters, Application Data that the server would have to
 * generate.
 *
 * @throws {KmipError} InvalidAttributeValue or ApplicationNamespaceNotSupported.
 */
export function requireValidValue(attribute: Attribute): void {
  if (attribute.vendor !== undefined) {
    const { value } = attribute;
    if (value.type === 'Structure' && value.value.some(({ type }) => type === 'Structure')) {
      fail('InvalidAttributeValue', `${attributeKey(attribute)} holds a structure in a structure`);
    }
    return;
  }
  if (attribute.name === 'ApplicationSpecificInformation' && attribute.value.ApplicationData === undefined) {
    fail(
      'ApplicationNamespaceNotSupported',
      'Application Data is missing: the server generates none for any namespace',
    );
  }
  if (attribute.name === 'CryptographicParameters' && statesNothing(attribute.value)) {
    fail('InvalidAttributeValue', 'the Cryptographic Parameters state nothing: leave them out');
  }
  if (attribute.name === 'UsageLimits' && attribute.value.UsageLimitsTotal < 0n) {
    fail('InvalidAttributeValue', 'the Usage Limits Total is negative');
  }
  if (!isKnownValue(attributeRow(attribute.name).schema, attribute.value)) {
    fail(
      'InvalidAttributeValue',
      `${attribute.name} has an enumeration value that the specification does not know`,
    );
  }
}

/** Returns the attribute as it is stored: a client cannot state the count of its Usage Limits. */
export function normalise(attribute: Attribute): Attribute {
  return attribute.vendor === undefined && attribute.name === 'UsageLimits'
    ? { ...attribute, value: resetUsageCount(attribute.value) }
    : attribute;
}

function isKnownValue(schema: AnySchema, value: unknown): boolean {
  if (value === undefined) return true;
  if (schema.kind === 'enumeration') return typeof value === 'string' || (value as number) >= firstExtension;
  if (schema.kind !== 'struct') return true;
  return Object.entries(schema.fields).every(
    ([field, inner]) =>
      inner.kind !== 'field' ||
      inner.quantity === 'many' ||
      isKnownValue(inner.schema, (value as Record<string, unknown>)[field]),
  );
}

/** Length of DES keys with parity bits by the length without; clients state either. */
const withParity: Readonly<Record<number, number>> = { 56: 64, 112: 128, 168: 192 };

/**
 * Whether a stated Cryptographic Length (bits) is that of a key: with or without the parity bits of DES,
 * exact or in whole bytes (528 for 521).
 */
export function isSameLength(own: number, stated: number): boolean {
  return (
    own === stated || withParity[own] === stated || withParity[stated] === own || wholeBytes(own) === stated
  );
}

function wholeBytes(bits: number): number {
  return Math.ceil(bits / 8) * 8;
}

/** The order of the base point has up to so many bits less than the field (Curve25519: 253, Ed448: 446). */
const maxOrderDifference = 10;

/**
 * Whether stated domain parameters repeat those of a key of `bits`. Of a key on a curve, Qlength is the
 * length of the order; of others, that of the subgroup. Both are counted in bits or in bytes.
 */
export function isSameDomain(
  own: CryptographicDomainParameters,
  { RecommendedCurve: curve, Qlength: length }: CryptographicDomainParameters,
  bits: number,
): boolean {
  if (curve !== undefined && curve !== own.RecommendedCurve) return false;
  if (length === undefined) return true;
  const { Qlength: max = wholeBytes(bits), Qlength: min = bits - maxOrderDifference } = own;
  return [length, length * 8].some((stated) => stated >= min && stated <= max);
}
