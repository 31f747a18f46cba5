import { type SaxesAttributePlain, SaxesParser } from 'saxes';
import { type TagName, tagName, tagNumber } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { tagLabel } from './binary-reader.ts';
import { vocabularyTagOf } from './dictionary.ts';
import * as lexical from './lexical.ts';
import { isTypeName, type Node, type TypedValue } from './node.ts';
import { maxStepUnits, runToEnd } from './steps.ts';
import { type MessageLimits, TreeBuilder } from './tree.ts';

/** Roots that contain several messages: transcripts such as the OASIS conformance cases. */
const transcriptRoots: ReadonlySet<string> = new Set(['KMIP', 'KmipTestCase']);
const messages: ReadonlySet<number> = new Set([tagNumber('RequestMessage'), tagNumber('ResponseMessage')]);

/**
 * Parses the messages of an XML document (KMIP Profiles 1.4 §4, 2.1 §5.4): one as the root, or several inside
 * a `KMIP` or `KmipTestCase` root, where text between messages and everything after the root is ignored.
 * Prefixes and namespaces are ignored. Strict XML without a document type, so that no entity can be declared
 * or expanded.
 *
 * @throws {WireError} with the path of the item.
 */
export function xmlToNodes(text: string, limits: MessageLimits): Node[] {
  return runToEnd(readXmlMessages(text, limits));
}

/**
 * Like `xmlToNodes`, in steps of bounded time with a yield between them. The limits apply to each item when
 * it is read, before the rest of the text is.
 *
 * @throws {WireError} with the path of the item.
 */
export function* readXmlMessages(text: string, limits: MessageLimits): Generator<void, Node[]> {
  const reader = new XmlReader(limits);
  const parser = new SaxesParser({ position: true });
  parser.on('error', () => {
    throw new WireError('malformed', `not well-formed XML (line ${parser.line}, column ${parser.column})`);
  });
  parser.on('doctype', () => {
    throw new WireError('malformed', 'a document type is not allowed');
  });
  parser.on('attribute', () => reader.countAttribute());
  parser.on('opentag', (element) => reader.open(localName(element.name), element.attributes));
  parser.on('closetag', () => reader.close());
  parser.on('text', (content) => reader.text(content));
  parser.on('cdata', (content) => reader.text(content));
  try {
    for (let at = 0; at < text.length; at += maxStepUnits) {
      if (at > 0) yield;
      parser.write(text.slice(at, at + maxStepUnits));
    }
    parser.close();
  } catch (error) {
    if (!(error instanceof DocumentEndError)) throw error;
  }
  return reader.messages;
}

/**
 * Ends the parse when the root of a transcript ends. The rest is not needed, and the parser would take
 * quadratic time for elements that are not closed there.
 */
class DocumentEndError extends Error {
  override readonly name = 'DocumentEndError';
  readonly code = 'DOCUMENT_END';
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/**
 * An item has three attributes, the root of a transcript some namespaces. The parser keeps all of them until
 * the element ends.
 */
const maxAttributes = 64;

/** Builds the trees of the messages from the events of the parser. */
class XmlReader {
  readonly messages: Node[] = [];
  readonly #tree: TreeBuilder;
  #inTranscript = false;
  /** Whether an element with a value is open. */
  #inLeaf = false;
  #attributes = 0;

  constructor(limits: MessageLimits) {
    this.#tree = new TreeBuilder(limits);
  }

  /** Notes an attribute of the element whose begin is being read. */
  countAttribute(): void {
    if (++this.#attributes > maxAttributes)
      throw new WireError('malformed', `more than ${maxAttributes} attributes in one element`);
  }

  open(name: string, attributes: Readonly<Record<string, SaxesAttributePlain | string>>): void {
    this.#attributes = 0;
    if (this.#inLeaf) this.#tree.fail('field', 'an item with a value has no items inside');
    const outermost = this.#tree.depth === 0;
    if (outermost && !this.#inTranscript && transcriptRoots.has(name)) {
      this.#inTranscript = true;
      return;
    }
    const tag = lexical.parseTag(name === 'TTLV' ? String(attributes.tag ?? '') : name);
    if (outermost && (tag === undefined || !messages.has(tag))) {
      throw new WireError('malformed', 'neither a Request Message nor a Response Message');
    }
    if (tag === undefined) this.#tree.fail('field', 'an item inside has a tag outside the dictionary');
    const type = String(attributes.type ?? 'Structure');
    if (!isTypeName(type)) this.#tree.fail('field', 'must have the type of a TTLV item', tag);
    if (type === 'Structure') {
      this.#tree.open(tag);
      return;
    }
    const { value } = attributes;
    if (value === undefined) this.#tree.fail('field', 'has no value', tag);
    if (outermost) this.#tree.fail('malformed', 'must be a structure', tag);
    this.#tree.leaf(tag, (vocabularyTag) => lexical.parseValue(type, String(value), vocabularyTag));
    this.#inLeaf = true;
  }

  close(): void {
    if (this.#inLeaf) this.#inLeaf = false;
    else if (this.#tree.depth === 0) throw new DocumentEndError();
    else {
      const node = this.#tree.close();
      if (this.#tree.depth === 0) this.messages.push(node);
    }
  }

  text(content: string): void {
    if (this.#tree.depth > 0 && content.trim() !== '')
      this.#tree.fail('field', 'text is not allowed between items');
  }
}

/**
 * Formats an item as an XML element, indented by two spaces for each level, with canonical names throughout.
 */
export function nodeToXml(node: Node): string {
  const lines: string[] = [];
  writeElement(lines, '', node, tagName(node.tag));
  return `${lines.join('\n')}\n`;
}

function writeElement(lines: string[], indent: string, node: Node, vocabularyTag: TagName | undefined): void {
  const name = tagName(node.tag) ?? 'TTLV';
  const start = name === 'TTLV' ? `${indent}<TTLV tag="${tagLabel(node.tag)}"` : `${indent}<${name}`;
  if (node.type !== 'Structure') {
    lines.push(`${start} type="${node.type}" value="${escapeXml(valueText(node, vocabularyTag))}"/>`);
  } else if (node.value.length === 0) {
    lines.push(`${start}/>`);
  } else {
    lines.push(`${start}>`);
    for (const [at, child] of node.value.entries()) {
      writeElement(lines, `${indent}  `, child, vocabularyTagOf(child.tag, node.value, at));
    }
    lines.push(`${indent}</${name}>`);
  }
}

function valueText(
  node: Exclude<TypedValue, { type: 'Structure' }>,
  vocabularyTag: TagName | undefined,
): string {
  switch (node.type) {
    case 'Integer':
      return lexical.formatMask(node.value, vocabularyTag, ' ') ?? String(node.value);
    case 'Enumeration':
      return lexical.formatEnumeration(node.value, vocabularyTag);
    case 'ByteString':
      return node.value.toHex();
    case 'BigInteger':
      return lexical.signExtend(node.value).toHex();
    case 'DateTime':
      return lexical.formatDate(node.value);
    case 'DateTimeExtended':
      return lexical.formatDateExtended(node.value);
    default:
      return String(node.value);
  }
}

/** Characters with a meaning in an XML attribute, and those that a parser would replace by spaces. */
const special = /[&<>"\t\n\r]/g;
/** Characters that XML 1.0 cannot represent at all, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression removes them
const unrepresentable = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(unrepresentable, '\ufffd')
    .replace(special, (character) => `&#${character.charCodeAt(0)};`);
}
