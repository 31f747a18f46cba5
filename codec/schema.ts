import type { Enumeration, Mask } from './enumeration.ts';
import type { TagName } from './tags.ts';
import type { Era, Version } from './version.ts';
import type { BinaryReader } from './wire/binary-reader.ts';
import type { BinaryWriter } from './wire/binary-writer.ts';
import { readNode, type TypedValue, writeValue } from './wire/node.ts';

/**
 * The language in which every structure is written once. A schema says what a value looks like in TypeScript; `plan`
 * compiles it for one version. The key of a field is its tag is its XML name is its JSON name.
 */

/** Reads the next item and writes a value under a tag; compiled by `plan` for one version. */
export interface Plan<T> {
  read(reader: BinaryReader): T;
  write(writer: BinaryWriter, tag: number, value: T): void;
}

export interface Scalar<T> {
  readonly kind:
    | 'integer'
    | 'long'
    | 'big'
    | 'boolean'
    | 'text'
    | 'bytes'
    | 'date'
    | 'dateExtended'
    | 'interval'
    | 'any';
  readonly plan: Plan<T>;
}

/** A value whose shape no field list can say (a choice by type, by era or by a name beside it). */
export interface Custom<T> {
  readonly kind: 'custom';
  /** What the value may look like, for the generators of property tests. */
  readonly examples: (version: Version) => readonly T[];
  compile(version: Version): Plan<T>;
}

export interface Struct<F extends Fields = Fields> {
  readonly kind: 'struct';
  readonly fields: F;
}

/** Any schema, its type unknown: what tables and generators walk over. */
// biome-ignore lint/suspicious/noExplicitAny: variance: a schema both reads and writes its type
export type AnySchema = Scalar<any> | Custom<any> | Enumeration | Mask | Struct;

/** TypeScript type of the values of a schema. */
export type Infer<S> =
  S extends Scalar<infer T>
    ? T
    : S extends Custom<infer T>
      ? T
      : S extends Enumeration<infer Name>
        ? Name | number
        : S extends Mask
          ? number
          : S extends Struct<infer F>
            ? StructValue<F>
            : never;

export type Quantity = 'one' | 'maybe' | 'many';

export interface Field<S extends AnySchema = AnySchema, Q extends Quantity = Quantity> {
  readonly kind: 'field';
  readonly quantity: Q;
  readonly schema: S;
  /** Tag on the wire where it is not the key. */
  readonly tag?: TagName;
  /** Versions in which the field is written; it is read in all (clients send fields of later versions early). */
  readonly since?: Version;
  readonly until?: Version;
}

/**
 * A field that gathers what the wire spreads over items of several tags (TemplateAttribute beside Attribute) into one
 * value, which is never undefined.
 */
export interface MergedField<T> {
  readonly kind: 'merged';
  readonly sources: readonly { readonly tag: TagName; readonly schema: AnySchema }[];
  /** From the items in the order of arrival, each with its tag. */
  merge(items: readonly { tag: TagName; value: unknown }[]): T;
  /** Items to write, in order. */
  split(value: T): readonly { tag: TagName; value: unknown }[];
}

/** A field that differs between the eras, with one type in TypeScript; null where an era has no such field. */
export interface EraField<T> {
  readonly kind: 'era';
  readonly shapes: Readonly<Record<Era, AnyField | null>>;
  readonly type?: T;
}

// biome-ignore lint/suspicious/noExplicitAny: variance, as above
export type AnyField = Field | MergedField<any> | EraField<any>;
export type Fields = Readonly<Record<string, AnyField>>;

type FieldValue<F> =
  F extends Field<infer S, infer Q>
    ? Q extends 'many'
      ? Infer<S>[]
      : Infer<S>
    : F extends MergedField<infer T>
      ? T
      : F extends EraField<infer T>
        ? T
        : never;

type IsOptional<F> =
  F extends Field<AnySchema, 'maybe'>
    ? true
    : F extends EraField<infer T>
      ? undefined extends T
        ? true
        : false
      : false;

