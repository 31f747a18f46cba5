import { isAttributeKnownIn, isAttributeName } from '../../codec/attribute-table.ts';
import type { TagName } from '../../codec/tags.ts';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  attributeKeyOf,
  canonicalAttribute,
  type Difference,
  describe,
  describeBytes,
  nameOf,
  stepOf,
} from './describe.ts';
import type { Knowledge } from './knowledge.ts';
import type { Bindings } from './tokens.ts';
import { permits } from './variations.ts';

/** Seconds a server's clock and a slow run may lie apart. */
export const tolerance = 60;

/** The circumstances of the comparison of one batch item's fields. */
export interface Scope {
  readonly version: Version;
  readonly operation: string;
  /** Seconds. */
  readonly now: number;
  readonly tokens: ReadonlyMap<Node, string>;
  readonly known: Knowledge;
  /** The item is about an object whose key bytes the server made. */
  readonly generated: boolean;
  /** The client asked for a key format. */
  readonly formatAsked: boolean;
  /** The output of the item's operation differs each time. */
  readonly randomised: boolean;
}

/** Attributes that a server need not have. */
const unsupportable: ReadonlySet<string> = new Set([
  'LeaseTime',
  'RandomNumberGenerator',
  'ProtectionStorageMask',
  'ShortUniqueIdentifier',
]);

/** Attributes of creating answers that a server may leave out or put in. */
const echoes: ReadonlySet<TagName | undefined> = new Set([
  'TemplateAttribute',
  'PrivateKeyTemplateAttribute',
  'PublicKeyTemplateAttribute',
]);

/**
 * Whether an attribute of an expected answer need not be in the real one. `named`: the client asked for it by
 * name.
 */
export function mayBeAbsent(key: string, { version, known }: Scope, named: boolean): boolean {
  const name = canonicalAttribute(key);
  if (/^y[-:]/.test(key)) return true;
  if (isAttributeName(name) && !isAttributeKnownIn(name, version)) return true;
  if (named) return false;
  // A server may put objects into a group of its own choice; a client's group it must keep.
  return unsupportable.has(name) || (name === 'ObjectGroup' && !known.attributes.has(name));
}

/**
 * Compares parts of an expected answer with the real one, collecting differences and capturing tokens on the
 * way.
 */
export class Comparison {
  readonly differences: Difference[] = [];
  readonly bindings: Map<string, Node>;
  readonly replays = new Map<string, Uint8Array>();
  readonly scope: Scope;

  constructor(scope: Scope, bindings: Bindings) {
    this.scope = scope;
    this.bindings = new Map(bindings);
  }

  report(path: string, expected: string, actual: string): void {
    this.differences.push({ path, expected, actual });
  }

  /** Runs an attempt whose captures count only when it finds no difference. */
  attempt(run: (trial: Comparison) => void): Difference[] {
    const trial = new Comparison(this.scope, this.bindings);
    run(trial);
    if (trial.differences.length === 0) {
      for (const [token, node] of trial.bindings) this.bindings.set(token, node);
      for (const [hex, value] of trial.replays) this.replays.set(hex, value);
    }
    return trial.differences;
  }

  /** One item and all below it. */
  node(expected: Node, actual: Node, path: string, parents: readonly Node[]): void {
    if (permits(expected, actual, parents, this.scope)) {
      if (expected.type === 'ByteString' && actual.type === 'ByteString')
        this.drawn(expected.value, actual.value, path);
      return;
    }
    if (expected.type !== actual.type)
      return this.report(
        path,
        `${expected.type} ${describe(expected)}`,
        `${actual.type} ${describe(actual)}`,
      );
    if (expected.type !== 'Structure') return this.leaf(expected, actual, path, siblingsIn(parents));
    const inner = [...parents, expected];
    if (nameOf(expected) === 'Attributes')
      this.attributes(expected.value, (actual as typeof expected).value, path, inner, this.extras(parents));
    else this.fields(expected.value, (actual as typeof expected).value, path, inner);
  }

  /** Bytes that the server drew in place of those in the case: the same object's are the same each time. */
  drawn(expected: Uint8Array, actual: Uint8Array, path: string): void {
    const hex = Buffer.from(expected).toString('hex');
    const earlier = this.scope.known.replays.get(hex) ?? this.replays.get(hex);
    const fixed =
      /\/(KeyMaterial|DigestValue)$/.test(path) && earlier !== undefined && earlier.length === actual.length;
    if (fixed && Buffer.compare(earlier, actual) !== 0) {
      this.report(path, `${describeBytes(earlier)}, as given before`, describeBytes(actual));
    }
    this.replays.set(hex, actual);
  }

  /**
   * Attributes beside those expected: an export lists all attributes, key values and echoes carry the
   * requested ones.
   */
  extras(parents: readonly Node[]): Extras {
    const inKeyValue = parents.some((parent) => nameOf(parent) === 'KeyValue');
    return this.scope.operation === 'Export' && !inKeyValue ? 'allowed' : 'refused';
  }

