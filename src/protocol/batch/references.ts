import { Data, UniqueIdentifier } from '../../../codec/enums.ts';
import { type TagName, tagName, tagNumber } from '../../../codec/tags.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { type Node, readNode, writeValue } from '../../../codec/wire/node.ts';
import { Type } from '../../../codec/wire/types.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import type { BatchIdentifiers, Reference } from './identifiers.ts';
import type { BatchOutputs } from './payload-withholding.ts';
import type { ReferenceBudget } from './reference-budget.ts';

/** Tags of identifiers in requests, in whose place a reference may be. */
const identifierTags: ReadonlySet<number> = new Set(
  (
    [
      'UniqueIdentifier',
      'PrivateKeyUniqueIdentifier',
      'PublicKeyUniqueIdentifier',
      'LinkedObjectIdentifier',
      'ReplacedUniqueIdentifier',
      'CertificateRequestUniqueIdentifier',
    ] satisfies TagName[]
  ).map(tagNumber),
);
const dataTag = tagNumber('Data');

/** Identifiers and Data of the earlier answers of the batch, and how much may refer to them. */
export interface BatchResults {
  readonly identifiers: BatchIdentifiers;
  readonly outputs: BatchOutputs;
  readonly references: ReferenceBudget;
}

/** The requests that a payload stands for. */
export interface ResolvedRequests {
  readonly count: number;
  /** Encodes each request at its turn, so that one of them is in memory at a time. */
  readers(): Iterable<BinaryReader>;
}

/**
 * Replaces the references of a payload by identifiers and Data of earlier answers (2.x only): an Integer or
 * an Enumeration in the place of an identifier or of Data. Neither schemas nor handlers know of references.
 *
 * Returns each request that the payload stands for. Where a reference to several objects is the one object of
 * an operation, the operation is repeated for each of them (KMIP 2.1 §11.58); in a list of identifiers all of
 * them take the place of the reference.
 * @throws {KmipError} ObjectNotFound or InvalidField when a reference stands for nothing, ServerLimitExceeded
 * when the references of the batch stand for too much.
 */
export function resolveReferences(
  payload: BinaryReader,
  operation: AnyOperation,
  results: BatchResults,
): ResolvedRequests {
  if (!hasReference(payload.bytes, payload.offset, payload.end)) return asSent(payload);
  const { tag, value } = readNode(payload.fork()) as Node & { type: 'Structure' };
  const replacement = new Replacement(results);
  const slots = value.map((item) => {
    const nodes = replacement.nodesFor(item);
    return { nodes, isRepeated: nodes.length > 1 && !isList(operation, item.tag) };
  });
  const count = slots.reduce((product, slot) => product * (slot.isRepeated ? slot.nodes.length : 1), 1);
  const bytes = count * slots.reduce((sum, slot) => sum + bytesOf(slot), 8);
  results.references.take({
    objects: Math.max(replacement.objects, count === 1 ? 0 : count * Math.max(1, listedIn(slots))),
    bytes: Math.max(0, bytes - (payload.end - payload.offset)),
  });
  return {
    count,
    *readers() {
      for (let at = 0; at < count; at++) {
        const request = { type: 'Structure', value: nodesOf(slots, at) } as const;
        yield new BinaryReader(encodeMessage((writer) => writeValue(writer, tag, request)));
      }
    },
  };
}

/** The one request of a payload without references. */
export function asSent(payload: BinaryReader): ResolvedRequests {
  return { count: 1, readers: () => [payload.fork()] };
}

/** The nodes in the place of one field of a payload: all of them, or another one in each repetition. */
interface Slot {
  readonly nodes: readonly Node[];
  readonly isRepeated: boolean;
}

/** Returns the fields of the request number `at`; the first repeated field changes fastest. */
function nodesOf(slots: readonly Slot[], at: number): readonly Node[] {
  let rest = at;
  return slots.flatMap(({ nodes, isRepeated }) => {
    if (!isRepeated) return nodes;
    const node = nodes[rest % nodes.length] as Node;
    rest = Math.floor(rest / nodes.length);
    return [node];
  });
}

/** Identifiers that references have put into lists. */
function listedIn(slots: readonly Slot[]): number {
  return slots.reduce((sum, { nodes, isRepeated }) => sum + (isRepeated ? 0 : nodes.length - 1), 0);
}

/** TTLV bytes that a slot takes in one request, at the most. */
function bytesOf({ nodes, isRepeated }: Slot): number {
  const lengths = nodes.map(encodedLength);
  return lengths.reduce((sum, length) => (isRepeated ? Math.max(sum, length) : sum + length), 0);
}

/** TTLV bytes of a node. */
function encodedLength(node: Node): number {
  const { type, value } = node;
  if (type === 'Structure') return value.reduce((sum, child) => sum + encodedLength(child), 8);
  if (type === 'TextString') return 8 + padded(Buffer.byteLength(value));
  if (type === 'ByteString' || type === 'BigInteger') return 8 + padded(value.length);
  return 16;
}

function padded(length: number): number {
  return length + ((8 - (length & 7)) & 7);
}

/**
 * Whether a payload has a reference. Reads types and tags only, because almost no request has one; the
 * structure has been checked before.
 */
function hasReference(bytes: Uint8Array, start: number, end: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at < end; ) {
    const type = bytes[at + 3];
    const length = view.getUint32(at + 4);
    if (type === Type.Structure) {
      if (hasReference(bytes, at + 8, at + 8 + length)) return true;
    } else if (type === Type.Integer || type === Type.Enumeration) {
      const tag = view.getUint32(at) >>> 8;
      if (tag === dataTag || identifierTags.has(tag)) return true;
    }
    at += 8 + padded(length);
  }
  return false;
}

/** Replaces the references in the nodes of one payload. */
class Replacement {
  readonly #results: BatchResults;
  /** Objects that the references to several objects stand for, so far. */
  objects = 0;

  constructor(results: BatchResults) {
    this.#results = results;
  }

  /**
   * Returns the nodes that a node stands for.
   * @throws {KmipError} as `resolveReferences`, before the nodes of too many objects are made.
   */
  nodesFor(node: Node): readonly Node[] {
    if (node.type === 'Structure')
      return [{ ...node, value: node.value.flatMap((child) => this.nodesFor(child)) }];
    if (node.type !== 'Integer' && node.type !== 'Enumeration') return [node];
    const { tag } = node;
    const { identifiers, outputs, references } = this.#results;
    if (identifierTags.has(tag)) {
      const ids = identifiers.resolveReference(referenceIn(node, UniqueIdentifier));
      if (ids.length > 1) this.objects += ids.length;
      references.require({ objects: this.objects, bytes: 0 });
      return ids.map((value) => ({ tag, type: 'TextString', value }));
    }
    if (tag === dataTag)
      return [{ tag, type: 'ByteString', value: outputs.resolveReference(referenceIn(node, Data)) }];
    return [node];
  }
}

function referenceIn<Kind>(
  { type, value }: { readonly type: string; readonly value: number },
  kinds: { fromNumber(value: number): Kind },
): Reference<Kind> {
  return type === 'Integer' ? { nth: value } : { latest: kinds.fromNumber(value) };
}

function isList({ request }: AnyOperation, tag: number): boolean {
  const field = request.fields[tagName(tag) ?? ''];
  return field?.kind === 'field' && field.quantity === 'many';
}
