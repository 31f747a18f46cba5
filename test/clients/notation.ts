import type { TagName } from '../../codec/tags.ts';
import { tagName } from '../../codec/tags.ts';
import type { Node, TypedValue } from '../../codec/wire/node.ts';
import { bytes, enumerated, integer, item, structure, text } from '../client.ts';

/**
 * A short notation for the requests that real clients were seen to send, field by field in their order: `A`
 * is an Attribute, `TA` a Template-Attribute, `KB` a Key Block. Numbers of enumerations are written as on the
 * wire.
 */

/** An untagged value. */
export const int = (value: number): TypedValue => ({ type: 'Integer', value });
export const en = (value: number): TypedValue => ({ type: 'Enumeration', value });
export const str = (value: string): TypedValue => ({ type: 'TextString', value });
export const date = (value: number): TypedValue => ({ type: 'DateTime', value });
export const raw = (value: Uint8Array): TypedValue => ({ type: 'ByteString', value });
export const fields = (...value: Node[]): TypedValue => ({ type: 'Structure', value });

/** A tag with an untagged value. */
export function tagged(name: TagName, { type, value }: TypedValue): Node {
  return item(name, type, value as never);
}

/** Attribute of 1.x; an index only when it is given, 0 too. */
export function A(name: string, value: TypedValue, index?: number): Node {
  const at = index === undefined ? [] : [integer('AttributeIndex', index)];
  return structure('Attribute', text('AttributeName', name), ...at, tagged('AttributeValue', value));
}

export const TA = (...attributes: Node[]): Node => structure('TemplateAttribute', ...attributes);

export const OT = (type: number): Node => enumerated('ObjectType', type);
export const objectType = {
  Certificate: 1,
  SymmetricKey: 2,
  PublicKey: 3,
  PrivateKey: 4,
  SecretData: 7,
} as const;

export const uid = (id: string): Node => text('UniqueIdentifier', id);
export const named = (...names: string[]): Node[] => names.map((name) => text('AttributeName', name));

/** Value of the attribute Name. */
export const nameValue = (value: string): TypedValue =>
  fields(text('NameValue', value), enumerated('NameType', 1));
export const Name = (value: string): Node => A('Name', nameValue(value));

export const aes = A('Cryptographic Algorithm', en(3));
export const length = (bits: number): Node => A('Cryptographic Length', int(bits));
export const mask = (bits: number): Node => A('Cryptographic Usage Mask', int(bits));

export interface KeyBlock {
  readonly format: number;
  readonly material: Uint8Array;
  readonly algorithm?: number;
  readonly length?: number;
}

export function KB({ format, material, algorithm, length }: KeyBlock): Node {
  return structure(
    'KeyBlock',
    enumerated('KeyFormatType', format),
    structure('KeyValue', bytes('KeyMaterial', material)),
    ...(algorithm === undefined ? [] : [enumerated('CryptographicAlgorithm', algorithm)]),
    ...(length === undefined ? [] : [integer('CryptographicLength', length)]),
  );
}

/** A raw key; of AES unless the number of another algorithm is given. */
export const symmetricKey = (material: Uint8Array, algorithm = 3): Node =>
  structure('SymmetricKey', KB({ format: 1, material, algorithm, length: material.length * 8 }));

/** `kind`: 1 Password, 2 Seed. Clients call the format Opaque. */
export const secretData = (kind: number, material: Uint8Array): Node =>
  structure('SecretData', enumerated('SecretDataType', kind), KB({ format: 2, material }));

/** Header fields between the version and the count. */
export const maximumResponseSize = (size: number): Node => integer('MaximumResponseSize', size);
export const timeStamp = (): Node => item('TimeStamp', 'DateTime', Math.floor(Date.now() / 1000));
export const batchOrder = item('BatchOrderOption', 'Boolean', true);
export const onError = (option: 'Continue' | 'Stop' | 'Undo'): Node =>
  enumerated('BatchErrorContinuationOption', { Continue: 1, Stop: 2, Undo: 3 }[option]);

export function credential(username: string, password: string): Node {
  return structure(
    'Authentication',
    structure(
      'Credential',
      enumerated('CredentialType', 1),
      structure('CredentialValue', text('Username', username), text('Password', password)),
    ),
  );
}

/** Names of the fields in their order, e.g. `UniqueIdentifier Attribute{AttributeName AttributeValue}`. */
export function outline(nodes: readonly Node[]): string {
  return nodes
    .map(({ tag, ...node }) => {
      const name = tagName(tag) ?? tag.toString(16);
      return node.type === 'Structure' ? `${name}{${outline(node.value)}}` : name;
    })
    .join(' ');
}

/** Bytes that count up, so that an answer cannot be right by chance. */
export function material(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + size) & 0xff);
}
