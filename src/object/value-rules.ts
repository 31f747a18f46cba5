import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import { attributeRow } from '../../codec/attribute-table.ts';
import type { AnySchema } from '../../codec/schema.ts';
import { fail } from '../common/errors.ts';
import { resetUsageCount } from './usage.ts';

const vendorName = /^[A-Za-z0-9_.]+$/;
/** Enumeration values from here on are extensions, which every version lets through. */
const firstExtension = 0x80000000;

/**
 * Refuses a name that no version knows. Fails with InvalidAttribute (1.x: `classic`).
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

/**
 * Refuses a value that can mean nothing: an enumeration value outside the dictionary, a structure in a structure of a
 * custom attribute, application data that the server would have to make up.
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
      'Application Data is missing: the server makes up none for any namespace',
    );
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

/** The attribute as it is kept: a client cannot say how much of its Usage Limits is left. */
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

/** DES lengths are told with and without the parity bits. */
const withParity: Readonly<Record<number, number>> = { 56: 64, 112: 128, 168: 192 };

/** Whether two Cryptographic Lengths are the same. */
export function isSameLength(a: number, b: number): boolean {
  return a === b || withParity[a] === b || withParity[b] === a;
}
