import { type TagName, tagName, tagNumber } from '../tags.ts';
import { escapeUnprintable } from '../unprintable.ts';
import { tagLabel } from './binary-reader.ts';
import { vocabularyOf, vocabularyTagOf } from './dictionary.ts';
import * as lexical from './lexical.ts';
import type { Node, TypedValue } from './node.ts';

/**
 * Tags whose values are or may be keys, plaintext or proofs of identity; in a structure everything inside.
 * Names and parameters are shown. Public keys and certificates under these tags are hidden too.
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

/** Options of `nodeToText`. */
export interface TextOptions {
  /** Shows key material, passwords and plaintext instead of their length. */
  readonly show?: boolean;
}

/**
 * Formats an item for people: one indented line for each item with tag, type and value. Not meant to be
 * parsed.
 */
export function nodeToText(node: Node, options: TextOptions = {}): string {
  const lines: string[] = [];
  describe(lines, '', node, tagName(node.tag), options.show ?? false, false);
  return `${lines.join('\n')}\n`;
}

function describe(
  lines: string[],
  indent: string,
  node: Node,
  vocabularyTag: TagName | undefined,
  show: boolean,
  insideSecret: boolean,
): void {
  const secret = insideSecret || secretTags.has(node.tag);
  if (node.type !== 'Structure') {
    const value = secret && !show ? redact(node) : formatLeaf(node, vocabularyTag);
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

function formatLeaf(node: LeafValue, vocabularyTag: TagName | undefined): string {
  switch (node.type) {
    case 'Integer': {
      const names = lexical.formatMask(node.value, vocabularyTag, ' | ');
      return names === undefined ? String(node.value) : `${names} (${lexical.formatWord(node.value)})`;
    }
    case 'Enumeration': {
      const name = vocabularyOf(vocabularyTag)?.textOf(node.value);
      return name === undefined
        ? lexical.formatWord(node.value)
        : `${name} (${lexical.formatWord(node.value)})`;
    }
    // Quoted and escaped: text of a peer must not control the terminal that shows it.
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

function quote(text: string): string {
  return escapeUnprintable(JSON.stringify(text));
}
