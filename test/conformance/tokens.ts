import { randomBytes } from 'node:crypto';
import { formatDate } from '../../codec/wire/lexical.ts';
import type { Node } from '../../codec/wire/node.ts';
import { xmlToNodes } from '../../codec/wire/xml.ts';

/** Values of tokens such as `$UNIQUE_IDENTIFIER_0`, captured from answers of one case. */
export type Bindings = ReadonlyMap<string, Node>;

/** An answer as a case file gives it. */
export interface Expectation {
  readonly message: Node;
  /**
   * Items that represent a token; `$NOW…` items hold the resolved instant, others a filler of the right type.
   */
  readonly tokens: ReadonlyMap<Node, string>;
}

const limits = { depth: 64, structureItems: 100_000, bytes: 16 * 1024 * 1024 };
const leaf = /(<\w+\s+type\s*=\s*"(\w+)"\s+value\s*=\s*")([^"]*)(")/g;
const tokenPattern = /^\$[A-Z]\w*(?:[+-]\d+)?$/;

/** Seconds of `$NOW`, `$NOW-3600`, …; undefined for other texts. */
export function instantOf(token: string, now: number): number | undefined {
  const match = /^\$NOW([+-]\d+)?$/.exec(token);
  return match === null ? undefined : now + Number(match[1] ?? 0);
}

/**
 * Runs of spaces in attribute names and masks: an artefact of the documents the oldest cases were taken from.
 */
function tidy(xml: string): string {
  return xml.replace(
    /(<AttributeName\s[^>]*value=")([^"]*)"/g,
    (_, head, name) => `${head}${name.replace(/\s+/g, ' ').trim()}"`,
  );
}

/** The one message in a text; throws WireError where the codec cannot read it. */
export function parseMessage(xml: string): Node {
  const [message, ...more] = xmlToNodes(xml, limits);
  if (message === undefined || more.length > 0) throw new Error('not exactly one message');
  return message;
}

export interface Request {
  readonly message: Node;
  /** Bindings with the tokens that the client chose for this request. */
  readonly bindings: Bindings;
}

/**
 * The request to send: tokens replaced by their values, client-chosen ones invented. A token that no answer
 * showed is the value of the server's last response under its tag (`$MAC_DATA`: MACData). Throws when there
 * is none.
 */
export function resolveRequest(
  xml: string,
  bindings: Bindings,
  now: number,
  latest: Latest = new Map(),
): Request {
  const bound = new Map(bindings);
  const resolved = tidy(xml).replace(
    leaf,
    (whole, head: string, type: string, value: string, tail: string) => {
      if (!tokenPattern.test(value)) return whole;
      const instant = instantOf(value, now);
      if (instant !== undefined) return `${head}${formatDate(instant)}${tail}`;
      if (!bound.has(value) && value.includes('RANDOM')) bound.set(value, invent(type));
      const node = bound.get(value) ?? underTag(value, latest);
      if (node === undefined) throw new Error(`${value} stands in a request before any answer had it`);
      return `${head}${literal(node)}${tail}`;
    },
  );
  return { message: parseMessage(resolved), bindings: bound };
}

type Latest = ReadonlyMap<string, Node>;

function underTag(token: string, latest: Latest): Node | undefined {
  const wanted = token.replace(/^\$|_\d+$|_/g, '');
  for (const [name, node] of latest) if (name.toUpperCase() === wanted) return node;
  return undefined;
}

function invent(type: string): Node {
  const value = randomBytes(16);
  return type === 'TextString'
    ? { tag: 0, type, value: value.toString('hex') }
    : { tag: 0, type: 'ByteString', value: new Uint8Array(value) };
}

function literal(node: Node): string {
  if (node.value instanceof Uint8Array) return Buffer.from(node.value).toString('hex');
  return String(node.value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/**
 * The answer to compare with. Leaves of the text and of the tree come in the same order, which ties tokens to
 * items.
 */
export function resolveExpectation(xml: string, now: number): Expectation {
  const values: string[] = [];
  const resolved = tidy(xml).replace(
    leaf,
    (whole, head: string, type: string, value: string, tail: string) => {
      values.push(value);
      if (!tokenPattern.test(value)) return whole;
      return `${head}${filler(type, instantOf(value, now))}${tail}`;
    },
  );
  const message = parseMessage(resolved);
  const tokens = new Map<Node, string>();
  const leaves = leavesOf(message);
  if (leaves.length !== values.length)
    throw new Error('the text has other values than the message read from it');
  leaves.forEach((node, index) => {
    const value = values[index] as string;
    if (tokenPattern.test(value)) tokens.set(node, value);
  });
  return { message, tokens };
}

function filler(type: string, instant: number | undefined): string {
  if (instant !== undefined) return formatDate(instant);
  return type === 'TextString' ? '' : '00';
}

function leavesOf(node: Node): Node[] {
  return node.type === 'Structure' ? node.value.flatMap(leavesOf) : [node];
}
