import {
  type Attribute,
  type AttributeReference,
  type DeletedAttribute,
  hasLegacyForm,
  isReferable,
  isSendable,
  type StandardAttribute,
  type VendorAttribute,
} from './attribute.ts';
import { attributeFromName1x, attributeRow, attributeTable, isAttributeName } from './attribute-table.ts';
import { plan } from './plan.ts';
import { type AnySchema, any, type Custom, one, type Plan, partial, struct, text } from './schema.ts';
import { tagName, tagNumber } from './tags.ts';
import { eraOf, type Version } from './version.ts';
import { type BinaryReader, tagLabel } from './wire/binary-reader.ts';
import type { BinaryWriter } from './wire/binary-writer.ts';
import { Type } from './wire/types.ts';
import { WireError } from './wire-error.ts';

/**
 * Schemas of one attribute and of a reference to one, in the form of each era: 1.x names the attribute and
 * numbers its instances (KMIP 1.4 §2.1.1), 2.x gives each attribute a tag of its own (KMIP 2.1 §4).
 */

const Tag = {
  Attribute: tagNumber('Attribute'),
  AttributeName: tagNumber('AttributeName'),
  AttributeIndex: tagNumber('AttributeIndex'),
  AttributeValue: tagNumber('AttributeValue'),
  VendorIdentification: tagNumber('VendorIdentification'),
} as const;

/**
 * Parses a 1.x name: `x-Foo` gives vendor `x`, name `Foo`; a name outside the table gets the empty vendor.
 */
function referenceFromName1x(name: string): AttributeReference {
  const standard = attributeFromName1x(name);
  if (standard !== undefined) return { name: standard };
  return hasLegacyForm(name.charAt(0)) && name.charAt(1) === '-'
    ? { vendor: name.charAt(0), name: name.slice(2) }
    : { vendor: '', name };
}

/** The inverse of `referenceFromName1x`; a 2.x attribute without a 1.x name keeps its tag name. */
function name1xOf(reference: AttributeReference): string {
  if (reference.vendor === undefined) return attributeRow(reference.name).name1x ?? reference.name;
  return reference.vendor === '' ? reference.name : `${reference.vendor}-${reference.name}`;
}

/** Schema of each attribute value in a Locate filter, which may leave out fields of a structure. */
const partialSchemas = new Map<AnySchema, AnySchema>();
for (const { schema } of Object.values(attributeTable) as { schema: AnySchema }[]) {
  partialSchemas.set(schema, schema.kind === 'struct' ? partial(schema) : schema);
}

function valuePlan(reference: AttributeReference, version: Version, allowPartial: boolean): Plan<unknown> {
  if (reference.vendor !== undefined) return any.plan;
  const { schema } = attributeRow(reference.name);
  return plan(allowPartial ? (partialSchemas.get(schema) ?? schema) : schema, version) as Plan<unknown>;
}

const examples = (version: Version): readonly Attribute[] => {
  const standard: StandardAttribute[] = [
    { name: 'CryptographicAlgorithm', value: 'AES' },
    { name: 'CryptographicLength', value: 256 },
    { name: 'Name', value: { NameValue: 'key', NameType: 'UninterpretedTextString' } },
    { name: 'ActivationDate', value: 1_700_000_000 },
  ];
  const custom: VendorAttribute = {
    vendor: 'x',
    name: 'Purpose',
    value: { type: 'TextString', value: 'demo' },
  };
  return [...standard, custom, ...(eraOf(version) === '1.x' ? [] : [{ ...custom, vendor: 'Acme' }])];
};

/**
 * Schema of a 1.x Attribute: name, index, value. The name, which comes first, decides the schema of the
 * value.
 */
export function attribute1x(allowPartial: boolean): Custom<Attribute> {
  return attributeForm1x<Attribute>(examples, { allowPartial });
}

