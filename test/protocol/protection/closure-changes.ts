import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { DeleteAttribute } from '../../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active } from '../keys.ts';
import { algorithm, having, length } from '../operations/ask.ts';
import { parameters, symmetric } from '../operations/transfer/wrapping-keys.ts';
import {
  allUses,
  type Change,
  described,
  idOf,
  open,
  others,
  sensitive,
  type Uses,
  uses,
} from './closure-change.ts';
import { constant, zeros } from './closure-knowledge.ts';
import { modes } from './closure-reads.ts';
import { listUnwrappings } from './closure-unwrapping.ts';
import type { Held, Item, World } from './closure-world.ts';

/** Requests that change what is on the server: the steps of which the search tries sequences. */

const clientPart: ManagedObjectValue = {
  type: 'SplitKey',
  value: {
    SplitKeyParts: 2,
    KeyPartIdentifier: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'XOR',
    KeyBlock: (symmetric(constant).value as { KeyBlock: KeyBlock }).KeyBlock,
  },
};

/** Registers bytes that the client has chosen. */
export const registrations: readonly Change[] = (
  [
    ['a known key', symmetric(constant), [...uses.all, active], 'known'],
    ['a known sensitive key', symmetric(constant), [...uses.wrap, active, sensitive], 'known'],
    ['a part', clientPart, [], 'known part'],
  ] as const
).map(([what, Object, attributes, term]) => ({
  kind: 'register',
  name: `register ${what}`,
  decided: () => `register ${what}`,
  terms: [term],
  item: () => ({
    operation: Register,
    request: { ObjectType: Object.type, Attributes: having(...attributes), Object },
  }),
}));

const hash = { HashingAlgorithm: 'SHA_256' } as const;
const data = { CryptographicParameters: hash, DerivationData: [constant] };
const block = (BlockCipherMode: 'ECB' | 'CBC' | 'CTR', InitializationVector?: Uint8Array) => ({
  CryptographicParameters: { BlockCipherMode, PaddingMethod: BlockCipherMode === 'CTR' ? undefined : 'None' },
  DerivationData: [constant],
  InitializationVector,
});

/** Parameters by the names in `derivations` of the closure, and of two that protected keys must refuse. */
export const methods: Readonly<Record<string, object>> = {
  HASH: { CryptographicParameters: { HashingAlgorithm: 'SHA_512' } },
  HASH_DIGEST: { CryptographicParameters: hash },
  HMAC: data,
  HKDF: { ...data, Salt: new Uint8Array(32) },
  NIST800_108_C: data,
  PBKDF2: { CryptographicParameters: hash, Salt: constant, IterationCount: 1_000 },
  ENCRYPT: block('ECB'),
  ENCRYPT_CBC: block('CBC', zeros),
  ENCRYPT_CTR: block('CTR', zeros),
};

export function derive(names: readonly string[], terms: readonly string[], label: string): Change {
  const method = label.replace(/_(CBC|CTR|DIGEST)$/u, '');
  const [, second] = names;
  const stated = { DerivationData: [], ...methods[label] };
  const DerivationParameters = second === undefined ? stated : { ...stated, DerivationData: [] };
  const name = `derive ${label} of ${names.join(' and ')}`;
  return {
    kind: 'derive',
    name,
    decided: (at) => `derive ${label} ${described(at, names)}`,
    terms: [`${label}(${terms.join(',')})`],
    method: label,
    item: (at) => ({
      operation: DeriveKey,
      request: {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: names.map((each) => idOf(at, each)),
        DerivationMethod: method,
        DerivationParameters,
        Attributes: having(algorithm('AES'), length(256), active, ...uses.all, ...open),
      },
    }),
  };
}

export const sharing = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
];

export function split({ name: object, term }: Held, method: string): Change {
  return {
    kind: 'split',
    method,
    name: `split ${object} by ${method}`,
    decided: (at) => `split ${method} ${described(at, [object])}`,
    terms: [1, 2].map((part) => `part ${part}(${term}, ${method})`),
    item: (at) => ({
      operation: CreateSplitKey,
      request: {
        ObjectType: 'SplitKey',
        UniqueIdentifier: idOf(at, object),
        SplitKeyParts: 2,
        SplitKeyThreshold: 2,
        SplitKeyMethod: method,
        Attributes: having(...open),
      },
    }),
  };
}

