import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { bytes, enumerated, integer, item, type RequestItem, structure, text } from '../client.ts';
import { type Kind, standIn } from './objects.ts';

/** Words in which whole messages of the corpus are written. */

export const utf8 = new TextEncoder();
export const batchId = utf8.encode('QLKC\0\0\0\x01');
export const shortId = utf8.encode('0001');
export const id = (kind: Kind): Node => text('UniqueIdentifier', standIn(kind));
export const attribute = (name: string, value: Node, ...index: Node[]): Node =>
  structure('Attribute', text('AttributeName', name), ...index, value);
export const words = (name: string, value: string): Node => attribute(name, text('AttributeValue', value));
export const number = (name: string, value: number): Node =>
  attribute(name, integer('AttributeValue', value));
export const choice = (name: string, value: number): Node =>
  attribute(name, enumerated('AttributeValue', value));
export const named = (value: string): Node =>
  attribute('Name', structure('AttributeValue', text('NameValue', value), enumerated('NameType', 1)));
export const aes = [
  choice('Cryptographic Algorithm', 3),
  number('Cryptographic Length', 256),
  number('Cryptographic Usage Mask', 12),
];
export const size = (value: number): Node => integer('MaximumResponseSize', value);
export const stamp: Node = item('TimeStamp', 'DateTime', 1_700_000_000);
export const raw = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at);
export const keyBlock = (format: number, length: number, ...more: Node[]): Node =>
  structure(
    'KeyBlock',
    enumerated('KeyFormatType', format),
    structure('KeyValue', bytes('KeyMaterial', raw(length))),
    ...more,
  );
export const aesBlock = keyBlock(
  1,
  32,
  enumerated('CryptographicAlgorithm', 3),
  integer('CryptographicLength', 256),
);

export type Shape = readonly [
  label: string,
  version: Version,
  header: readonly Node[],
  ...items: RequestItem[],
];

export const vcenter = (...items: Omit<RequestItem, 'uniqueBatchItemID'>[]): RequestItem[] =>
  items.map((each) => ({ ...each, uniqueBatchItemID: batchId }));

export const credential = (type: number, ...fields: Node[]): Node =>
  structure(
    'Authentication',
    structure('Credential', enumerated('CredentialType', type), structure('CredentialValue', ...fields)),
  );

export const encrypt = (operation: string, ...more: Node[]): RequestItem => ({
  operation,
  payload: [
    id('active AES key'),
    structure(
      'CryptographicParameters',
      enumerated('BlockCipherMode', 1),
      enumerated('PaddingMethod', 3),
      enumerated('CryptographicAlgorithm', 3),
    ),
    bytes('Data', raw(96)),
    ...more,
  ],
});