/** What the variants of a 1.x Attribute differ in; each is off when left out. */
interface FormOptions1x {
  /** Fields of a structure may be missing. */
  readonly allowPartial?: boolean;
  /** The value may be missing. */
  readonly valueOptional?: boolean;
  /** An index of 0 is written; otherwise it is left out, which means the same (KMIP 1.4 §2.1.1). */
  readonly writeIndexZero?: boolean;
}

/** Builds the schema of a 1.x Attribute. */
function attributeForm1x<A extends Attribute | DeletedAttribute>(
  examples: (version: Version) => readonly A[],
  { allowPartial = false, valueOptional = false, writeIndexZero = false }: FormOptions1x,
): Custom<A> {
  return {
    kind: 'custom',
    examples,
    compile: (version) => ({
      read(reader) {
        const outer = reader.enter();
        let reference: AttributeReference | undefined;
        let index: number | undefined;
        let value: unknown;
        for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
          if (tag === Tag.AttributeName && reference === undefined)
            reference = referenceFromName1x(reader.text());
          else if (tag === Tag.AttributeIndex && index === undefined) index = reader.integer();
          else if (tag === Tag.AttributeValue && reference !== undefined && value === undefined) {
            value = valuePlan(reference, version, allowPartial).read(reader);
          } else throw new WireError('field', `${tagLabel(tag)} is out of place in Attribute`, reader.offset);
        }
        reader.leave(outer);
        if (reference === undefined) throw new WireError('field', 'AttributeName is missing');
        if (value === undefined && !valueOptional) throw new WireError('field', 'AttributeValue is missing');
        const head = { ...reference, ...(index === undefined ? {} : { index }) };
        return (value === undefined ? head : { ...head, value }) as A;
      },
      write(writer, tag, attribute) {
        const start = writer.open(tag);
        writer.text(Tag.AttributeName, name1xOf(attribute));
        const { index } = attribute;
        if (index !== undefined && (index !== 0 || writeIndexZero)) writer.integer(Tag.AttributeIndex, index);
        if (attribute.value !== undefined)
          valuePlan(attribute, version, allowPartial).write(writer, Tag.AttributeValue, attribute.value);
        writer.close(start);
      },
    }),
  };
}

const vendorAttribute = struct({
  VendorIdentification: one(text),
  AttributeName: one(text),
  AttributeValue: one(any),
});

/** Reads a 2.x attribute: an item under its own tag, or the structure Attribute for a vendor's attribute. */
function readAttribute2x(reader: BinaryReader, version: Version, allowPartial: boolean): Attribute {
  const tag = reader.tag();
  if (tag === Tag.Attribute) {
    const { VendorIdentification, AttributeName, AttributeValue } = plan(vendorAttribute, version).read(
      reader,
    );
    return { vendor: VendorIdentification, name: AttributeName, value: AttributeValue };
  }
  const name = tagName(tag) ?? tagLabel(tag);
  if (isAttributeName(name)) {
    return { name, value: valuePlan({ name }, version, allowPartial).read(reader) } as Attribute;
  }
  return { vendor: '', name, value: any.plan.read(reader) };
}

function writeAttribute2x(writer: BinaryWriter, attribute: Attribute, version: Version): void {
  if (attribute.vendor !== undefined) {
    plan(vendorAttribute, version).write(writer, Tag.Attribute, {
      VendorIdentification: attribute.vendor,
      AttributeName: attribute.name,
      AttributeValue: attribute.value,
    });
  } else {
    valuePlan(attribute, version, false).write(writer, tagNumber(attribute.name), attribute.value);
  }
}

/** Schema of 2.x Attributes, and of its variants under other tags: a structure of any attributes. */
export function attributes2x(allowPartial: boolean): Custom<readonly Attribute[]> {
  return {
    kind: 'custom',
    examples: (version) => [examples(version)],
    compile: (version) => ({
      read(reader) {
        const outer = reader.enter();
        const list: Attribute[] = [];
        while (reader.tag() !== 0) list.push(readAttribute2x(reader, version, allowPartial));
        reader.leave(outer);
        return list;
      },
      write(writer, tag, list) {
        const start = writer.open(tag);
        for (const attribute of list)
          if (isSendable(attribute, version, false)) writeAttribute2x(writer, attribute, version);
        writer.close(start);
      },
    }),
  };
}

