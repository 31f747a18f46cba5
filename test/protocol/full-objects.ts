import { type AttributeName, attributeRow, attributeTable } from '../../codec/attribute-table.ts';
import type { AnyField, AnySchema, Fields } from '../../codec/schema.ts';
import { struct } from '../../codec/schema.ts';
import { KeyWrappingData } from '../../codec/structures/key-block.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import * as structures from '../../codec/structures/managed-objects.ts';
import { newestVersion } from '../../codec/version.ts';
import { ManagedObject } from '../../src/object/managed-object.ts';
import { operation, server } from '../../src/operations/operation.ts';
import { objectColumns } from '../../src/store/columns.ts';

/**
 * Objects that hold everything the dictionary has: every attribute, every field, every member of every
 * enumeration, every bit. No client could make them, since many attributes are the server's own; they go past
 * the rules into the store.
 */

/** Values of fields whose type has no members. */
export interface PlainValues {
  integer(): number;
  long(): bigint;
  bytes(): Uint8Array;
  text(): string;
}

const valuesOf = (variant: number): PlainValues => ({
  integer: () => 1_000 + variant,
  long: () => 1_000n + BigInt(variant),
  bytes: () => new Uint8Array(16).fill(variant + 1),
  text: () => `text ${variant}`,
});

/** Returns a value with every field; `variant` decides which member of each enumeration it has. */
function full(schema: AnySchema, variant: number, values = valuesOf(variant)): unknown {
  switch (schema.kind) {
    case 'integer':
    case 'interval':
    case 'date':
      return values.integer();
    case 'long':
    case 'dateExtended':
      return values.long();
    case 'big':
    case 'bytes':
      return values.bytes();
    case 'boolean':
      return variant % 2 === 1;
    case 'text':
      return values.text();
    case 'any':
      return { type: 'TextString', value: values.text() };
    case 'mask':
      return schema.members.reduce((bits, member) => bits | schema.bit(member), 0);
    case 'enumeration':
      // Some have no members but vendors' own.
      return schema.members[variant % schema.members.length] ?? 0x80000001;
    case 'custom': {
      const examples = schema.examples(newestVersion);
      return examples[variant % examples.length];
    }
    case 'struct':
      return fullFields(schema.fields, variant, values);
  }
}

function fullFields(fields: Fields, variant: number, values: PlainValues): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, field]) => [key, fullField(field, variant, values)]);
  return Object.fromEntries(entries);
}

function fullField(field: AnyField, variant: number, values: PlainValues): unknown {
  switch (field.kind) {
    case 'era': {
      const shape = field.shapes['2.x'] ?? field.shapes['1.x'];
      return shape === null ? undefined : fullField(shape, variant, values);
    }
    case 'merged':
      return field.merge(
        field.sources.slice(0, 1).map(({ tag, schema }) => ({ tag, value: full(schema, variant, values) })),
      );
    case 'field':
      return field.quantity === 'many'
        ? [full(field.schema, variant, values)]
        : full(field.schema, variant, values);
  }
}

const shapes = structures as unknown as Readonly<Record<string, AnySchema>>;

/** The number of variants: the members of the longest enumeration of an attribute or of an object. */
export const variants = Math.max(
  ...Object.values(attributeTable).map(({ schema }) => longest(schema)),
  ...objectTypes().map((type) => longest(shapeOf(type))),
);

function longest(schema: AnySchema): number {
  if (schema.kind === 'enumeration') return schema.members.length;
  if (schema.kind !== 'struct') return 1;
  const fields = Object.values(schema.fields).flatMap((field) =>
    field.kind === 'field' ? [field.schema] : [],
  );
  return Math.max(1, ...fields.map(longest));
}

export function objectTypes(): ObjectTypeName[] {
  return [...structures.managedObjectTags] as ObjectTypeName[];
}

function shapeOf(type: ObjectTypeName): AnySchema {
  return shapes[type] as AnySchema;
}

/**
 * Attributes that only a destroyed object has. Whether an object is archived cannot be seen before it is
 * recovered.
 */
const ofDestroyed: ReadonlySet<AttributeName> = new Set([
  'DestroyDate',
  'CompromiseDate',
  'CompromiseOccurrenceDate',
  'RevocationReason',
]);

/** Values that keep the object active and exportable. */
const fixed: Partial<Record<AttributeName, unknown>> = {
  DeactivationDate: 253_402_300_799,
  ProtectStopDate: 253_402_300_799,
  Sensitive: false,
  Extractable: true,
};

export interface FullObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly variant: number;
  /** Whether it is destroyed after a compromise: with the attributes of that, and without a value. */
  readonly destroyed?: boolean;
  /** Values of its fields but of columns of the store; the same in all of them when left out. */
  readonly values?: PlainValues;
}

/** Builds the object of one variant. */
export function fullObject(
  { id, type, variant, destroyed = false, values }: FullObject,
  group: string,
): ManagedObject {
  const object = ManagedObject.create({
    id,
    type,
    group,
    value: destroyed ? undefined : valueOf(type, variant, values),
  });
  for (const name of Object.keys(attributeTable) as AttributeName[]) {
    if (name === 'ArchiveDate' || (!destroyed && ofDestroyed.has(name))) continue;
    const own: Partial<Record<AttributeName, unknown>> = { UniqueIdentifier: id, ObjectType: type, ...fixed };
    const value = full(attributeRow(name).schema, variant, name in objectColumns ? undefined : values);
    object.attributes.add({ name, value: own[name] ?? value } as never);
  }
  for (const vendor of ['x', 'y', 'Acme'])
    object.attributes.add({ vendor, name: 'Everything', value: { type: 'TextString', value: 'here' } });
  return object;
}

function valueOf(type: ObjectTypeName, variant: number, values?: PlainValues): ManagedObjectValue {
  const value = full(shapeOf(type), variant, values) as { KeyBlock?: Record<string, unknown> };
  // Key Wrapping Data belongs to a wrapped key, whose Key Value is bytes.
  if (value.KeyBlock?.['KeyValue'] instanceof Uint8Array)
    value.KeyBlock['KeyWrappingData'] = full(KeyWrappingData, variant, values);
  else if (value.KeyBlock !== undefined) delete value.KeyBlock['KeyWrappingData'];
  return { type, value } as never;
}

/**
 * An operation that inserts these objects into the store, under a name that a test does not use otherwise.
 */
export function insertOperation(objects: () => readonly FullObject[]) {
  return operation({
    name: 'Ping',
    since: '2.1',
    request: struct({}),
    response: struct({}),
    target: server(),
    limitedRight: 'public',
    handle(_request, { work, principal }) {
      for (const each of objects()) work.insert(fullObject(each, principal.group));
      return {};
    },
  });
}
