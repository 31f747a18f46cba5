import { isWithin, type Version } from './version.ts';

/** Number on the wire, name, first and last version; 1.0 and "still there" when left out. */
type Row<Name extends string> = readonly [value: number, name: Name, since?: Version, until?: Version];

/**
 * An enumeration of the dictionary. Members are the specification's XML names; a value outside the table stays a
 * number, so that an unknown one survives decoding and the operation decides about it.
 */
export interface Enumeration<Name extends string = string> {
  readonly kind: 'enumeration';
  readonly name: string;
  readonly members: readonly Name[];
  /** Member of a wire value, or the value itself when the table does not hold it. */
  fromNumber(value: number): Name | number;
  /** Wire value of a member. */
  toNumber(member: Name | number): number;
  /** Member or alias by its text, as XML and JSON spell it. */
  fromText(text: string): Name | undefined;
  /** Whether that version's table holds the value; extensions (0x8xxxxxxx) belong to all. */
  isKnownIn(member: Name | number, version: Version): boolean;
  /** Whether the value is no newer than that version; unlike `knownIn` true for one that was removed since. */
  isIntroducedBy(member: Name | number, version: Version): boolean;
}

/** TypeScript type of an enumeration's values: its names, or the number of an unknown one. */
export type MemberOf<E> = E extends Enumeration<infer Name> ? Name | number : never;

const firstExtension = 0x80000000;

/** Defines an enumeration from its rows; `aliases` are other spellings met in documents and test files, read but never written. */
export function enumeration<const Name extends string>(
  name: string,
  rows: readonly Row<Name>[],
  aliases: Readonly<Record<string, Name>> = {},
): Enumeration<Name> {
  const byNumber = new Map<number, Name>();
  const byName = new Map<string, Row<Name>>();
  for (const row of rows) {
    byNumber.set(row[0], row[1]);
    byName.set(row[1], row);
  }
  return {
    kind: 'enumeration',
    name,
    members: rows.map((row) => row[1]),
    fromNumber: (value) => byNumber.get(value) ?? value,
    toNumber(member) {
      if (typeof member === 'number') return member;
      const row = byName.get(member);
      if (row === undefined) throw new TypeError(`${name} has no member ${member}`);
      return row[0];
    },
    fromText(text) {
      return byName.get(text)?.[1] ?? (Object.hasOwn(aliases, text) ? aliases[text] : undefined);
    },
    isKnownIn(member, version) {
      if (typeof member === 'number') return member >= firstExtension;
      const row = byName.get(member);
      return row !== undefined && isWithin(version, row[2] ?? '1.0', row[3]);
    },
    isIntroducedBy(member, version) {
      if (typeof member === 'number') return member >= firstExtension;
      const row = byName.get(member);
      return row !== undefined && isWithin(version, row[2] ?? '1.0');
    },
  };
}

/** A bit mask of the dictionary; its values are signed 32-bit integers, unknown bits included. */
export interface Mask<Name extends string = string> {
  readonly kind: 'mask';
  readonly name: string;
  readonly members: readonly Name[];
  /** The bit of one name. */
  bit(name: Name): number;
  /** Bit by its text, aliases included. */
  fromText(text: string): number | undefined;
  /** Bits that are newer than that version; one that was removed before it is none of them. */
  newerThan(version: Version): number;
  /** Names of the set bits, lowest first, and the bits without a name. */
  split(value: number): { names: Name[]; rest: number };
}

/** Defines a mask from its rows. */
export function mask<const Name extends string>(
  name: string,
  rows: readonly Row<Name>[],
  aliases: Readonly<Record<string, Name>> = {},
): Mask<Name> {
  const bits = new Map<string, number>(rows.map((row) => [row[1], row[0]]));
  const bit = (member: string): number => {
    const value = bits.get(member);
    if (value === undefined) throw new TypeError(`${name} has no bit ${member}`);
    return value;
  };
  return {
    kind: 'mask',
    name,
    members: rows.map((row) => row[1]),
    bit,
    fromText: (text) => bits.get(Object.hasOwn(aliases, text) ? (aliases[text] ?? text) : text),
    newerThan: (version) =>
      rows.reduce((bits, row) => (isWithin(version, row[2] ?? '1.0') ? bits : bits | row[0]), 0),
    split(value) {
      const names = rows.filter((row) => (value & row[0]) !== 0).map((row) => row[1]);
      return { names, rest: names.reduce((rest, member) => rest & ~bit(member), value) };
    },
  };
}
