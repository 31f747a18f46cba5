import type { Enumeration, Mask } from './enumeration.ts';
import type { TagName } from './tags.ts';
import type { Era, Version } from './version.ts';
import type { BinaryReader } from './wire/binary-reader.ts';
import type { BinaryWriter } from './wire/binary-writer.ts';
import { readNode, type TypedValue, writeValue } from './wire/node.ts';

/**
 * Schemas: every structure of the protocol is declared once, with `struct` and the other functions here.
 * A schema determines the TypeScript type of its values; `plan` (plan.ts) compiles it for one version.
 * The key of a field is the name of its tag, and so its name in XML and JSON.
 *
 *     export const ServerNote = struct({
 *       Comment: one(text), //                       required
 *       LeaseTime: since('1.4', maybe(interval)), // optional, written from 1.4 on
 *       ObjectGroup: many(text), //                  any number, none included
 *     });
 *     export type ServerNote = Infer<typeof ServerNote>;
 *     // { Comment: string; ObjectGroup: string[]; LeaseTime?: number }
 *
 *     const { read, write } = plan(ServerNote, '2.1');
 *     const item = encodeMessage((writer) =>
 *       write(writer, tagNumber('ResponsePayload'), { Comment: 'spare', ObjectGroup: [] }),
 *     );
 *     read(new BinaryReader(item)); // { Comment: 'spare', ObjectGroup: [] }
 */

/**
 * A schema compiled for one version. `read` takes the next item of the reader; `write` appends an item under
 * `tag`.
 *
 * @throws {WireError} from `read`, when the item does not fit the schema.
 */
export interface Plan<T> {
  read(reader: BinaryReader): T;
  write(writer: BinaryWriter, tag: number, value: T): void;
}

/** An item without children, the same in every version. */
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

/**
 * A value whose form depends on the item type, the version or a sibling, so that a list of fields cannot
 * describe it.
 */
export interface Custom<T> {
  readonly kind: 'custom';
  /** Example values for the generators of property tests. */
  readonly examples: (version: Version) => readonly T[];
  compile(version: Version): Plan<T>;
}

/** A TTLV structure; create it with `struct`. */
export interface Struct<F extends Fields = Fields> {
  readonly kind: 'struct';
  readonly fields: F;
}

/** Any schema, whatever the type of its values: for tables and generators that iterate over schemas. */
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

/** How often a field appears: exactly once, at most once, any number of times. */
export type Quantity = 'one' | 'maybe' | 'many';

/** One field of a structure; create it with `one`, `maybe` or `many`. */
export interface Field<S extends AnySchema = AnySchema, Q extends Quantity = Quantity> {
  readonly kind: 'field';
  readonly quantity: Q;
  readonly schema: S;
  /** Tag on the wire when it differs from the key. */
  readonly tag?: TagName;
  /**
   * Versions in which the field is written. It is read in all, because clients send fields of later versions
   * early.
   */
  readonly since?: Version;
  readonly until?: Version;
}

/**
 * A field whose single value is split over several items on the wire, of one tag or of several
 * (TemplateAttribute beside Attribute).
 */
export interface MergedField<T> {
  readonly kind: 'merged';
  readonly sources: readonly { readonly tag: TagName; readonly schema: AnySchema }[];
  /** Builds the value from all items in the order of arrival, an empty list included. */
  merge(items: readonly { tag: TagName; value: unknown }[]): T;
  /** The items to write for a value, in order. */
  split(value: T): readonly { tag: TagName; value: unknown }[];
}

/**
 * A field whose form differs between the eras but whose value has one type; null: the era has no such field.
 */
export interface EraField<T> {
  readonly kind: 'era';
  readonly shapes: Readonly<Record<Era, AnyField | null>>;
  readonly type?: T;
}

/** Any field, whatever the type of its value. */
// biome-ignore lint/suspicious/noExplicitAny: variance, as above
export type AnyField = Field | MergedField<any> | EraField<any>;
/** Fields of a structure by their keys, in wire order. */
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

/** TypeScript type of a structure with these fields. */
export type StructValue<F extends Fields> = {
  -readonly [K in keyof F as IsOptional<F[K]> extends true ? never : K]: FieldValue<F[K]>;
} & {
  -readonly [K in keyof F as IsOptional<F[K]> extends true ? K : never]?: FieldValue<F[K]> | undefined;
};

/** Declares a TTLV structure. Fields are written in the given order and read in any order. */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  return { kind: 'struct', fields };
}

/** Derives a schema in which every required field is optional, as in a Locate filter. */
export function partial<F extends Fields>(schema: Struct<F>): Struct {
  const entries = Object.entries(schema.fields as Fields).map(([key, field]): [string, AnyField] =>
    field.kind === 'field' && field.quantity === 'one'
      ? [key, { ...field, quantity: 'maybe' }]
      : [key, field],
  );
  return { kind: 'struct', fields: Object.fromEntries(entries) };
}

/** A required field. */
export function one<S extends AnySchema>(schema: S): Field<S, 'one'> {
  return { kind: 'field', quantity: 'one', schema };
}

/** An optional field. */
export function maybe<S extends AnySchema>(schema: S): Field<S, 'maybe'> {
  return { kind: 'field', quantity: 'maybe', schema };
}

/** A repeated field: any number of items, none included. */
export function many<S extends AnySchema>(schema: S): Field<S, 'many'> {
  return { kind: 'field', quantity: 'many', schema };
}

/** First version that has the field. */
export function since<F extends Field>(version: Version, field: F): F {
  return { ...field, since: version };
}

/** Last version that has the field. */
export function until<F extends Field>(version: Version, field: F): F {
  return { ...field, until: version };
}

/** A field whose tag differs from its key. */
export function tagged<F extends Field>(tag: TagName, field: F): F {
  return { ...field, tag };
}

/** A field with one form per era; both forms read and write a `T`. */
export function era<T>(shapes: { '1.x': AnyField | null; '2.x': AnyField | null }): EraField<T> {
  return { kind: 'era', shapes };
}

/** Integer, 32 bits, signed. */
export const integer: Scalar<number> = {
  kind: 'integer',
  plan: { read: (r) => r.integer(), write: (w, tag, value) => w.integer(tag, value) },
};
/** Long Integer, 64 bits, signed. */
export const long: Scalar<bigint> = {
  kind: 'long',
  plan: { read: (r) => r.long(), write: (w, tag, value) => w.long(tag, value) },
};
/**
 * Big Integer: two's complement, big-endian. As bytes, because a private exponent in a `bigint` cannot be
 * wiped.
 */
export const big: Scalar<Uint8Array> = {
  kind: 'big',
  plan: { read: (r) => r.bigInteger(), write: (w, tag, value) => w.bigInteger(tag, value) },
};
/** Boolean. */
export const bool: Scalar<boolean> = {
  kind: 'boolean',
  plan: { read: (r) => r.boolean(), write: (w, tag, value) => w.boolean(tag, value) },
};
/** Text String. */
export const text: Scalar<string> = {
  kind: 'text',
  plan: { read: (r) => r.text(), write: (w, tag, value) => w.text(tag, value) },
};
/** Byte String. When read it is a view of the message: make a copy before you keep it. */
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
/** An item of any type, which is kept with its type: custom attributes, vendor extensions. */
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