  /** Items of a structure: in order, but 1.x Attributes as a multiset. */
  fields(
    expected: readonly Node[],
    actual: readonly Node[],
    path: string,
    parents: readonly Node[],
    extras: Extras = 'refused',
  ): void {
    const isAttribute = (node: Node) => nameOf(node) === 'Attribute';
    if (expected.some(isAttribute) || actual.some(isAttribute)) {
      const place = actual.findIndex(isAttribute);
      if (place >= 0 && expected.some(isAttribute) && place !== expected.findIndex(isAttribute)) {
        this.report(
          `${path}/Attribute`,
          `the attributes behind ${expected.findIndex(isAttribute)} fields`,
          `behind ${place}`,
        );
      }
      const last = actual.findLastIndex(isAttribute);
      const between = actual.slice(Math.max(place, 0), last + 1).find((node) => !isAttribute(node));
      if (between !== undefined)
        this.report(`${path}/${stepOf(between)}`, 'no field between attributes', describe(between));
      this.attributes(expected.filter(isAttribute), actual.filter(isAttribute), path, parents, extras);
    }
    const [left, right] = [expected, actual].map((list) =>
      list.filter((node) => !isAttribute(node) && !isOptional(node)),
    ) as [Node[], Node[]];
    let at = 0;
    for (const item of left) {
      const found = right.findIndex((node, index) => index >= at && node.tag === item.tag);
      if (found < 0) {
        this.report(`${path}/${stepOf(item)}`, describe(item), 'nothing');
        continue;
      }
      for (const surplus of right.slice(at, found))
        this.report(`${path}/${stepOf(surplus)}`, 'nothing here', describe(surplus));
      this.node(item, right[found] as Node, `${path}/${stepOf(item)}`, parents);
      at = found + 1;
    }
    for (const surplus of right.slice(at))
      this.report(`${path}/${stepOf(surplus)}`, 'nothing', describe(surplus));
  }

  /** Attributes by name, in any order, each instance once. `named`: the client asked for them by name. */
  attributes(
    expected: readonly Node[],
    actual: readonly Node[],
    path: string,
    parents: readonly Node[],
    extras: Extras,
  ): void {
    const rest = [...actual];
    const named = extras === 'refused';
    for (const item of expected) {
      const key = attributeKeyOf(item);
      const candidates = rest.filter(
        (node) => canonicalAttribute(attributeKeyOf(node)) === canonicalAttribute(key),
      );
      const trials = candidates.map((candidate) => ({
        candidate,
        differences: this.attempt((trial) => trial.node(item, candidate, `${path}/${stepOf(item)}`, parents)),
      }));
      const match = trials.find((trial) => trial.differences.length === 0) ?? trials[0];
      if (match === undefined) {
        if (!mayBeAbsent(key, this.scope, named))
          this.report(`${path}/${stepOf(item)}`, describe(item), 'nothing');
        continue;
      }
      this.differences.push(...match.differences);
      rest.splice(rest.indexOf(match.candidate), 1);
    }
    if (extras === 'allowed') return;
    for (const surplus of rest) {
      if (!attributeKeyOf(surplus).startsWith('y-'))
        this.report(`${path}/${stepOf(surplus)}`, 'nothing', describe(surplus));
    }
  }

  /** `siblings`: the items of the same structure, among them the name of a 1.x attribute. */
  leaf(expected: Node, actual: Node, path: string, siblings: readonly Node[] = []): void {
    const token = this.scope.tokens.get(expected);
    if (token !== undefined) return this.token(token, expected, actual, path);
    if (expected.type === 'DateTime' && this.plausible(actual.value as number)) return;
    if (sameValue(expected, actual)) return;
    this.report(path, describe(expected, siblings), difference(expected, actual, siblings));
  }

  /** A recorded date represents a date that the server sets now or that the client sent. */
  plausible(seconds: number): boolean {
    return Math.abs(seconds - this.scope.now) <= tolerance || this.scope.known.instants.has(seconds);
  }

  token(token: string, expected: Node, actual: Node, path: string): void {
    if (token.startsWith('$NOW')) {
      const off = Math.abs((actual.value as number) - (expected.value as number));
      if (off > tolerance) this.report(path, `${token} (${describe(expected)})`, describe(actual));
      return;
    }
    const bound = this.bindings.get(token);
    if (bound === undefined) {
      if (isEmpty(actual)) return this.report(path, token, 'an empty value');
      this.bindings.set(token, actual);
    } else if (!sameValue(bound, actual)) {
      this.report(path, `${token} (${describe(bound)})`, describe(actual));
    }
  }
}

export type Extras = 'allowed' | 'refused';

function isOptional(node: Node): boolean {
  return echoes.has(nameOf(node)) || (nameOf(node) === 'AttributeIndex' && node.value === 0);
}

function siblingsIn(parents: readonly Node[]): readonly Node[] {
  const parent = parents.at(-1);
  return parent?.type === 'Structure' ? parent.value : [];
}

function isEmpty(node: Node): boolean {
  return node.value === '' || (node.value instanceof Uint8Array && node.value.length === 0);
}

/** Equal type and value; Big Integers as numbers, whatever their sign padding. */
export function sameValue(a: Node, b: Node): boolean {
  if (a.type !== b.type) return false;
  if (a.type === 'Structure' && b.type === 'Structure') {
    return (
      a.value.length === b.value.length &&
      a.value.every(
        (child, index) => child.tag === b.value[index]?.tag && sameValue(child, b.value[index] as Node),
      )
    );
  }
  if (a.value instanceof Uint8Array && b.value instanceof Uint8Array) {
    const [left, right] = a.type === 'BigInteger' ? [trimmed(a.value), trimmed(b.value)] : [a.value, b.value];
    return Buffer.compare(left, right) === 0;
  }
  return a.value === b.value;
}

/** Two's complement without redundant sign bytes. */
function trimmed(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1) {
    const sign = value[start];
    const next = (value[start + 1] as number) & 0x80;
    if (!((sign === 0 && next === 0) || (sign === 0xff && next !== 0))) break;
    start++;
  }
  return value.subarray(start);
}

function difference(expected: Node, actual: Node, siblings: readonly Node[]): string {
  if (!(expected.value instanceof Uint8Array && actual.value instanceof Uint8Array))
    return describe(actual, siblings);
  const [left, right] = [expected.value, actual.value];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return `${describeBytes(right)}, different from byte ${at < 0 ? Math.min(left.length, right.length) : at}`;
}
