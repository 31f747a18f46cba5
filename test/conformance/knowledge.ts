import {
  BlockCipherMode,
  CryptographicAlgorithm,
  Operation,
  PaddingMethod,
  ResultStatus,
} from '../../codec/enums.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children, find, valueOf } from '../client.ts';
import { attributeKeyOf, canonicalAttribute, nameOf } from './describe.ts';

/**
 * The knowledge of a test client about the server's objects. It decides where bytes must be exact: those of a
 * registered key must, those that the server drew itself cannot.
 */
export interface Knowledge {
  /** Identifiers of objects whose key bytes the server made. */
  readonly generated: ReadonlySet<string>;
  /**
   * Identifiers of keys whose use is randomised (padding with a random part, an IV the server draws, ECDSA).
   */
  readonly randomised: ReadonlySet<string>;
  /** Attributes that requests carried, by tag name or name. */
  readonly attributes: ReadonlySet<string>;
  /** Dates that requests of the case carried, in seconds. */
  readonly instants: ReadonlySet<number>;
  /**
   * Bytes that the case file has (in hex) and those that the server gave in their place: later requests send
   * the latter.
   */
  readonly replays: ReadonlyMap<string, Uint8Array>;
  /**
   * The value of the server's last response under each tag: some cases use a token that none of their
   * responses contains.
   */
  readonly latest: ReadonlyMap<string, Node>;
}

export const nothingKnown: Knowledge = {
  generated: new Set(),
  randomised: new Set(),
  attributes: new Set(),
  instants: new Set(),
  replays: new Map(),
  latest: new Map(),
};

const identifierTags: ReadonlySet<string | undefined> = new Set([
  'UniqueIdentifier',
  'PrivateKeyUniqueIdentifier',
  'PublicKeyUniqueIdentifier',
]);
const generating: ReadonlySet<string | number> = new Set([
  'Create',
  'CreateKeyPair',
  'ReKey',
  'ReKeyKeyPair',
  'CreateSplitKey',
]);

/** All items of a tree, the root first. */
export function walk(node: Node): Node[] {
  return node.type === 'Structure' ? [node, ...node.value.flatMap(walk)] : [node];
}

/** Texts of every object identifier in a tree. */
export function identifiersIn(node: Node | undefined): string[] {
  if (node === undefined) return [];
  return walk(node).flatMap((item) =>
    item.type === 'TextString' && identifierTags.has(nameOf(item)) ? [item.value] : [],
  );
}

/**
 * Whether a request asks for, or stores, parameters under which the same input gives different output each
 * time.
 */
export function isRandomised(request: Node): boolean {
  return walk(request).some((item, index, all) => {
    const name = nameOf(item);
    if (name === 'RandomIV') return item.value === true;
    if (item.type !== 'Enumeration') return false;
    if (name === 'PaddingMethod')
      return ['OAEP', 'PSS'].includes(String(PaddingMethod.fromNumber(item.value)));
    if (name === 'CryptographicAlgorithm') return isEllipticSigning(item.value);
    const before = all[index - 1];
    return (
      name === 'AttributeValue' &&
      before?.value === 'Cryptographic Algorithm' &&
      isEllipticSigning(item.value)
    );
  });
}

function isEllipticSigning(algorithm: number): boolean {
  return ['ECDSA', 'EC'].includes(String(CryptographicAlgorithm.fromNumber(algorithm)));
}

/**
 * Whether a request wraps a key in a mode whose result differs each time: any but NIST key wrap, the default.
 */
export function wrapsRandomly(request: Node): boolean {
  return walk(request)
    .filter((item) => nameOf(item) === 'KeyWrappingSpecification')
    .flatMap(walk)
    .some(
      (item) =>
        nameOf(item) === 'BlockCipherMode' &&
        BlockCipherMode.fromNumber(item.value as number) !== 'NISTKeyWrap',
    );
}

/** The knowledge after an exchange, whether or not the response was the expected one. */
export function learn(
  known: Knowledge,
  request: Node,
  answer: Node,
  replays: ReadonlyMap<string, Uint8Array>,
): Knowledge {
  const generated = new Set(known.generated);
  const randomised = new Set(known.randomised);
  const asked = children(request, 'BatchItem');
  const answered = children(answer, 'BatchItem');
  answered.forEach((item, index) => {
    const question = asked[index];
    if (
      question === undefined ||
      ResultStatus.fromNumber(valueOf(item, 'ResultStatus') as number) !== 'Success'
    )
      return;
    const operation = Operation.fromNumber(valueOf(question, 'Operation') as number);
    const made = identifiersIn(find(item, 'ResponsePayload'));
    const derived = operation === 'DeriveKey' && identifiersIn(question).some((id) => generated.has(id));
    if (generating.has(operation) || derived) for (const id of made) generated.add(id);
    if (isRandomised(question)) for (const id of made) randomised.add(id);
  });
  return {
    generated,
    randomised,
    attributes: new Set([...known.attributes, ...attributesIn(request)]),
    instants: new Set([...known.instants, ...instantsIn(request)]),
    replays: new Map([...known.replays, ...replays]),
    latest: new Map([...known.latest, ...walk(answer).map((item) => [nameOf(item) ?? '', item] as const)]),
  };
}

function instantsIn(request: Node): number[] {
  return walk(request).flatMap((item) => (item.type === 'DateTime' ? [item.value] : []));
}

function attributesIn(request: Node): string[] {
  return walk(request).flatMap((item) => {
    const name = nameOf(item);
    if (name === 'Attributes' && item.type === 'Structure')
      return item.value.map((each) => canonicalAttribute(attributeKeyOf(each)));
    return name === 'Attribute' ? [canonicalAttribute(attributeKeyOf(item))] : [];
  });
}

/** The request with bytes of the case file replaced by those that the server gave in their place. */
export function replay(request: Node, replays: Knowledge['replays']): Node {
  if (replays.size === 0) return request;
  if (request.type === 'Structure')
    return { ...request, value: request.value.map((child) => replay(child, replays)) };
  if (request.type !== 'ByteString') return request;
  const value = replays.get(Buffer.from(request.value).toString('hex'));
  return value === undefined ? request : { ...request, value };
}
