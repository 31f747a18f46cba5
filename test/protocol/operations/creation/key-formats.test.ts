import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import {
  type CryptographicAlgorithm,
  KeyFormatType,
  type RecommendedCurve,
} from '../../../../codec/enums.ts';
import type { Version } from '../../../../codec/version.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../../src/operations/creation/re-key-key-pair.ts';
import { SetDefaults } from '../../../../src/operations/group-policy/set-defaults.ts';
import { enumerated } from '../../../client.ts';
import { active, withMask } from '../../keys.ts';
import { attribute1x, createAesPayload1x, TestService } from '../../service.ts';
import { aes, ask, attributeOf, having, length, outcome, succeed } from '../ask.ts';
import { blockOf } from '../transfer/wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const versions: readonly Version[] = ['2.0', '2.1'];
const formats = KeyFormatType.members as readonly KeyFormatType[];
const stating = (value: KeyFormatType): Attribute => ({ name: 'KeyFormatType', value });
const refused = 'KeyFormatTypeNotSupported';

type Tap = { equal(a: unknown, b: unknown, message: string): unknown };

/** Checks that a key has a format, as attribute and in Get without and with this format. */
async function hasFormat(
  t: Tap,
  id: string,
  format: KeyFormatType,
  when: string,
  version: Version,
): Promise<void> {
  t.equal(await attributeOf(service, id, 'KeyFormatType', version), format, `${when}: attribute`);
  t.equal((await blockOf(service, id, {}, version)).KeyFormatType, format, `${when}: Get`);
}

const hmac = {
  CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
  DerivationData: [new Uint8Array(3)],
};
const base = await succeed(service, '2.1', Create, {
  ObjectType: 'SymmetricKey',
  Attributes: having(...aes.slice(0, 2), withMask('DeriveKey'), active),
});
const held = {
  SymmetricKey: ['Raw', 'TransparentSymmetricKey'],
  SecretData: ['Raw', 'Opaque'],
} as const satisfies Record<string, readonly KeyFormatType[]>;

t.test('Create, Derive Key and Re-key make keys in every format that can hold them', async (t) => {
  for (const version of versions) {
    for (const type of ['SymmetricKey', 'SecretData'] as const) {
      for (const format of formats) {
        const Attributes = having(...(type === 'SymmetricKey' ? aes : [length(256)]), stating(format));
        const created = await ask(service, version, Create, { ObjectType: type, Attributes });
        const derived = await ask(service, version, DeriveKey, {
          ObjectType: type,
          UniqueIdentifier: [base.UniqueIdentifier],
          DerivationMethod: 'HMAC',
          DerivationParameters: hmac,
          Attributes,
        });
        const rekeyed = await ask(service, version, ReKey, {
          UniqueIdentifier: base.UniqueIdentifier,
          Attributes: having(stating(format)),
        });
        const answers = {
          Create: created,
          DeriveKey: derived,
          ...(type === 'SymmetricKey' && { ReKey: rekeyed }),
        };
        for (const [operation, { id, reason }] of Object.entries(answers)) {
          const when = `${version} ${operation} ${type} ${format}`;
          const isHeld = (held[type] as readonly KeyFormatType[]).includes(format);
          t.equal(reason, isHeld ? undefined : refused, when);
          if (id !== undefined) await hasFormat(t, id, format, when, version);
        }
      }
    }
  }
});

type Halves = Record<'PrivateKey' | 'PublicKey', readonly KeyFormatType[]>;
const curveFormats: Halves = {
  PrivateKey: [
    'PKCS_8',
    'ECPrivateKey',
    'TransparentECPrivateKey',
    'TransparentECDSAPrivateKey',
    'TransparentECDHPrivateKey',
    'TransparentECMQVPrivateKey',
  ],
  PublicKey: [
    'X_509',
    'TransparentECPublicKey',
    'TransparentECDSAPublicKey',
    'TransparentECDHPublicKey',
    'TransparentECMQVPublicKey',
  ],
};
const bytes: Halves = { PrivateKey: ['PKCS_8', 'Raw'], PublicKey: ['X_509', 'Raw'] };

