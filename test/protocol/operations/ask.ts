import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { plan } from '../../../codec/plan.ts';
import type { AnyField, Fields, Infer } from '../../../codec/schema.ts';
import { tagName, tagNumber } from '../../../codec/tags.ts';
import { eraOf, isWithin, newestVersion, type Version } from '../../../codec/version.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Locate } from '../../../src/operations/locate.ts';
import type { AnyOperation, OperationDefinition } from '../../../src/operations/operation.ts';
import { decode, encode, enumerated } from '../../client.ts';
import { checkVocabulary } from '../../conformance/vocabulary.ts';
import { type Answer, answersOf, type TestService, uid } from '../service.ts';

/**
 * The versions in which these tests send requests: the first and last of both eras and those with major
 * changes.
 */
export const testedVersions: readonly Version[] = ['1.0', '1.2', '1.4', '2.0', '2.1'];

/** The tested versions that have the operation. */
export function versionsOf({ since, until }: AnyOperation): readonly Version[] {
  return testedVersions.filter((version) => isWithin(version, since, until));
}

/** An answer whose payload is decoded by the schema of the operation. */
export interface Reply<R> extends Omit<Answer, 'payload'> {
  readonly payload: R;
  /** Names of the payload's items in their order, each once. */
  readonly fields: string;
}

type Loose<Q> = { [K in keyof Q]?: unknown };
/**
 * A request by the fields of the schema, or as items where it contains fields that the schema cannot write.
 */
type RequestOf<O> =
  | readonly Node[]
  | (O extends OperationDefinition<infer Q, infer _R, infer _S> ? Loose<Infer<Q>> : never);
type ResponseOf<O> = O extends OperationDefinition<infer _Q, infer R, infer _S> ? Infer<R> : never;

/**
 * Sends one request by the fields of the operation's schema, so that one table serves every version.
 * Every answer is checked against the dictionary of its version.
 */
export async function ask<O extends AnyOperation>(
  service: TestService,
  version: Version,
  operation: O,
  request: RequestOf<O>,
  group = 'g',
): Promise<Reply<ResponseOf<O>>> {
  const payload = isItems(request) ? request : payloadOf(version, operation, request);
  const item = { operation: operation.name, payload };
  const message = await service.exchange(version, [item], [], group);
  checkVocabulary(message, version, '', [], (path, expected, actual) => {
    t.fail(`${operation.name} ${version}: ${path} holds ${actual}, expected ${expected}`);
  });
  const [answer] = answersOf(message);
  const given = (answer as Answer).payload;
  return {
    ...(answer as Answer),
    payload: read(version, operation, given),
    fields: fieldsOf(given),
  } as never;
}

function isItems(request: object): request is readonly Node[] {
  return Array.isArray(request);
}

/** Sends a request and returns the reason of its failure, else its status. */
export async function outcome<O extends AnyOperation>(
  service: TestService,
  version: Version,
  operation: O,
  request: RequestOf<O>,
): Promise<string> {
  const { reason, status } = await ask(service, version, operation, request);
  return reason ?? status;
}

/** Sends a request and returns its payload; throws when the request fails. */
export async function succeed<O extends AnyOperation>(
  service: TestService,
  version: Version,
  operation: O,
  request: RequestOf<O>,
): Promise<ResponseOf<O>> {
  const { status, reason, message, payload } = await ask(service, version, operation, request);
  if (status !== 'Success') throw new Error(`${operation.name} ${version}: ${reason}: ${message}`);
  return payload;
}

/** Encodes a request by the schema as Request Payload. */
export function payloadOf(version: Version, { request: schema }: AnyOperation, request: object): Node {
  const writer = new BinaryWriter();
  const whole = { ...emptyFields(schema.fields as Fields, version), ...request };
  plan(schema, version).write(writer, tagNumber('RequestPayload'), whole);
  return decode(writer.finish());
}

function read(version: Version, { response }: AnyOperation, payload: Node | undefined): unknown {
  return payload === undefined ? undefined : plan(response, version).read(new BinaryReader(encode(payload)));
}

function fieldsOf(payload: Node | undefined): string {
  const items = payload?.type === 'Structure' ? payload.value : [];
  return [...new Set(items.map(({ tag }) => tagName(tag) ?? String(tag)))].join(' ');
}

/**
 * Values of the fields that a request may omit and the writer requires: lists, and fields merged from
 * items.
 */
