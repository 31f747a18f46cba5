import { randomBytes } from 'node:crypto';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active } from '../keys.ts';
import { having, length } from '../operations/ask.ts';
import { mask, secret, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { allUses, madeIds } from './closure-change.ts';
import { constant } from './closure-knowledge.ts';
import type { Item, World } from './closure-world.ts';

/** The three keys from which a search starts, as the clients of a group may have them. */

/** A key, and what of it is promised. */
interface FirstKey {
  readonly name: 'A' | 'B' | 'C';
  /** The key from which it is derived. */
  readonly of?: 'A' | 'B';
  readonly item: (bytes: Uint8Array, of: string | undefined) => Item;
  /** No client may know it. */
  readonly isSecret: boolean;
  /**
   * Its uses give clients what is derived from it: by MAC what HMAC derives, by Encrypt what ENCRYPT derives
   * (docs/decisions/27-protection-flows.md).
   */
  readonly givesDerived?: boolean;
}

export interface FirstKeys {
  readonly name: string;
  readonly keys: readonly FirstKey[];
}

const sensitive: Attribute = { name: 'Sensitive', value: true };
const locked: Attribute = { name: 'Extractable', value: false };
const wraps = mask('WrapKey', 'UnwrapKey', 'Export');

function create(algorithm: 'AES' | 'HMAC_SHA256', ...attributes: readonly Attribute[]): FirstKey['item'] {
  const named: Attribute = { name: 'CryptographicAlgorithm', value: algorithm };
  const Attributes = having(named, length(256), active, ...attributes);
  return () => ({ operation: Create, request: { ObjectType: 'SymmetricKey', Attributes } });
}

function register(
  object: (bytes: Uint8Array) => ManagedObjectValue,
  ...attributes: readonly Attribute[]
): FirstKey['item'] {
  return (bytes) => {
    const Object = object(bytes);
    const Attributes = having(active, ...attributes);
    return { operation: Register, request: { ObjectType: Object.type, Attributes, Object } };
  };
}

const derived: FirstKey['item'] = (_bytes, of) => ({
  operation: DeriveKey,
  request: {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [of],
    DerivationMethod: 'HKDF',
    DerivationParameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
      DerivationData: [constant],
      Salt: randomBytes(16),
    },
    Attributes: having({ name: 'CryptographicAlgorithm', value: 'AES' }, length(256), active, allUses),
  },
});

const closed = create('AES', wraps, sensitive);
const known: FirstKey = { name: 'C', item: register(symmetric, allUses), isSecret: false };

/** Starting points; in each a Sensitive key, a key that wraps, and one that makes use of them. */
export const firstKeys: readonly FirstKeys[] = [
  {
    name: 'a key for all uses, a closed key, a known key',
    keys: [
      { name: 'A', item: create('AES', allUses, sensitive), isSecret: true, givesDerived: true },
      { name: 'B', item: closed, isSecret: true },
      known,
    ],
  },
  {
    name: 'two closed keys, a known key that is sensitive and for wrapping only',
    keys: [
      { name: 'A', item: closed, isSecret: true },
      { name: 'B', item: closed, isSecret: true },
      { name: 'C', item: register(symmetric, wraps, sensitive), isSecret: false },
    ],
  },
  {
    name: 'a key for derivation and one derived from it, a closed key',
    keys: [
      { name: 'A', item: create('AES', mask('DeriveKey', 'Export'), sensitive), isSecret: true },
      { name: 'B', of: 'A', item: derived, isSecret: true, givesDerived: true },
      { name: 'C', item: closed, isSecret: true },
    ],
  },
  {
    name: 'a seed that another client registered, an HMAC key, a known key',
    keys: [
      { name: 'A', item: register(secret, mask('DeriveKey', 'Export'), sensitive), isSecret: true },
      { name: 'B', item: create('HMAC_SHA256', allUses, sensitive), isSecret: true, givesDerived: true },
      known,
    ],
  },
  {
    name: 'a key for data, a key that is not extractable, a closed key',
    keys: [
      {
        name: 'A',
        item: create('AES', mask('Encrypt', 'Decrypt', 'Export'), sensitive),
        isSecret: true,
        givesDerived: true,
      },
      { name: 'B', item: create('AES', allUses, locked), isSecret: true, givesDerived: true },
      { name: 'C', item: closed, isSecret: true },
    ],
  },
];

/** Makes the keys; the client learns those that are no secrets. */
export async function makeKeys(world: World, { keys }: FirstKeys): Promise<void> {
  for (const { name, of, item, isSecret } of keys) {
    const bytes = new Uint8Array(randomBytes(32));
    const [reply] = await world.send([item(bytes, of && world.objects.get(of)?.id)]);
    const [id] = reply?.isDone ? madeIds(reply) : [];
    if (id === undefined) throw new Error(`${name}: ${reply?.message}`);
    world.hold(id, name, name);
    if (!isSecret) world.learn({ how: name, bytes, sort: 'plain' });
  }
  world.learn({ how: 'constant', bytes: constant, sort: 'plain' });
  await world.look();
}

/** Whether the value of a term is promised to stay unknown. */
export function isSecretTerm(term: string, { keys }: FirstKeys): boolean {
  const own = keys.find(({ name }) => name === term);
  if (own !== undefined) return own.isSecret;
  const part = /^part [12]\((.*), \w+\)$/u.exec(term)?.[1];
  if (part !== undefined) return isSecretTerm(part, { name: '', keys });
  const [first, second] = /^[A-Z0-9_]+\((\w)(?:,(\w))?\)$/u.exec(term)?.slice(1) ?? [];
  const [key, data] = [first, second].map((name) => keys.find((each) => each.name === name));
  return (key?.isSecret === true && key.givesDerived !== true) || data?.isSecret === true;
}