export type StructValue<F extends Fields> = {
  -readonly [K in keyof F as IsOptional<F[K]> extends true ? never : K]: FieldValue<F[K]>;
} & {
  -readonly [K in keyof F as IsOptional<F[K]> extends true ? K : never]?: FieldValue<F[K]> | undefined;
};

/** A TTLV structure with these fields, written in this order, read in any. */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  return { kind: 'struct', fields };
}

/** The structure with any of its fields left out: what a Locate filter may give. */
export function partial<F extends Fields>(schema: Struct<F>): Struct {
  const entries = Object.entries(schema.fields as Fields).map(([key, field]): [string, AnyField] =>
    field.kind === 'field' && field.quantity === 'one'
      ? [key, { ...field, quantity: 'maybe' }]
      : [key, field],
  );
  return { kind: 'struct', fields: Object.fromEntries(entries) };
}

export function one<S extends AnySchema>(schema: S): Field<S, 'one'> {
  return { kind: 'field', quantity: 'one', schema };
}

export function maybe<S extends AnySchema>(schema: S): Field<S, 'maybe'> {
  return { kind: 'field', quantity: 'maybe', schema };
}

/** Any number of items, none included. */
export function many<S extends AnySchema>(schema: S): Field<S, 'many'> {
  return { kind: 'field', quantity: 'many', schema };
}

export function since<F extends Field>(version: Version, field: F): F {
  return { ...field, since: version };
}

/** Last version that has the field. */
export function until<F extends Field>(version: Version, field: F): F {
  return { ...field, until: version };
}

/** The field under another tag than its key. */
export function tagged<F extends Field>(tag: TagName, field: F): F {
  return { ...field, tag };
}

/** A field with one shape per era; `T` is what both read as. */
export function era<T>(shapes: { '1.x': AnyField | null; '2.x': AnyField | null }): EraField<T> {
  return { kind: 'era', shapes };
}

export const integer: Scalar<number> = {
  kind: 'integer',
  plan: { read: (r) => r.integer(), write: (w, tag, value) => w.integer(tag, value) },
};
export const long: Scalar<bigint> = {
  kind: 'long',
  plan: { read: (r) => r.long(), write: (w, tag, value) => w.long(tag, value) },
};
/** Big Integer: two's complement, big-endian. Bytes, because a private exponent in a `bigint` can never be wiped. */
export const big: Scalar<Uint8Array> = {
  kind: 'big',
  plan: { read: (r) => r.bigInteger(), write: (w, tag, value) => w.bigInteger(tag, value) },
};
export const bool: Scalar<boolean> = {
  kind: 'boolean',
  plan: { read: (r) => r.boolean(), write: (w, tag, value) => w.boolean(tag, value) },
};
export const text: Scalar<string> = {
  kind: 'text',
  plan: { read: (r) => r.text(), write: (w, tag, value) => w.text(tag, value) },
};
/** Byte String; a view of the message when read: copy what is kept. */
export const bytes: Scalar<Uint8Array> = {
  kind: 'bytes',
  plan: { read: (r) => r.byteString(), write: (w, tag, value) => w.byteString(tag, value) },
};
/** Date-Time in POSIX seconds. */
export const date: Scalar<number> = {
  kind: 'date',
  plan: { read: (r) => r.date(), write: (w, tag, value) => w.date(tag, value) },
};
/** Date-Time Extended in POSIX microseconds. */
export const dateExtended: Scalar<bigint> = {
  kind: 'dateExtended',
  plan: { read: (r) => r.dateExtended(), write: (w, tag, value) => w.dateExtended(tag, value) },
};
/** Interval in seconds. */
export const interval: Scalar<number> = {
  kind: 'interval',
  plan: { read: (r) => r.interval(), write: (w, tag, value) => w.interval(tag, value) },
};
/** Any item, kept with its type: custom attributes, vendor extensions. */
export const any: Scalar<TypedValue> = {
  kind: 'any',
  plan: {
    read(r) {
      const { tag: _, ...value } = readNode(r);
      return value;
    },
    write: (w, tag, value) => writeValue(w, tag, value),
  },
};