function emptyFields(fields: Fields, version: Version): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, field]) => {
      const value = emptyField(field, version);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function emptyField(field: AnyField, version: Version): unknown {
  switch (field.kind) {
    case 'field':
      return field.quantity === 'many' ? [] : undefined;
    case 'merged':
      return field.sources.length > 2 ? undefined : field.merge([]);
    case 'era': {
      const shape = field.shapes[eraOf(version)];
      return shape === null ? undefined : emptyField(shape, version);
    }
  }
}

/** Attributes of a request that makes an object. */
export function having(...attributes: readonly Attribute[]): {
  attributes: readonly Attribute[];
  templates: never[];
} {
  return { attributes, templates: [] };
}

export const named = (text: string): Attribute => ({
  name: 'Name',
  value: { NameValue: text, NameType: 'UninterpretedTextString' },
});

/** Attributes of a request for an AES-256 key. */
export const aes: readonly Attribute[] = [
  { name: 'CryptographicAlgorithm', value: 'AES' },
  { name: 'CryptographicLength', value: 256 },
  { name: 'CryptographicUsageMask', value: 12 },
];

/**
 * One row of a table of refusals: the defect, the request, the reason in 1.x, and that in 2.x when different.
 */
export type Refusal<O> = readonly [
  when: string,
  request: RequestOf<O>,
  legacyReason: string,
  modern?: string,
];

/** Checks every refusal in every version that has the operation, and that stored objects stay unchanged. */
export async function refuses<O extends AnyOperation>(
  t: Tap,
  service: TestService,
  operation: O,
  rows: readonly Refusal<O>[],
): Promise<void> {
  for (const version of versionsOf(operation)) {
    for (const [when, request, legacy, modern = legacy] of rows) {
      const before = await everything(service);
      const actual = await outcome(service, version, operation, request);
      t.equal(actual, eraOf(version) === '1.x' ? legacy : modern, `${version}: ${when}`);
      t.same(await everything(service), before, `${version}: ${when}: nothing has changed`);
    }
  }
}

type Tap = {
  equal(a: unknown, b: unknown, message: string): unknown;
  same(a: unknown, b: unknown, message: string): unknown;
};

/**
 * Reads all objects of the group with all their attributes; archived ones give the reason of their refusal.
 */
export async function everything(service: TestService): Promise<unknown> {
  const all = { StorageStatusMask: 7, Attributes: [] };
  const { UniqueIdentifier: ids } = await succeed(service, newestVersion, Locate, all);
  if (ids.length === 0) return [];
  const items = ids.map((id) => ({ operation: 'GetAttributes', payload: [uid(id)] }));
  const goOn = enumerated('BatchErrorContinuationOption', 1);
  return (await service.batch(newestVersion, items, [goOn])).map(({ payload, reason }) => payload ?? reason);
}

export async function attributesOf(
  service: TestService,
  id: string,
  version = newestVersion,
): Promise<readonly Attribute[]> {
  return (await succeed(service, version, GetAttributes, { UniqueIdentifier: id })).Attributes;
}

/** Reads the first value of one attribute. */
export async function attributeOf(
  service: TestService,
  id: string,
  name: Attribute['name'],
  version = newestVersion,
): Promise<unknown> {
  return (await attributesOf(service, id, version)).find((attribute) => attribute.name === name)?.value;
}

/** Creates an AES key with these attributes beside the usual ones, and returns its identifier. */
export async function storedKey(service: TestService, ...attributes: readonly Attribute[]): Promise<string> {
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, ...attributes) };
  return (await succeed(service, newestVersion, Create, request)).UniqueIdentifier;
}

export const algorithm = (value: 'AES' | 'RSA' | 'ECDSA' | 'Ed25519' | 'DES3' | 'ChaCha20'): Attribute => ({
  name: 'CryptographicAlgorithm',
  value,
});
export const length = (value: number): Attribute => ({ name: 'CryptographicLength', value });
export const contact = (value: string): Attribute => ({ name: 'ContactInformation', value });

/** Returns the Key Material of an object in an answer of Get. */
export function materialOf(object: unknown): Uint8Array {
  return (object as { value: { KeyBlock: { KeyValue: { KeyMaterial: Uint8Array } } } }).value.KeyBlock
    .KeyValue.KeyMaterial;
}
