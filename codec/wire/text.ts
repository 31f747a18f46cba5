import { type TagName, tagName, tagNumber } from '../tags.ts';
import { tagLabel } from './binary-reader.ts';
import { vocabularyOf, vocabularyTagOf } from './dictionary.ts';
import * as lexical from './lexical.ts';
import type { Node, TypedValue } from './node.ts';

/**
 * Tags whose values are keys, plaintext, proofs of identity, or may be; of a structure everything inside. Names and
 * parameters stay readable. Public key bytes and certificates under these tags are hidden with the rest.
 */
const secretNames: readonly TagName[] = [
  'KeyMaterial',
  'KeyValue',
  'Key',
  'OpaqueDataValue',
  'Password',
  'OneTimePassword',
  'HashedPassword',
  'ServerHashedPassword',
  'TicketValue',
  'NonceValue',
  'AttestationMeasurement',
  'AttestationAssertion',
  'Data',
  'DerivationData',
  'PKCS_11InputParameters',
  'PKCS_11OutputParameters',
];
const secretTags: ReadonlySet<number> = new Set(secretNames.map(tagNumber));

export interface TextOptions {
  /** Writes key material, passwords and plaintext out instead of their length. */
  readonly show?: boolean;
}

/** An item for people to read: one line each, indented, tag, type and value; not meant to be parsed. */
export function nodeToText(node: Node, options: TextOptions = {}): string {
  const lines: string[] = [];
  describe(lines, '', node, tagName(node.tag), options.show ?? false, false);
  return `${lines.join('\n')}\n`;
}

function describe(
  lines: string[],
  indent: string,
  node: Node,
  subject: TagName | undefined,
  show: boolean,
  insideSecret: boolean,
): void {
  const secret = insideSecret || secretTags.has(node.tag);
  if (node.type !== 'Structure') {
    const value = secret && !show ? redact(node) : formatLeaf(node, subject);
    lines.push(`${indent}${tagLabel(node.tag)}  ${node.type}  ${value}`);
    return;
  }
  lines.push(`${indent}${tagLabel(node.tag)}`);
  for (const [at, child] of node.value.entries()) {
    describe(lines, `${indent}  `, child, vocabularyTagOf(child.tag, node.value, at), show, secret);
  }
}

type LeafValue = Exclude<TypedValue, { type: 'Structure' }>;

function redact(node: LeafValue): string {
  if (node.type === 'TextString') return `(${new TextEncoder().encode(node.value).length} bytes, not shown)`;
  if (node.type === 'ByteString' || node.type === 'BigInteger')
    return `(${node.value.length} bytes, not shown)`;
  return '(not shown)';
}

function formatLeaf(node: LeafValue, subject: TagName | undefined): string {
  switch (node.type) {
    case 'Integer': {
      const names = lexical.formatMask(node.value, subject, ' | ');
      return names === undefined ? String(node.value) : `${names} (${lexical.formatWord(node.value)})`;
    }
    case 'Enumeration': {
      const name = vocabularyOf(subject)?.textOf(node.value);
      return name === undefined
        ? lexical.formatWord(node.value)
        : `${name} (${lexical.formatWord(node.value)})`;
    }
    // Quoted, with control characters escaped: what a peer sent must not steer the terminal it is read in.
    case 'TextString':
      return quote(node.value);
    case 'ByteString':
    case 'BigInteger':
      return node.value.length === 0 ? '(empty)' : node.value.toHex();
    case 'DateTime':
      return lexical.formatDate(node.value);
    case 'DateTimeExtended':
      return lexical.formatDateExtended(node.value);
    case 'Interval':
      return `${node.value} s`;
    default:
      return String(node.value);
  }
}

/** What JSON leaves as it is and a terminal may obey: DEL, the C1 controls, changes of direction. */
const controlCharacters = /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function quote(text: string): string {
  return JSON.stringify(text).replace(
    controlCharacters,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
