import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { concatBytes } from '../../../src/common/bytes.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { constant, type Known, zeros } from './closure-knowledge.ts';
import { type Held, type Item, materialOf, type Reply, type World } from './closure-world.ts';

/**
 * Requests whose answers are bytes: Get and Export, plain and wrapped, Encrypt, Decrypt and MAC. They change
 * nothing that a client needs later, so the search makes all of them in every state, in whatever number.
 */

export type Kind =
  | 'wrap'
  | 'unwrap'
  | 'encrypt'
  | 'decrypt'
  | 'MAC'
  | 'derive'
  | 'split'
  | 'set attribute'
  | 'register'
  | 'join'
  | 'get'
  | 'Undo';

/** A request for bytes, and what to keep of its answer. */
export interface Read {
  readonly kind: Kind;
  readonly how: string;
  /** What decides the answer: the kind of request and the objects that it names. */
  readonly decided: string;
  readonly item: Item;
  keep(reply: Reply, world: World): void;
}

interface Mode {
  readonly parameters: CryptographicParameters;
  readonly EncodingOption?: 'NoEncoding' | 'TTLVEncoding';
}

const plain = { EncodingOption: 'NoEncoding' } as const;

/** Modes of wrapping. */
export const modes = {
  NIST: { parameters: { BlockCipherMode: 'NISTKeyWrap' }, ...plain },
  TTLV: { parameters: { BlockCipherMode: 'NISTKeyWrap' }, EncodingOption: 'TTLVEncoding' },
  KWP: { parameters: { BlockCipherMode: 'AESKeyWrapPadding' }, ...plain },
  GCM: { parameters: { BlockCipherMode: 'GCM', TagLength: 16 }, ...plain },
  CBC: { parameters: { BlockCipherMode: 'CBC', PaddingMethod: 'None' }, ...plain },
  ECB: { parameters: { BlockCipherMode: 'ECB', PaddingMethod: 'None' }, ...plain },
  CTR: { parameters: { BlockCipherMode: 'CTR' }, ...plain },
} as const satisfies Record<string, Mode>;
export type ModeName = keyof typeof modes;
export const modeNames = Object.keys(modes) as ModeName[];

/** A wrapped object in an answer: what was wrapped by which key, by their terms. */
export interface Blob {
  readonly how: string;
  readonly term: string;
  readonly key: string;
  readonly mode: ModeName;
  /** The object that it was asked of, and the key that wrapped it, by their names. */
  readonly object: string;
  readonly by: string;
  readonly form: WrappedForm;
}

/** `NotWrapped`: the object was registered wrapped, and is unwrapped first. */
export interface WrappedForm {
  readonly KeyWrapType?: 'NotWrapped';
  readonly operation?: typeof Export;
}

/** The blobs of a world; a blob is known by how it was asked for. */
export const blobsOf = new WeakMap<World, Map<string, Blob>>();

export function listBlobs(world: World): Blob[] {
  return [...(blobsOf.get(world)?.values() ?? [])];
}

function keepObject(how: string, reply: Reply, world: World, blob?: Omit<Blob, 'how'>): void {
  const object = reply.payload?.Object as ManagedObjectValue | undefined;
  const bytes = materialOf(object);
  if (object === undefined || bytes === undefined) return;
  const prime = (object.value as { PrimeFieldSize?: Uint8Array }).PrimeFieldSize;
  const data = (object.value as { KeyBlock: KeyBlock }).KeyBlock.KeyWrappingData;
  if (blob === undefined || data === undefined) return world.learn({ how, bytes, sort: 'plain', prime });
  const encryptedBy = world.values.get(blob.key);
  world.learn({ how, bytes, sort: 'wrapped', iv: data.IVCounterNonce, encryptedBy });
  if (prime !== undefined)
    world.learn({ how: `prime of ${how}`, bytes: new Uint8Array(), sort: 'plain', prime });
  world.wrapped.set(how, object);
  const blobs = blobsOf.get(world) ?? new Map<string, Blob>();
  blobsOf.set(world, blobs.set(how, { how, ...blob }));
}

