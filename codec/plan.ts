import type { Enumeration } from './enumeration.ts';
import type { AnyField, AnySchema, Field, Fields, Infer, MergedField, Plan } from './schema.ts';
import { isTagName, type TagName, tagNumber } from './tags.ts';
import { eraOf, isWithin, type Version } from './version.ts';
import type { BinaryReader } from './wire/binary-reader.ts';
import { tagLabel } from './wire/binary-reader.ts';
import type { BinaryWriter } from './wire/binary-writer.ts';
import { WireError } from './wire-error.ts';

const compiledPlans = new WeakMap<AnySchema, Map<Version, Plan<unknown>>>();

/**
 * Compiles a schema for one version at first use; later calls return the same plan. Plans are closures
 * instead of generated source, because the daemon runs under --disallow-code-generation-from-strings; they
 * take about twice the time.
 *
 * @throws {TypeError} when a field of a structure has no tag.
 */
export function plan<S extends AnySchema>(schema: S, version: Version): Plan<Infer<S>> {
  let byVersion = compiledPlans.get(schema);
  if (byVersion === undefined) compiledPlans.set(schema, (byVersion = new Map()));
  let compiled = byVersion.get(version);
  if (compiled === undefined) byVersion.set(version, (compiled = compile(schema, version)));
  return compiled as Plan<Infer<S>>;
}

function compile(schema: AnySchema, version: Version): Plan<unknown> {
  switch (schema.kind) {
    case 'struct':
      return compileStruct(schema.fields, version);
    case 'enumeration':
      return {
        read: (reader) => schema.fromNumber(reader.enumeration()),
        write: (writer, tag, value) => writer.enumeration(tag, schema.toNumber(value as string | number)),
      };
    case 'mask': {
      // Bits that a newer client set stay in effect, but an older version has no name for them.
      const known = ~schema.newerThan(version);
      return {
        read: (reader) => reader.integer(),
        write: (writer, tag, value) => writer.integer(tag, (value as number) & known),
      };
    }
    case 'custom':
      return schema.compile(version);
    default:
      return schema.plan;
  }
}

type Values = Record<string, unknown>;

/** Reads the items of one tag inside a structure. */
interface Slot {
  read(reader: BinaryReader, values: Values): void;
}

interface CompiledField {
  readonly slots: readonly (readonly [tag: number, slot: Slot])[];
  /** Sets the value of a field without an item; throws WireError when the field is required. */
  applyDefault?(values: Values): void;
  write?(writer: BinaryWriter, values: Values): void;
}

function compileStruct(fields: Fields, version: Version): Plan<unknown> {
  const compiled = Object.entries(fields).flatMap(([key, field]) => compileField(key, field, version));
  const slots = new Map(compiled.flatMap((field) => field.slots));
  const defaults = compiled.flatMap((field) => (field.applyDefault ? [field.applyDefault] : []));
  const writes = compiled.flatMap((field) => (field.write ? [field.write] : []));
  return {
    read(reader) {
      const values: Values = {};
      const outer = reader.enter();
      for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
        const slot = slots.get(tag);
        if (slot !== undefined) slot.read(reader, values);
        // Vendor extensions are ignored. An unexpected standard tag is an error: to ignore a filter would
        // return too much.
        else if (tag >>> 16 === 0x54) reader.skip();
        else throw new WireError('unknown', `${tagLabel(tag)} is not expected here`, reader.offset);
      }
      for (const applyDefault of defaults) applyDefault(values);
      reader.leave(outer);
      return values;
    },
    write(writer, tag, value) {
      const start = writer.open(tag);
      for (const write of writes) write(writer, value as Values);
      writer.close(start);
    },
  };
}

function compileField(key: string, field: AnyField, version: Version): CompiledField[] {
  switch (field.kind) {
    case 'era': {
      const shape = field.shapes[eraOf(version)];
      return shape === null ? [] : compileField(key, shape, version);
    }
    case 'merged':
      return [compileMerged(key, field, version)];
    case 'field':
      return [
        field.quantity === 'many' ? compileMany(key, field, version) : compileSingle(key, field, version),
      ];
  }
}

function compileSingle(key: string, field: Field, version: Version): CompiledField {
  const tag = wireTag(key, field);
  const inner = plan(field.schema, version) as Plan<unknown>;
  const isWritten = isWithin(version, field.since ?? '1.0', field.until);
  const isRequired = field.quantity === 'one';
  const isSendable = isRequired ? acceptAll : sendableFilter(field.schema, version);
  const compiled: CompiledField = {
    slots: [
      [
        tag,
        {
          read(reader, values) {
            if (values[key] !== undefined)
              throw new WireError('field', `${tagLabel(tag)} appears twice`, reader.offset);
            values[key] = inner.read(reader);
          },
        },
      ],
    ],
  };
  if (isRequired && isWritten) {
    compiled.applyDefault = (values) => {
      if (values[key] === undefined) throw new WireError('field', `${tagLabel(tag)} is missing`);
    };
  }
  if (isWritten) {
    compiled.write = (writer, values) => {
      const value = values[key];
      if (value !== undefined && isSendable(value)) inner.write(writer, tag, value);
    };
  }
  return compiled;
}

function compileMany(key: string, field: Field, version: Version): CompiledField {
  const tag = wireTag(key, field);
  const inner = plan(field.schema, version) as Plan<unknown>;
  const isSendable = sendableFilter(field.schema, version);
  const compiled: CompiledField = {
    slots: [
      [
        tag,
        {
          read(reader, values) {
            const list = values[key] as unknown[] | undefined;
            if (list === undefined) values[key] = [inner.read(reader)];
            else list.push(inner.read(reader));
          },
        },
      ],
    ],
    applyDefault(values) {
      values[key] ??= [];
    },
  };
  if (isWithin(version, field.since ?? '1.0', field.until)) {
    compiled.write = (writer, values) => {
      for (const value of values[key] as unknown[]) if (isSendable(value)) inner.write(writer, tag, value);
    };
  }
  return compiled;
}

function compileMerged(key: string, field: MergedField<unknown>, version: Version): CompiledField {
  const plans = new Map(
    field.sources.map((source) => [source.tag, plan(source.schema, version) as Plan<unknown>]),
  );
  return {
    slots: [...plans].map(([tag, inner]) => [
      tagNumber(tag),
      {
        read(reader, values) {
          const items = (values[key] ??= []) as { tag: TagName; value: unknown }[];
          items.push({ tag, value: inner.read(reader) });
        },
      },
    ]),
    applyDefault(values) {
      values[key] = field.merge((values[key] ?? []) as { tag: TagName; value: unknown }[]);
    },
    write(writer, values) {
      for (const item of field.split(values[key]))
        plans.get(item.tag)?.write(writer, tagNumber(item.tag), item.value);
    },
  };
}

function wireTag(key: string, field: Field): number {
  const name = field.tag ?? key;
  if (!isTagName(name)) throw new TypeError(`${name} is not a tag`);
  return tagNumber(name);
}

const acceptAll = (): boolean => true;

/** Tells whether an optional value may be written: enumeration values newer than the version are left out. */
function sendableFilter(schema: AnySchema, version: Version): (value: unknown) => boolean {
  if (schema.kind !== 'enumeration') return acceptAll;
  const members: Enumeration = schema;
  return (value) => members.isIntroducedBy(value as string | number, version);
}
