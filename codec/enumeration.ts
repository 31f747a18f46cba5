import { isWithin, type Version } from './version.ts';

/** Number on the wire, name, first and last version; left out: 1.0 and no last version. */
type Row<Name extends string> = readonly [value: number, name: Name, since?: Version, until?: Version];

/**
 * An enumeration of the specification (KMIP 2.1 §11, 1.4 §9.1.3.2). Members have the names of its XML
 * encoding; a value outside the table stays a number, so that decoding keeps it and the operation decides
 * about it.
 */
export interface Enumeration<Name extends string = string> {
  readonly kind: 'enumeration';
  readonly name: string;
  readonly members: readonly Name[];
  /** Member of a wire value, or the value itself when the table has no such member. */
  fromNumber(value: number): Name | number;
  /**
   * Wire value of a member.
   *
   * @throws {TypeError} when there is no such member.
   */
  toNumber(member: Name | number): number;
  /** Member by its name or alias, as XML and JSON spell it. */
  fromText(text: string): Name | undefined;
  /** Whether the table of that version has the value; extensions (0x8xxxxxxx) belong to every version. */
  isKnownIn(member: Name | number, version: Version): boolean;
  /**
   * Whether the value is no newer than that version; unlike `isKnownIn` also true for a value that was
   * removed since.
   */
  isIntroducedBy(member: Name | number, version: Version): boolean;
}

/** TypeScript type of an enumeration's values: its names, or the number of an unknown one. */
export type MemberOf<E> = E extends Enumeration<infer Name> ? Name | number : never;

const firstExtension = 0x80000000;

/**
 * Defines an enumeration from its rows. `aliases` are spellings of other documents and test files, read but
 * never written.
 */
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

/** A bit mask of the specification; its values are signed 32-bit integers, unknown bits included. */
export interface Mask<Name extends string = string> {
  readonly kind: 'mask';
  readonly name: string;
  readonly members: readonly Name[];
  /**
   * The bit of one name.
   *
   * @throws {TypeError} when there is no such name.
   */
  bit(name: Name): number;
  /** The bit of a name or alias; undefined for other texts. */
  fromText(text: string): number | undefined;
  /** Bits that are newer than that version; bits that were removed before it do not count. */
  newerThan(version: Version): number;
  /** Names of the set bits in the order of the table, and the remaining bits, which have no name. */
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