export function join(parts: readonly Held[], use: Uses): Change {
  const names = parts.map(({ name }) => name);
  const [one, two] = parts.map(({ term }) => /^part ([12])\((.*)\)$/u.exec(term));
  const isWhole = one?.[2] !== undefined && one[2] === two?.[2] && one[1] !== two[1];
  const whole = isWhole ? one[2]?.replace(/, \w+$/u, '') : undefined;
  const term = whole ?? `join(${parts.map((part) => part.term).join(' + ')})`;
  const name = `join ${names.join(' and ')} for ${use}`;
  return {
    kind: 'join',
    name,
    decided: (at) => `join ${use} ${described(at, names)} of ${others(at, term)}`,
    terms: [term],
    item: (at) => ({
      operation: JoinSplitKey,
      request: {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: names.map((each) => idOf(at, each)),
        Attributes: having(algorithm('AES'), length(256), active, ...uses[use], ...open),
      },
    }),
  };
}

const set = (NewAttribute: Attribute) => ({ operation: SetAttribute, request: { NewAttribute } });
const change = (NewAttribute: Attribute, CurrentAttribute: Attribute) => ({
  operation: ModifyAttribute,
  request: { NewAttribute, CurrentAttribute },
});
const drop = (AttributeName: string) => ({
  operation: DeleteAttribute,
  request: { AttributeReference: { name: AttributeName } },
});
const loose: Attribute = { name: 'Sensitive', value: false };

/** Changes of attributes, tightening and loosening ones. */
export const attributeChanges: Readonly<Record<string, Item>> = {
  'Sensitive false': set(loose),
  'Sensitive true': set(sensitive),
  'Extractable true': set({ name: 'Extractable', value: true }),
  'Extractable false': set({ name: 'Extractable', value: false }),
  'all uses': set(allUses),
  'parameters of CBC': set(parameters(modes.CBC.parameters)),
  'Sensitive modified': change(loose, sensitive),
  'Sensitive deleted': drop('Sensitive'),
  'mask deleted': drop('CryptographicUsageMask'),
  'parameters deleted': drop('CryptographicParameters'),
};

export function setAttribute(object: string, what: string): Change {
  const { operation, request } = attributeChanges[what] as Item;
  return {
    kind: 'set attribute',
    name: `${what} of ${object}`,
    decided: (at) => `${what} ${described(at, [object])}`,
    terms: [],
    changes: object,
    item: (at) => ({ operation, request: { UniqueIdentifier: idOf(at, object), ...request } }),
  };
}

/** Lists the steps that a state allows to try. */
export function listChanges(world: World): Change[] {
  const objects = [...world.objects.values()];
  const terms = new Set(objects.map(({ term }) => term));
  const parts = objects.filter(({ term }) => /^part |^known part$/u.test(term));
  const seeds = objects.filter(({ name }) => world.descriptions.get(name)?.includes('"SecretData"'));
  const unwrapped = listUnwrappings(world);
  const isNew = (each: Change) => each.terms.length === 0 || !each.terms.every((term) => terms.has(term));
  return [
    ...unwrapped.unwrappings,
    ...unwrapped.registrations.filter(isNew),
    ...registrations.filter(isNew),
    ...objects
      .flatMap(({ name, term }) => [
        ...Object.keys(methods).map((label) => derive([name], [term], label)),
        ...seeds.flatMap((seed) =>
          ['HMAC', 'ENCRYPT', 'NIST800_108_C'].map((label) =>
            derive([name, seed.name], [term, seed.term], label),
          ),
        ),
      ])
      .filter(isNew),
    ...objects.flatMap((object) => sharing.map((method) => split(object, method))).filter(isNew),
    ...parts.flatMap((one, at) =>
      parts.slice(at + 1).flatMap((two) => (['none', 'all'] as const).map((use) => join([one, two], use))),
    ),
    ...objects.flatMap(({ name }) => Object.keys(attributeChanges).map((what) => setAttribute(name, what))),
  ];
}