const described = (world: World, ...objects: readonly Held[]) =>
  objects.map(({ name }) => world.descriptions.get(name)).join(' by ');

export function readPlain(world: World, object: Held): Read {
  const how = `get(${object.name})`;
  return {
    kind: 'get',
    how,
    decided: `get ${described(world, object)}`,
    item: { operation: Get, request: { UniqueIdentifier: object.id } },
    keep: (reply) => keepObject(how, reply, world),
  };
}

/** Unwraps a key that was registered wrapped: plain, and wrapped again under another key. */
export function readUnwrapped(world: World, object: Held): Read[] {
  const how = `get(${object.name}, not wrapped)`;
  const request = { UniqueIdentifier: object.id, KeyWrapType: 'NotWrapped' };
  return [
    {
      kind: 'unwrap',
      how,
      decided: `unwrap ${described(world, object)}`,
      item: { operation: Get, request },
      keep: (reply) => keepObject(how, reply, world),
    },
    ...[...world.objects.values()].map(
      (key): Read => readWrapped(world, object, key, 'NIST', { KeyWrapType: 'NotWrapped' }),
    ),
  ];
}

export function readWrapped(
  world: World,
  object: Held,
  key: Held,
  mode: ModeName,
  form: WrappedForm = {},
): Read {
  const { KeyWrapType, operation = Get } = form;
  const opened = KeyWrapType === undefined ? '' : ' not wrapped';
  const how = `${operation.name}(${object.name}${opened} by ${key.name}, ${mode})`;
  const { parameters, EncodingOption } = modes[mode];
  const EncryptionKeyInformation = { UniqueIdentifier: key.id, CryptographicParameters: parameters };
  const specification = { WrappingMethod: 'Encrypt', EncodingOption, EncryptionKeyInformation };
  const request = {
    UniqueIdentifier: object.id,
    KeyWrapType,
    KeyWrappingSpecification: { ...specification, AttributeName: [] },
  };
  const term = object.term.replace(/^stored /u, '');
  const blob = { term, key: key.term, mode, object: object.name, by: key.name, form };
  return {
    kind: 'wrap',
    how,
    decided: `${operation.name}${opened} ${mode} ${described(world, object, key)}`,
    item: { operation, request },
    keep: (reply) => keepObject(how, reply, world, blob),
  };
}

export function readMac(world: World, key: Held, CryptographicAlgorithm?: 'HMAC_SHA256'): Read {
  const how = `MAC(${key.name}, ${CryptographicAlgorithm ?? 'CMAC'})`;
  const CryptographicParameters = CryptographicAlgorithm && { CryptographicAlgorithm };
  return {
    kind: 'MAC',
    how,
    decided: `${how.replace(key.name, '')} ${described(world, key)}`,
    item: {
      operation: MAC,
      request: { UniqueIdentifier: key.id, CryptographicParameters, Data: constant },
    },
    keep: ({ payload }) => world.learn({ how, bytes: payload.MACData, sort: 'output' }),
  };
}

/** A string that is encrypted or decrypted: the constant, or a wrapped key. */
export interface Text {
  readonly how: string;
  /** How it came to be, as far as it decides success and failure. */
  readonly mode: ModeName | 'constant';
  readonly bytes: Uint8Array;
  readonly iv?: Uint8Array | undefined;
}

const ivBytes = { NIST: 0, TTLV: 0, KWP: 0, ECB: 0, GCM: 12, CBC: 16, CTR: 16 } as const;

/** The vector of the wrapping, where the mode takes one as long; by CTR as GCM counts (SP 800-38D). */
function vectorFor(mode: ModeName, { iv }: Text): Uint8Array | undefined {
  const length = ivBytes[mode];
  if (length === 0) return undefined;
  if (iv?.length === 12 && length === 16) return concatBytes([iv, Uint8Array.of(0, 0, 0, 2)]);
  return iv?.length === length ? iv : zeros.subarray(0, length);
}

