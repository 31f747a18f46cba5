import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import { type AttributeName, type AttributeValue, attributeRow } from '../../codec/attribute-table.ts';
import type { AnySchema, Field, Struct } from '../../codec/schema.ts';
import type { TypedValue } from '../../codec/wire/node.ts';
import type { IndexEntry } from './attribute-filter.ts';
import { comparableField, comparableText } from './names.ts';

/** Searchable form of a value: text for equality, or a number for equality, ranges and bits. */
export type Searchable = Pick<IndexEntry, 'text' | 'number'>;

/**
 * Builds the entries over which filters are evaluated, and from which the index of the store is made: one for
 * each plain attribute, one for each field of a structured attribute; entries of one instance have its index
 * in common. A field that may repeat (alternative names of certificates) is one entry, the text of all its
 * values. Attributes of vendors have their type as field, so that the number 5 does not match the text "5".
 * Texts are exact and of any length.
 */
export function indexEntries(attributes: readonly Attribute[]): IndexEntry[] {
  return attributes.flatMap((attribute) => {
    const key = attributeKey(attribute);
    const instance = attribute.index ?? 0;
    const fields = [...searchableFields(attribute), ...comparableFields(attribute)];
    return (fields.length > 0 ? fields : presenceEntry).map(([field, searchable]) => ({
      attribute: key,
      field,
      instance,
      ...searchable,
    }));
  });
}

/** The comparable text of a Name. */
function comparableFields({ name, vendor, value }: Attribute): [field: string, searchable: Searchable][] {
  if (name !== 'Name' || vendor !== undefined) return [];
  const { NameValue } = value as AttributeValue<'Name'>;
  return [[comparableField, text(comparableText(NameValue))]];
}

/** Entry of a structure without fields, so that a search for the attribute itself finds it. */
const presenceEntry: [field: string, searchable: Searchable][] = [['', { text: '', number: null }]];

/**
 * Returns the present fields of one attribute instance in searchable form, for index entries and for Locate
 * filters.
 */
export function searchableFields(attribute: Attribute): [field: string, searchable: Searchable][] {
  if (attribute.vendor !== undefined) return [[attribute.value.type, typedSearchable(attribute.value)]];
  const { schema } = attributeRow(attribute.name as AttributeName);
  if (schema.kind !== 'struct') {
    const found = searchable(schema, attribute.value);
    return found === undefined ? [] : [['', found]];
  }
  const value = attribute.value as unknown as Record<string, unknown>;
  return plainFields(schema).flatMap(([field, { schema: inner, quantity }]): [string, Searchable][] => {
    const content = value[field];
    if (content === undefined) return [];
    if (quantity === 'many') {
      const list = (content as unknown[]).map((item) => canonical(inner, item));
      return list.length === 0 ? [] : [[field, text(JSON.stringify(list))]];
    }
    const found = searchable(inner, content);
    return found === undefined ? [] : [[field, found]];
  });
}

/** Fields of the structure of an attribute; none of them differs between the eras. */
function plainFields(schema: Struct): [string, Field][] {
  return Object.entries(schema.fields).filter((entry): entry is [string, Field] => entry[1].kind === 'field');
}

function searchable(schema: AnySchema, value: unknown): Searchable | undefined {
  switch (schema.kind) {
    case 'integer':
    case 'interval':
    case 'date':
      return number(value as number);
    case 'mask':
      // Unsigned, so that bit 31 is a bit and not a sign.
      return number((value as number) >>> 0);
    case 'enumeration':
      return number(schema.toNumber(value as string | number));
    case 'boolean':
      return number(value ? 1 : 0);
    case 'long':
      return { text: (value as bigint).toString(), number: clamp(value as bigint) };
    case 'dateExtended':
      return text((value as bigint).toString());
    case 'text':
      return text(value as string);
    case 'bytes':
      return text(hex(value as Uint8Array));
    case 'big':
      return text(bigIntegerText(value as Uint8Array));
    case 'any':
      return typedSearchable(value as TypedValue);
    case 'struct':
      return text(canonical(schema, value));
    case 'custom':
      // The only custom schema among attributes is the identifier; a reference into a batch is never stored.
      return typeof value === 'string' ? text(value) : undefined;
  }
}

/** Returns a text for a value, different for different values. */
function canonical(schema: AnySchema, value: unknown): string {
  if (schema.kind === 'struct') {
    return JSON.stringify(
      plainFields(schema).map(([field, { schema: inner, quantity }]) => {
        const content = (value as Record<string, unknown>)[field];
        if (content === undefined) return null;
        return quantity === 'many'
          ? (content as unknown[]).map((item) => canonical(inner, item))
          : canonical(inner, content);
      }),
    );
  }
  const found = searchable(schema, value);
  return found === undefined ? '' : (found.text ?? String(found.number));
}

function typedSearchable(value: TypedValue): Searchable {
  switch (value.type) {
    case 'TextString':
      return text(value.value);
    case 'ByteString':
      return text(hex(value.value));
    case 'BigInteger':
      return text(bigIntegerText(value.value));
    case 'LongInteger':
    case 'DateTimeExtended':
      return text(value.value.toString());
    case 'Boolean':
      return number(value.value ? 1 : 0);
    case 'Structure':
      return text(
        JSON.stringify(
          value.value.map((node) => {
            const inner = typedSearchable(node);
            return [node.tag, node.type, inner.text ?? inner.number];
          }),
        ),
      );
    default:
      return number(value.value);
  }
}

function text(value: string): Searchable {
  return { text: value, number: null };
}

function number(value: number): Searchable {
  return { text: null, number: value };
}

/** Limits a Long Integer to ±(2^53 − 1); the text of the entry stays exact. */
function clamp(value: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  if (value > max) return Number.MAX_SAFE_INTEGER;
  return Number(value < -max ? -max : value);
}

/** Text of a Big Integer without superfluous sign bytes, so that equal values have equal texts. */
function bigIntegerText(bytes: Uint8Array): string {
  let start = 0;
  const sign = (bytes[0] ?? 0) & 0x80 ? 0xff : 0;
  while (
    start < bytes.length - 1 &&
    bytes[start] === sign &&
    ((bytes[start + 1] as number) & 0x80) === (sign & 0x80)
  )
    start++;
  return hex(bytes.subarray(start));
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
