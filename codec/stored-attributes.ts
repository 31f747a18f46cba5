import type { Attribute } from './attribute.ts';
import { type AttributeName, attributeTable } from './attribute-table.ts';
import { plan } from './plan.ts';
import { type AnySchema, any, type Plan } from './schema.ts';
import { tagNumber } from './tags.ts';
import { newestVersion } from './version.ts';
import { BinaryReader, tagLabel } from './wire/binary-reader.ts';
import { type BinaryWriter, encodeMessage } from './wire/binary-writer.ts';
import { WireError } from './wire-error.ts';

/**
 * Stored form of attributes: a TTLV structure with one item for each instance, the same for every era. A
 * standard attribute has its own tag and the form of the newest version, which can represent the values of
 * all others; an attribute of a vendor is an Attribute structure. An Attribute Index other than 0 precedes
 * its instance. Every request that touches an object decodes this structure, so it contains no attribute
 * names as text. See docs/decisions/02-attributes-in-one-blob.md.
 */

const Tag = {
  Attributes: tagNumber('Attributes'),
  Attribute: tagNumber('Attribute'),
  AttributeIndex: tagNumber('AttributeIndex'),
  AttributeName: tagNumber('AttributeName'),
  AttributeValue: tagNumber('AttributeValue'),
  VendorIdentification: tagNumber('VendorIdentification'),
} as const;

interface Form {
  readonly name: AttributeName;
  readonly tag: number;
  readonly plan: Plan<unknown>;
}

const forms: readonly Form[] = Object.entries(attributeTable).map(([name, { schema }]) => ({
  name: name as AttributeName,
  tag: tagNumber(name as AttributeName),
  plan: plan(schema as AnySchema, newestVersion) as Plan<unknown>,
}));
const byTag: ReadonlyMap<number, Form> = new Map(forms.map((form) => [form.tag, form]));
const byName: ReadonlyMap<string, Form> = new Map(forms.map((form) => [form.name, form]));

/** Encodes attributes for the store into a new buffer. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  return encodeMessage((writer) => {
    const start = writer.open(Tag.Attributes);
    for (const attribute of attributes) writeStored(writer, attribute);
    writer.close(start);
  });
}

function writeStored(writer: BinaryWriter, attribute: Attribute): void {
  if (attribute.index) writer.integer(Tag.AttributeIndex, attribute.index);
  if (attribute.vendor === undefined) {
    const form = byName.get(attribute.name) as Form;
    form.plan.write(writer, form.tag, attribute.value);
  } else {
    const inner = writer.open(Tag.Attribute);
    writer.text(Tag.VendorIdentification, attribute.vendor);
    writer.text(Tag.AttributeName, attribute.name);
    any.plan.write(writer, Tag.AttributeValue, attribute.value);
    writer.close(inner);
  }
}

/**
 * The inverse of `encodeAttributes`; byte strings are views of `encoded`.
 *
 * @throws {WireError} when the bytes have another form.
 */
export function decodeAttributes(encoded: Uint8Array): Attribute[] {
  const reader = new BinaryReader(encoded);
  const attributes: Attribute[] = [];
  reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    let index: number | undefined;
    if (tag === Tag.AttributeIndex) {
      index = reader.integer();
      tag = reader.tag();
    }
    const attribute = tag === Tag.Attribute ? readVendor(reader) : readStandard(reader, tag);
    attributes.push(index === undefined ? attribute : { ...attribute, index });
  }
  return attributes;
}

function readStandard(reader: BinaryReader, tag: number): Attribute {
  const form = byTag.get(tag);
  if (form === undefined) throw new WireError('field', `${tagLabel(tag)} is not an attribute`, reader.offset);
  return { name: form.name, value: form.plan.read(reader) } as Attribute;
}

function readVendor(reader: BinaryReader): Attribute {
  const outer = reader.enter();
  const vendor = reader.text();
  const name = reader.text();
  const value = any.plan.read(reader);
  reader.leave(outer);
  return { vendor, name, value };
}