const families: readonly (readonly Text['mode'][])[] = [
  ['NIST', 'TTLV'],
  ['KWP'],
  ['GCM', 'CTR'],
  ['CBC'],
  ['ECB'],
];

/** Whether Decrypt, or Encrypt where it adds a key stream, undoes the wrapping. */
function isInverse(mode: ModeName, { mode: wrappedBy }: Text): boolean {
  return families.some((family) => family.includes(mode) && family.includes(wrappedBy));
}

export function readEncrypted(world: World, key: Held, mode: ModeName, data: Text): Read {
  const how = `Encrypt(${key.name}, ${mode}, ${data.how})`;
  const iv = vectorFor(mode, data);
  const request = {
    UniqueIdentifier: key.id,
    CryptographicParameters: modes[mode].parameters,
    Data: data.bytes,
    IVCounterNonce: iv,
  };
  return {
    kind: 'encrypt',
    how,
    decided: `encrypt ${mode} of ${data.mode} ${described(world, key)}`,
    item: { operation: Encrypt, request },
    keep: ({ payload }) =>
      world.learn({
        how,
        bytes: payload.Data,
        sort: 'output',
        iv,
        input: data.bytes,
        isPlainText: isInverse(mode, data),
        encryptedBy: world.values.get(key.term),
      }),
  };
}

export function readDecrypted(world: World, key: Held, mode: ModeName, data: Text): Read {
  const how = `Decrypt(${key.name}, ${mode}, ${data.how})`;
  const iv = vectorFor(mode, data);
  const isGcm = mode === 'GCM';
  const Data = isGcm ? data.bytes.subarray(0, -16) : data.bytes;
  const request = {
    UniqueIdentifier: key.id,
    CryptographicParameters: modes[mode].parameters,
    Data,
    IVCounterNonce: iv,
    ...(isGcm && { AuthenticatedEncryptionTag: data.bytes.subarray(-16) }),
  };
  return {
    kind: 'decrypt',
    how,
    decided: `decrypt ${mode} of ${data.mode} ${described(world, key)}`,
    item: { operation: Decrypt, request },
    keep: ({ payload }) =>
      world.learn({
        how,
        bytes: payload.Data,
        sort: 'output',
        iv,
        input: Data,
        isPlainText: isInverse(mode, data),
        encryptedBy: world.values.get(key.term),
      }),
  };
}

/** Requests for the values of objects, and of MACs. */
export function listReads(world: World): Read[] {
  const objects = [...world.objects.values()];
  return objects.flatMap((object) => [
    readPlain(world, object),
    ...(object.term.startsWith('stored ') ? readUnwrapped(world, object) : []),
    ...objects.flatMap((key) => [
      ...modeNames.map((mode) => readWrapped(world, object, key, mode)),
      readWrapped(world, object, key, 'GCM', { operation: Export }),
    ]),
    readMac(world, object),
    readMac(world, object, 'HMAC_SHA256'),
  ]);
}

export const dataModes = ['NIST', 'KWP', 'GCM', 'CBC', 'ECB', 'CTR'] as const;

/**
 * Encryption of the constant by every key, and every use that a key has for what its value has wrapped or
 * encrypted: Decrypt in every mode, and Encrypt in the modes that make a key stream.
 */
export function listCipherReads(world: World): Read[] {
  const blobs = listBlobs(world).map((blob) => ({ ...blob, ...(world.known.get(blob.how) as Known) }));
  return [...world.objects.values()].flatMap((key) => {
    const own = blobs.filter((blob) => blob.key === key.term);
    const fixed = { how: 'constant', mode: 'constant', bytes: constant } as const;
    return [
      ...dataModes.map((mode) => readEncrypted(world, key, mode, fixed)),
      ...(['ECB', 'CBC'] as const).map((mode) => readDecrypted(world, key, mode, fixed)),
      ...own.flatMap((blob) => [
        ...dataModes.map((mode) => readDecrypted(world, key, mode, blob)),
        ...(['GCM', 'CTR'] as const).map((mode) => readEncrypted(world, key, mode, blob)),
      ]),
    ];
  });
}
