import { createHash } from 'node:crypto';
import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  children,
  enumerated,
  find,
  integer,
  type RequestItem,
  structure,
  text,
  valueOf,
} from '../client.ts';

/** The requests of the fault tests, in KMIP 1.4. */

export type State = 'PreActive' | 'Active' | 'Deactivated' | 'Destroyed';
const states: Readonly<Record<number, State>> = {
  1: 'PreActive',
  2: 'Active',
  3: 'Deactivated',
  5: 'Destroyed',
};

const attribute = (name: string, value: Node): Node =>
  structure('Attribute', text('AttributeName', name), value);
const nameAttribute = (name: string): Node =>
  attribute('Name', structure('AttributeValue', text('NameValue', name), enumerated('NameType', 1)));
/** A custom attribute with the first name of an object, which a purge removes with that. */
const note = 'x-note';
const noteAttribute = (name: string): Node => attribute(note, text('AttributeValue', name));
const aes = [
  attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
  attribute('Cryptographic Length', integer('AttributeValue', 256)),
  attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
];

/** Names the object of the item before, when `id` is left out. */
const target = (id: string | undefined): Node[] => (id === undefined ? [] : [text('UniqueIdentifier', id)]);

export const create = (name: string): RequestItem => ({
  operation: 'Create',
  payload: [
    enumerated('ObjectType', 2),
    structure('TemplateAttribute', ...aes, nameAttribute(name), noteAttribute(name)),
  ],
});

export const register = (name: string, material: Uint8Array): RequestItem => ({
  operation: 'Register',
  payload: [
    enumerated('ObjectType', 2),
    structure(
      'TemplateAttribute',
      attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
      nameAttribute(name),
      noteAttribute(name),
    ),
    structure(
      'SymmetricKey',
      structure(
        'KeyBlock',
        enumerated('KeyFormatType', 1),
        structure('KeyValue', bytes('KeyMaterial', material)),
        enumerated('CryptographicAlgorithm', 3),
        integer('CryptographicLength', material.length * 8),
      ),
    ),
  ],
});

export const get = (id?: string): RequestItem => ({ operation: 'Get', payload: target(id) });
export const activate = (id?: string): RequestItem => ({ operation: 'Activate', payload: target(id) });
export const destroy = (id?: string): RequestItem => ({ operation: 'Destroy', payload: target(id) });
export const rekey = (id: string): RequestItem => ({ operation: 'ReKey', payload: target(id) });
export const revoke = (id: string): RequestItem => ({
  operation: 'Revoke',
  payload: [...target(id), structure('RevocationReason', enumerated('RevocationReasonCode', 1))],
});
export const attributes = (id: string): RequestItem => ({
  operation: 'GetAttributes',
  payload: [
    ...target(id),
    ...['State', 'Name', 'Link', 'Initial Date', 'Destroy Date', note].map((name) =>
      text('AttributeName', name),
    ),
  ],
});
export const locate = (name: string): RequestItem => ({
  operation: 'Locate',
  payload: [nameAttribute(name)],
});

export const onFailure = (option: 'Continue' | 'Undo'): Node[] => [
  enumerated('BatchErrorContinuationOption', option === 'Continue' ? 1 : 3),
];

export interface Answer {
  readonly ok: boolean;
  /** Undone or failed: the text that the server gave. */
  readonly message: string;
  readonly id: string;
  readonly payload: Node | undefined;
}

/** Sends a message and resolves to the answers to its items. */
export async function ask(
  client: Client,
  items: readonly RequestItem[],
  header: readonly Node[] = [],
): Promise<Answer[]> {
  const answer = await client.request('1.4', items, header);
  return children(answer, 'BatchItem').map((item) => ({
    ok: valueOf(item, 'ResultStatus') === 0,
    message: String(valueOf(item, 'ResultMessage') ?? ''),
    id: String(valueOf(item, 'ResponsePayload', 'UniqueIdentifier') ?? ''),
    payload: find(item, 'ResponsePayload'),
  }));
}

export function hashOf(material: Uint8Array): string {
  return createHash('sha256').update(material).digest('hex');
}

/** Returns the hash of the key in an answer to Get; undefined when there is none. */
export function materialHash({ payload }: Answer): string | undefined {
  const material = payload && valueOf(payload, 'SymmetricKey', 'KeyBlock', 'KeyValue', 'KeyMaterial');
  return material instanceof Uint8Array ? hashOf(material) : undefined;
}

export interface Facts {
  readonly state: State | undefined;
  readonly names: readonly string[];
  /** By Link Type. */
  readonly links: ReadonlyMap<number, string>;
  readonly note: string | undefined;
  /** Initial Date and Destroy Date, as text. */
  readonly initial: string | undefined;
  readonly destroyed: string | undefined;
}

/** Reads the attributes in an answer to `attributes`. */
export function factsOf({ payload }: Answer): Facts {
  const names: string[] = [];
  const links = new Map<number, string>();
  const texts = new Map<string, string>();
  let state: State | undefined;
  for (const each of children(payload, 'Attribute')) {
    const value = find(each, 'AttributeValue');
    if (value === undefined) continue;
    const name = valueOf(each, 'AttributeName');
    if (name === 'State') state = states[value.value as number];
    if (name === 'Name') names.push(String(valueOf(value, 'NameValue')));
    if (name === 'Link')
      links.set(valueOf(value, 'LinkType') as number, String(valueOf(value, 'LinkedObjectIdentifier')));
    texts.set(String(name), String(value.value));
  }
  const [initial, destroyed] = ['Initial Date', 'Destroy Date'].map((name) => texts.get(name));
  return { state, names, links, note: texts.get(note), initial, destroyed };
}

/** Returns the identifiers in an answer to Locate. */
export function located({ payload }: Answer): string[] {
  return children(payload, 'UniqueIdentifier').map(({ value }) => String(value));
}

export const replacement = 0x106;
export const replaced = 0x107;