/** Schema of 2.x NewAttribute and CurrentAttribute: exactly one attribute. */
export const singleAttribute2x: Custom<Attribute> = {
  kind: 'custom',
  examples,
  compile(version) {
    const list = plan(attributes2x(false), version);
    return {
      read(reader) {
        const at = reader.offset;
        const [attribute, second] = list.read(reader);
        if (attribute === undefined || second !== undefined) {
          throw new WireError('field', 'there must be exactly one attribute', at);
        }
        return attribute;
      },
      write: (writer, tag, attribute) => list.write(writer, tag, [attribute]),
    };
  },
};

/** Schema of a 1.x Attribute that is left out of messages whose version does not know the attribute. */
export const sendableAttribute1x = omitUnsendable1x(attribute1x(false));

/** Schema of the Attribute that a 1.x response repeats, with an index of 0 where the response states it. */
export const echoedAttribute1x = omitUnsendable1x(
  attributeForm1x<Attribute>(examples, { writeIndexZero: true }),
);

/** Schema of an Attribute in a 1.x Notify: a deleted attribute has no value. */
export const notifyAttribute1x: Custom<Attribute | DeletedAttribute> = omitUnsendable1x(
  attributeForm1x<Attribute | DeletedAttribute>((version) => [...examples(version), { name: 'State' }], {
    valueOptional: true,
  }),
);

/** Wraps a 1.x schema: an attribute that the version does not know is not written. */
function omitUnsendable1x<A extends Attribute | DeletedAttribute>(schema: Custom<A>): Custom<A> {
  return {
    ...schema,
    compile(version) {
      const inner = schema.compile(version);
      return {
        read: inner.read,
        write(writer, tag, attribute) {
          if (isSendable(attribute, version, true)) inner.write(writer, tag, attribute);
        },
      };
    },
  };
}

/** Schema of a reference to an attribute in 1.x: the name as text. */
export const reference1x: Custom<AttributeReference> = {
  kind: 'custom',
  examples: () => [{ name: 'State' }, { vendor: 'x', name: 'Purpose' }],
  compile: (version) => ({
    read: (reader) => referenceFromName1x(reader.text()),
    write(writer, tag, reference) {
      const hasName1x =
        reference.vendor === undefined
          ? attributeRow(reference.name).name1x !== null
          : reference.vendor === '' || hasLegacyForm(reference.vendor);
      if (hasName1x && isReferable(reference, version)) writer.text(tag, name1xOf(reference));
    },
  }),
};

const vendorReference = struct({ VendorIdentification: one(text), AttributeName: one(text) });

/** Schema of a reference to an attribute in 2.x: the tag, or vendor and name. */
export const reference2x: Custom<AttributeReference> = {
  kind: 'custom',
  examples: () => [{ name: 'State' }, { vendor: 'Acme', name: 'Purpose' }],
  compile: (version) => ({
    read(reader) {
      if (reader.type() === Type.Structure) {
        const { VendorIdentification, AttributeName } = plan(vendorReference, version).read(reader);
        return { vendor: VendorIdentification, name: AttributeName };
      }
      const tag = reader.enumeration();
      const name = tagName(tag) ?? tagLabel(tag);
      return isAttributeName(name) ? { name } : { vendor: '', name };
    },
    write(writer, tag, reference) {
      if (reference.vendor === undefined) {
        if (isReferable(reference, version)) writer.enumeration(tag, tagNumber(reference.name));
      } else if (reference.vendor !== '') {
        plan(vendorReference, version).write(writer, tag, {
          VendorIdentification: reference.vendor,
          AttributeName: reference.name,
        });
      }
    },
  }),
};