/** Formats that can hold the halves of each kind of pair; the default of each half first. */
const pairs: readonly [CryptographicAlgorithm, RecommendedCurve | number | undefined, Halves, Version[]][] = [
  [
    'EC',
    'P_256',
    { ...curveFormats, PrivateKey: ['ECPrivateKey', ...curveFormats.PrivateKey] },
    ['2.0', '2.1'],
  ],
  ['ECDSA', 'P_384', { ...curveFormats, PrivateKey: ['ECPrivateKey', ...curveFormats.PrivateKey] }, ['2.1']],
  [
    'ECDH',
    'CURVE25519',
    { ...curveFormats, PrivateKey: curveFormats.PrivateKey.filter((f) => f !== 'ECPrivateKey') },
    ['2.1'],
  ],
  ['Ed25519', undefined, bytes, ['2.1']],
  ['ML_KEM_768', undefined, bytes, ['2.1']],
  [
    'RSA',
    2048,
    {
      PrivateKey: ['PKCS_1', 'PKCS_8', 'TransparentRSAPrivateKey'],
      PublicKey: ['PKCS_1', 'X_509', 'TransparentRSAPublicKey'],
    },
    ['2.1'],
  ],
  [
    'DH',
    2048,
    { PrivateKey: ['PKCS_8', 'TransparentDHPrivateKey'], PublicKey: ['X_509', 'TransparentDHPublicKey'] },
    ['2.0'],
  ],
];

function pairAttributes(
  algorithm: CryptographicAlgorithm,
  size: RecommendedCurve | number | undefined,
): Attribute[] {
  const own: Attribute[] = [{ name: 'CryptographicAlgorithm', value: algorithm }];
  if (typeof size === 'number') own.push(length(size));
  else if (size !== undefined)
    own.push({ name: 'CryptographicDomainParameters', value: { RecommendedCurve: size } });
  return own;
}
const uses = { PrivateKeyAttributes: [withMask('Sign')], PublicKeyAttributes: [withMask('Verify')] };

/** Where a request states the format, and the halves that have to have it. */
const places = {
  CommonAttributes: ['PrivateKey', 'PublicKey'],
  PrivateKeyAttributes: ['PrivateKey'],
  PublicKeyAttributes: ['PublicKey'],
} as const;
type Place = keyof typeof places;

/** The fields of a request that states a format in one place, beside the attributes of the pair. */
function requestFor(common: readonly Attribute[], place: Place, format: KeyFormatType) {
  const at = (name: Place, own: readonly Attribute[]) =>
    having(...own, ...(name === place ? [stating(format)] : []));
  return {
    CommonAttributes: at('CommonAttributes', common),
    PrivateKeyAttributes: at('PrivateKeyAttributes', uses.PrivateKeyAttributes),
    PublicKeyAttributes: at('PublicKeyAttributes', uses.PublicKeyAttributes),
  };
}

t.test('Create Key Pair and Re-key Key Pair make each half in every format that can hold it', async (t) => {
  for (const [algorithm, size, halves, its] of pairs) {
    const attributes = pairAttributes(algorithm, size);
    for (const version of its) {
      const plain = {
        ...requestFor(attributes, 'CommonAttributes', 'Raw'),
        CommonAttributes: having(...attributes),
      };
      const old = await succeed(service, version, CreateKeyPair, plain);
      for (const format of formats) {
        for (const [place, types] of Object.entries(places) as [Place, readonly (keyof Halves)[]][]) {
          const fitting = types.filter((type) => halves[type].includes(format));
          const request = requestFor(attributes, place, format);
          const rekey = { ...request, PrivateKeyUniqueIdentifier: old.PrivateKeyUniqueIdentifier };
          // The search for primes costs half a second for each pair.
          const operations = algorithm === 'RSA' && fitting.length === 0 ? [] : [CreateKeyPair, ReKeyKeyPair];
          for (const operation of operations) {
            const fields = operation === CreateKeyPair ? request : rekey;
            const { payload, reason } = await ask(
              service,
              version,
              operation as typeof CreateKeyPair,
              fields,
            );
            const when = `${version} ${operation.name} ${algorithm} ${format} in ${place}`;
            t.equal(reason, fitting.length > 0 ? undefined : refused, when);
            if (reason !== undefined) continue;
            for (const type of ['PrivateKey', 'PublicKey'] as const) {
              const expected = fitting.includes(type) ? format : (halves[type][0] as KeyFormatType);
              await hasFormat(t, payload[`${type}UniqueIdentifier`], expected, `${when} ${type}`, version);
            }
          }
        }
      }
    }
  }
});

t.test('the format of one half precedes that of both', async (t) => {
  const { PublicKey } = curveFormats;
  const attributes = pairAttributes('EC', 'P_256');
  for (const common of formats) {
    const request = {
      CommonAttributes: having(...attributes, stating(common)),
      PrivateKeyAttributes: having(withMask('Sign'), stating('PKCS_8')),
      PublicKeyAttributes: having(withMask('Verify')),
    };
    const { payload, reason } = await ask(service, '2.1', CreateKeyPair, request);
    t.equal(reason, PublicKey.includes(common) ? undefined : refused, String(common));
    if (reason !== undefined) continue;
    await hasFormat(t, payload.PrivateKeyUniqueIdentifier, 'PKCS_8', String(common), '2.1');
    await hasFormat(t, payload.PublicKeyUniqueIdentifier, common, String(common), '2.1');
  }
});

