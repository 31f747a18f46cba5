import fc, { type Arbitrary } from 'fast-check';
import type { Attribute } from '../../codec/attribute.ts';
import {
  type AttributeName,
  attributeRow,
  attributeTable,
  isAttributeKnownIn,
} from '../../codec/attribute-table.ts';
import type { AnyField, AnySchema, Field, Fields } from '../../codec/schema.ts';
import { type TagName, tagNumber, tags } from '../../codec/tags.ts';
import { eraOf, isWithin, newestVersion, type Version } from '../../codec/version.ts';
import type { Node, TypedValue } from '../../codec/wire/node.ts';

/**
 * Which values a generator returns for a schema. With `version` alone: values that the version can represent,
 * so that they are read as they were written. With `future`: any field and any optional enumeration value, as
 * in an object of a newer client; the version must leave out everything that it does not know.
 */
export interface Scope {
  readonly version: Version;
  readonly future?: boolean;
}

const shortText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => text.isWellFormed());
const someBytes = fc.uint8Array({ maxLength: 40 });
/** Two's complement in the canonical form of the binary encoding. */
const bigInteger = fc.uint8Array({ minLength: 1, maxLength: 5 }).map((seed) => {
  const value = new Uint8Array(8 * seed.length);
  for (let at = 0; at < value.length; at++) value[at] = (seed[at % seed.length] ?? 0) ^ at;
  return value;
});
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const seconds = fc.oneof(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.maxSafeInteger());

const leaves: Arbitrary<TypedValue>[] = [
  int32.map((value): TypedValue => ({ type: 'Integer', value })),
  int64.map((value): TypedValue => ({ type: 'LongInteger', value })),
  bigInteger.map((value): TypedValue => ({ type: 'BigInteger', value })),
  uint32.map((value): TypedValue => ({ type: 'Enumeration', value })),
  fc.boolean().map((value): TypedValue => ({ type: 'Boolean', value })),
  shortText.map((value): TypedValue => ({ type: 'TextString', value })),
  someBytes.map((value): TypedValue => ({ type: 'ByteString', value })),
  seconds.map((value): TypedValue => ({ type: 'DateTime', value })),
  uint32.map((value): TypedValue => ({ type: 'Interval', value })),
  int64.map((value): TypedValue => ({ type: 'DateTimeExtended', value })),
];

const anyTag = fc.oneof(
  fc.constantFrom(...(Object.keys(tags) as TagName[])).map(tagNumber),
  fc.integer({ min: 0x540000, max: 0x54ffff }),
);

/** Any value, without a schema. */
export const typedValue: Arbitrary<TypedValue> = fc.letrec<{ value: TypedValue; node: Node }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    ...leaves,
    fc.array(tie('node'), { maxLength: 4 }).map((value): TypedValue => ({ type: 'Structure', value })),
  ),
  node: fc.tuple(anyTag, tie('value')).map(([tag, value]): Node => ({ tag, ...value })),
})).value;

/** A message without a schema: well-formed TTLV of any content. */
export const anyMessage: Arbitrary<Node> = fc
  .array(
    fc.tuple(anyTag, typedValue).map(([tag, value]): Node => ({ tag, ...value })),
    { maxLength: 6 },
  )
  .map((value): Node => ({ tag: tagNumber('RequestMessage'), type: 'Structure', value }));

/** Values of a schema. `required`: only enumeration members that the version has, whatever the scope. */
export function valueOf(schema: AnySchema, scope: Scope, required = true): Arbitrary<unknown> {
  switch (schema.kind) {
    case 'integer':
      return int32;
    case 'mask':
      return scope.future ? int32 : int32.map((value) => value & ~schema.newerThan(scope.version));
    case 'long':
    case 'dateExtended':
      return int64;
    case 'big':
      return bigInteger;
    case 'boolean':
      return fc.boolean();
    case 'text':
      return shortText;
    case 'bytes':
      return someBytes;
    case 'date':
      return seconds;
    case 'interval':
      return uint32;
    case 'any':
      return scope.future ? fc.oneof(...leaves) : typedValue;
    case 'enumeration': {
      const members = schema.members.filter(
        (member) => (scope.future === true && !required) || schema.isIntroducedBy(member, scope.version),
      );
      const extension = fc.integer({ min: 0x80000000, max: 0xffffffff });
      return members.length === 0
        ? extension
        : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...members) }, extension);
    }
    case 'custom': {
      const examples = schema.examples(scope.future ? newestVersion : scope.version);
      return examples.length === 0 ? fc.constant(undefined) : fc.constantFrom(...examples);
    }
    case 'struct':
      return structOf(schema.fields, scope);
  }
}

function structOf(fields: Fields, scope: Scope): Arbitrary<Record<string, unknown>> {
  const members = Object.entries(fields).flatMap(([key, field]): [string, Arbitrary<unknown>][] => {
    const value = fieldOf(field, scope);
    return value === undefined ? [] : [[key, value]];
  });
  return fc.record(Object.fromEntries(members), { noNullPrototype: true }).map((value) => {
    for (const key of Object.keys(value)) if (value[key] === undefined) delete value[key];
    return value;
  });
}

/** Values of a field; undefined when the version has no such field. */
function fieldOf(field: AnyField, scope: Scope): Arbitrary<unknown> | undefined {
  switch (field.kind) {
    case 'era': {
      const shape = field.shapes[eraOf(scope.version)];
      return shape === null ? undefined : fieldOf(shape, scope);
    }
    case 'merged': {
      const item = fc.oneof(
        ...field.sources.map(({ tag, schema }) => valueOf(schema, scope).map((value) => ({ tag, value }))),
      );
      return item.map((one) => field.merge([one]));
    }
    case 'field':
      return plainField(field, scope);
  }
}

function plainField(field: Field, scope: Scope): Arbitrary<unknown> | undefined {
  const known = isWithin(scope.version, field.since ?? '1.0', field.until);
  if (!known && !scope.future) return field.quantity === 'many' ? fc.constant([]) : undefined;
  const value = valueOf(field.schema, scope, field.quantity === 'one');
  if (field.quantity === 'many') return fc.array(value, { maxLength: 3 });
  return field.quantity === 'one' ? value : fc.option(value, { nil: undefined });
}

/** An attribute of the version, or with `future` of any version. */
export function attribute(scope: Scope): Arbitrary<Attribute> {
  const names = (Object.keys(attributeTable) as AttributeName[]).filter((name) => {
    const hasName = eraOf(scope.version) === '2.x' || attributeRow(name).name1x !== null;
    return scope.future === true || (hasName && isAttributeKnownIn(name, scope.version));
  });
  const standard = fc
    .constantFrom(...names)
    .chain((name) =>
      valueOf(attributeRow(name).schema, scope, false).map((value) => ({ name, value }) as Attribute),
    );
  // The empty vendor marks an unknown name, which no version writes.
  const vendors = scope.future
    ? ['x', 'y', 'Acme', '']
    : eraOf(scope.version) === '1.x'
      ? ['x', 'y']
      : ['x', 'Acme'];
  const vendor = fc
    .tuple(fc.constantFrom(...vendors), shortText, scope.future ? fc.oneof(...leaves) : typedValue)
    .map(([of, name, value]): Attribute => ({ vendor: of, name, value }));
  return fc.oneof({ weight: 6, arbitrary: standard }, vendor);
}
