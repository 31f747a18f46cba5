import { Data, UniqueIdentifier } from '../../../codec/enums.ts';
import { type TagName, tagName, tagNumber } from '../../../codec/tags.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { type Node, readNode, writeValue } from '../../../codec/wire/node.ts';
import { Type } from '../../../codec/wire/types.ts';
import { fail } from '../../common/errors.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import type { BatchIdentifiers, Reference } from './identifiers.ts';
import type { BatchOutputs } from './payload-withholding.ts';

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

/** Identifiers and Data of the earlier answers of the batch. */
export interface BatchResults {
  readonly identifiers: BatchIdentifiers;
  readonly outputs: BatchOutputs;
}

/**
 * Replaces the references of a payload by identifiers and Data of earlier answers (2.x only): an Integer or
 * an Enumeration in the place of an identifier or of Data. Neither schemas nor handlers know of references.
 *
 * Returns a reader for each request that the payload stands for. Where a reference to several objects is the
 * one object of an operation, the operation is repeated for each of them (KMIP 2.1 §11.58); in a list of
 * identifiers all of them take the place of the reference.
 * @throws {KmipError} ObjectNotFound or InvalidField when a reference stands for nothing, ServerLimitExceeded
 * when there are more than `maxRepetitions`.
 */
export function resolveReferences(
  payload: BinaryReader,
  operation: AnyOperation,
  results: BatchResults,
  maxRepetitions: number,
): readonly BinaryReader[] {
  if (!hasReference(payload.bytes, payload.offset, payload.end)) return [payload.fork()];
  const { tag, value } = readNode(payload.fork()) as Node & { type: 'Structure' };
  let requests: Node[][] = [[]];
  for (const item of value) {
    const items = replaceReferences(item, results);
    if (items.length <= 1 || isList(operation, item.tag)) {
      for (const request of requests) request.push(...items);
    } else {
      if (items.length * requests.length > maxRepetitions)
        fail('ServerLimitExceeded', `an operation is repeated ${maxRepetitions} times at the most`);
      requests = items.flatMap((each) => requests.map((request) => [...request, each]));
    }
  }
  return requests.map(
    (items) =>
      new BinaryReader(
        encodeMessage((writer) => writeValue(writer, tag, { type: 'Structure', value: items })),
      ),
  );
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
    at += 8 + length + ((8 - (length & 7)) & 7);
  }
  return false;
}

function replaceReferences(node: Node, results: BatchResults): readonly Node[] {
  if (node.type === 'Structure') {
    return [{ ...node, value: node.value.flatMap((child) => replaceReferences(child, results)) }];
  }
  if (node.type !== 'Integer' && node.type !== 'Enumeration') return [node];
  const { tag } = node;
  if (identifierTags.has(tag)) {
    const ids = results.identifiers.resolveReference(referenceIn(node, UniqueIdentifier));
    return ids.map((value) => ({ tag, type: 'TextString', value }));
  }
  if (tag === dataTag) {
    return [{ tag, type: 'ByteString', value: results.outputs.resolveReference(referenceIn(node, Data)) }];
  }
  return [node];
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