t.test('a replacement has the format of the key that it replaces', async (t) => {
  const { UniqueIdentifier: key } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes, stating('TransparentSymmetricKey')),
  });
  const { UniqueIdentifier } = await succeed(service, '2.1', ReKey, { UniqueIdentifier: key });
  await hasFormat(t, UniqueIdentifier, 'TransparentSymmetricKey', 'Re-key', '2.1');
  const old = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...pairAttributes('EC', 'P_256')),
    PrivateKeyAttributes: having(withMask('Sign'), stating('TransparentECPrivateKey')),
    PublicKeyAttributes: having(withMask('Verify'), stating('TransparentECPublicKey')),
  });
  const { PrivateKeyUniqueIdentifier } = old;
  const fresh = await succeed(service, '2.1', ReKeyKeyPair, { PrivateKeyUniqueIdentifier });
  await hasFormat(t, fresh.PrivateKeyUniqueIdentifier, 'TransparentECPrivateKey', 'private', '2.1');
  await hasFormat(t, fresh.PublicKeyUniqueIdentifier, 'TransparentECPublicKey', 'public', '2.1');
});

t.test('parts are byte strings in the stated format, and a joined key has the stated format', async (t) => {
  const pair = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...pairAttributes('EC', 'P_256')),
    PrivateKeyAttributes: having(withMask('Sign')),
    PublicKeyAttributes: having(withMask('Verify')),
  });
  const wholes = {
    SymmetricKey: [base.UniqueIdentifier, ['Raw'], held.SymmetricKey],
    PrivateKey: [pair.PrivateKeyUniqueIdentifier, ['PKCS_8', 'ECPrivateKey'], curveFormats.PrivateKey],
  } as const;
  for (const [type, [id, split, joined]] of Object.entries(wholes)) {
    const scheme = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' };
    const request = { ObjectType: 'SplitKey', UniqueIdentifier: id, ...scheme };
    for (const format of formats) {
      const Attributes = having(stating(format));
      const parts = await ask(service, '2.1', CreateSplitKey, { ...request, Attributes });
      const isBytes = (split as readonly KeyFormatType[]).includes(format);
      t.equal(parts.reason, isBytes ? undefined : refused, `${type} divided as ${format}`);
      if (isBytes)
        for (const part of parts.payload.UniqueIdentifier) await hasFormat(t, part, format, type, '2.1');
    }
    const { UniqueIdentifier } = await succeed(service, '2.1', CreateSplitKey, request);
    for (const format of formats) {
      const fields = { ObjectType: type, UniqueIdentifier, Attributes: having(stating(format)) };
      const whole = await ask(service, '2.1', JoinSplitKey, fields);
      const isHeld = (joined as readonly KeyFormatType[]).includes(format);
      t.equal(whole.reason, isHeld ? undefined : refused, `${type} joined as ${format}`);
      if (whole.id !== undefined) await hasFormat(t, whole.id, format, `joined ${type}`, '2.1');
    }
  }
  const scheme = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' };
  for (const format of formats) {
    const Attributes = having(...aes, stating(format));
    const made = await outcome(service, '2.1', CreateSplitKey, {
      ObjectType: 'SplitKey',
      ...scheme,
      Attributes,
    });
    t.equal(made, format === 'Raw' ? 'Success' : refused, `a new key divided as ${format}`);
  }
});

t.test('1.x has no attribute Key Format Type', async (t) => {
  for (const version of ['1.0', '1.1', '1.2', '1.3', '1.4'] as const) {
    const stated = attribute1x('Key Format Type', enumerated('AttributeValue', 1));
    const { reason } = await service.call(version, 'Create', createAesPayload1x([stated]));
    t.equal(reason, 'InvalidField', version);
  }
});

t.test('a default of the group applies where it can hold the key', async (t) => {
  const entry = { ObjectTypes: { ObjectType: ['SymmetricKey', 'SecretData', 'PrivateKey', 'PublicKey'] } };
  const policy = [{ ...entry, Attributes: [stating('TransparentSymmetricKey')] }];
  await succeed(service, '2.1', SetDefaults, { DefaultsInformation: { ObjectDefaults: policy } } as never);
  const create = async (ObjectType: string, ...attributes: readonly Attribute[]) =>
    (await succeed(service, '2.1', Create, { ObjectType, Attributes: having(...attributes) }))
      .UniqueIdentifier;
  await hasFormat(t, await create('SymmetricKey', ...aes), 'TransparentSymmetricKey', 'key', '2.1');
  await hasFormat(t, await create('SymmetricKey', ...aes, stating('Raw')), 'Raw', 'stated', '2.1');
  await hasFormat(t, await create('SecretData'), 'Opaque', 'secret', '2.1');
});
