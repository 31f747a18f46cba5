import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { DerivationMethod } from '../../../../codec/enums.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../../../src/operations/creation/derive-key.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { active, withMask } from '../../keys.ts';
import { TestService } from '../../service.ts';
import { having, length, materialOf, named, outcome, refuses, succeed } from '../ask.ts';
import { metadataOnly, others } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const derives = withMask('DeriveKey');
const aes: Attribute = { name: 'CryptographicAlgorithm', value: 'AES' };

async function created(...attributes: Attribute[]): Promise<string> {
  const Attributes = having(aes, length(128), ...attributes);
  return (await succeed(service, '1.4', Create, { ObjectType: 'SymmetricKey', Attributes })).UniqueIdentifier;
}

async function registered(kind: string, ...attributes: Attribute[]): Promise<string> {
  const Object = kind === 'metadata' ? metadataOnly : others.find(([name]) => name === kind)?.[1];
  const request = { ObjectType: Object?.type, Attributes: having(...attributes), Object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

const base = await created(derives, active);
const secret = await registered('a password', active);
const pair = await succeed(service, '2.1', CreateKeyPair, {
  CommonAttributes: having(
    { name: 'CryptographicAlgorithm', value: 'ECDH' },
    length(256),
    withMask('KeyAgreement'),
    active,
  ),
});
const bytes = (count: number) => new Uint8Array(count);
const hash = { HashingAlgorithm: 'SHA_256' } as const;
const data = { CryptographicParameters: hash, DerivationData: [bytes(3)] };

/** A valid request with changed fields. */
function requestFor(method: DerivationMethod, DerivationParameters: object, rest: object = {}) {
  return {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [base],
    DerivationMethod: method,
    DerivationParameters: { DerivationData: [], ...DerivationParameters },
    Attributes: having(aes, length(128)),
    ...rest,
  };
}
const hmac = (rest: object) => requestFor('HMAC', data, rest);

t.test('Derive Key refuses objects that it cannot derive from', async (t) => {
  const archived = await created(derives, active);
  await succeed(service, '1.4', Archive, { UniqueIdentifier: archived });
  const destroyed = await created(derives);
  await succeed(service, '1.4', Destroy, { UniqueIdentifier: destroyed });
  const revoked = await created(derives, active);
  const RevocationReason = { RevocationReasonCode: 'Superseded' };
  await succeed(service, '1.4', Revoke, { UniqueIdentifier: revoked, RevocationReason });
  const maskless = await created(withMask('Encrypt'), active);
  const named = (...UniqueIdentifier: string[]) => hmac({ UniqueIdentifier });
  const opaque = await registered('an opaque object');
  const metadataOnly = await registered('metadata', derives, active);
  const wrapped = await registered('a wrapped key', derives, active);
  await refuses(t, service, DeriveKey, [
    ['none', named(), 'InvalidMessage'],
    ['unknown', named('nobody'), 'ItemNotFound', 'ObjectNotFound'],
    ['the second unknown', named(base, 'nobody'), 'ItemNotFound', 'ObjectNotFound'],
    ['of the wrong type', named(opaque), 'InvalidField', 'InvalidObjectType'],
    ['a private key', named(pair.PrivateKeyUniqueIdentifier), 'InvalidField', 'InvalidObjectType'],
    ['archived', named(archived), 'ObjectArchived'],
    ['destroyed', named(destroyed), 'ItemNotFound', 'ObjectDestroyed'],
    ['without the bit', named(maskless), 'InvalidField', 'IncompatibleCryptographicUsageMask'],
    ['wrapped', named(wrapped), 'FeatureNotSupported'],
    ['two keys', named(base, maskless), 'InvalidField', 'IncompatibleCryptographicUsageMask'],
    ['two good keys', named(base, await created(derives, active)), 'InvalidField'],
    ['three objects', named(base, secret, await registered('a seed', active)), 'InvalidField'],
  ]);
  const of = (id: string) => named(id);
  for (const version of ['1.0', '1.2', '1.4', '2.0', '2.1'] as const) {
    const state = version === '2.1' ? 'WrongKeyLifecycleState' : 'PermissionDenied';
    t.equal(await outcome(service, version, DeriveKey, of(await created(derives))), state, 'Pre-Active');
    t.equal(await outcome(service, version, DeriveKey, of(revoked)), state, 'Deactivated');
    const missing = version === '1.0' ? 'IllegalOperation' : 'KeyValueNotPresent';
    t.equal(
      await outcome(service, version, DeriveKey, of(metadataOnly)),
      missing,
      `${version}: metadata only`,
    );
  }
});

t.test('Derive Key refuses missing and excess inputs of each method', async (t) => {
  const salted = { Salt: bytes(4), IterationCount: 1_000 };
  const inputs = 'InvalidField';
  await refuses(t, service, DeriveKey, [
    ['no such method', requestFor(99 as never, data), inputs],
    ['no Salt', requestFor('PBKDF2', { IterationCount: 1 }), inputs],
    ['no Iteration Count', requestFor('PBKDF2', { Salt: bytes(4) }), inputs],
    ['data for PBKDF2', requestFor('PBKDF2', { ...salted, ...data }), inputs],
    [
      'Iteration Count 0',
      requestFor('PBKDF2', { ...salted, IterationCount: 0 }),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    [
      'a negative Iteration Count',
      requestFor('PBKDF2', { ...salted, IterationCount: -1 }),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    [
      'an Iteration Count that takes minutes',
      requestFor('PBKDF2', { ...salted, IterationCount: 2 ** 31 - 1 }),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    [
      'a large one for many blocks',
      requestFor(
        'PBKDF2',
        { ...salted, IterationCount: 10_000_000 },
        { Attributes: having(aes, length(512)) },
      ),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    ['a Salt for HMAC', requestFor('HMAC', { ...data, Salt: bytes(4) }), inputs],
    ['a vector for HMAC', requestFor('HMAC', { ...data, InitializationVector: bytes(4) }), inputs],
    ['no data for HMAC', requestFor('HMAC', { CryptographicParameters: hash }), inputs],
    ['data for HASH', requestFor('HASH', data), inputs],
    [
      'a hash that is gone',
      requestFor('HASH', { CryptographicParameters: { HashingAlgorithm: 'MD2' } }),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    ...(['HASH', 'HMAC', 'HKDF', 'PBKDF2', 'AWSSignatureVersion4'] as const).map(
      (method) =>
        [
          `the mode of a cipher for ${method}`,
          requestFor(method, {
            ...(method === 'PBKDF2' && salted),
            ...((method === 'HMAC' || method === 'AWSSignatureVersion4') && { DerivationData: [bytes(3)] }),
            CryptographicParameters: { ...hash, BlockCipherMode: 'GCM' },
          }),
          'InvalidField',
          'BadCryptographicParameters',
        ] as const,
    ),
    [
      'another hash than SHA-256 for AWS',
      requestFor('AWSSignatureVersion4', {
        DerivationData: [bytes(3)],
        CryptographicParameters: { HashingAlgorithm: 'SHA_512' },
      }),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    [
      'no vector for ENCRYPT',
      requestFor('ENCRYPT', {
        CryptographicParameters: { BlockCipherMode: 'CBC' },
        DerivationData: [bytes(16)],
      }),
      'InvalidMessage',
    ],
    [
      'half a block',
      requestFor('ENCRYPT', {
        CryptographicParameters: { BlockCipherMode: 'ECB' },
        DerivationData: [bytes(8)],
      }),
      'CryptographicFailure',
    ],
    [
      'too much data to hash it again and again',
      requestFor('NIST800_108_F', { CryptographicParameters: hash, DerivationData: [bytes(65_537)] }),
      'InvalidField',
      'BadCryptographicParameters',
    ],
    ['data here and there', requestFor('HMAC', data, { UniqueIdentifier: [base, secret] }), 'InvalidMessage'],
  ]);
  const later = [
    ['AsymmetricKey', ['1.0', '1.2']],
    ['HKDF', ['1.0', '1.2', '1.4']],
    ['AWSSignatureVersion4', ['1.0', '1.2', '1.4']],
  ] as const;
  for (const [method, versions] of later) {
    for (const version of versions) {
      t.notOk(DerivationMethod.isKnownIn(method, version));
      t.equal(await outcome(service, version, DeriveKey, requestFor(method, data)), 'InvalidField', method);
    }
  }
});

t.test('Derive Key refuses methods of later versions and bad parameters', async (t) => {
  const bad = 'BadCryptographicParameters';
  const counted = { CryptographicParameters: { ...hash, CounterLength: 12 }, DerivationData: [bytes(3)] };
  const short = { CryptographicParameters: { ...hash, CounterLength: 8 }, DerivationData: [bytes(3)] };
  const many = { Attributes: having(length(65_536)), ObjectType: 'SecretData' };
  const other = { CryptographicParameters: { ...hash, CryptographicAlgorithm: 'HMAC_SHA512' } };
  const { PrivateKeyUniqueIdentifier: own, PublicKeyUniqueIdentifier: peer } = pair;
  const rows: [when: string, request: ReturnType<typeof requestFor>, reason: string][] = [
    ['a counter of 12 bits', requestFor('NIST800_108_C', counted), bad],
    ['a counter that overflows', requestFor('NIST800_108_C', short, many), 'CryptographicFailure'],
    [
      'HKDF gives no more',
      requestFor('HKDF', { CryptographicParameters: hash }, many),
      'CryptographicFailure',
    ],
    ['two hashes', requestFor('HMAC', { ...data, ...other }), bad],
    ['half a scope', requestFor('AWSSignatureVersion4', { DerivationData: [bytes(3), bytes(3)] }), bad],
    [
      'data for two keys',
      requestFor('AsymmetricKey', data, { UniqueIdentifier: [own, peer] }),
      'InvalidField',
    ],
    ['one key', requestFor('AsymmetricKey', {}, { UniqueIdentifier: [own] }), 'InvalidField'],
    ['no public key', requestFor('AsymmetricKey', {}, { UniqueIdentifier: [own, own] }), 'InvalidField'],
    [
      'a symmetric key',
      requestFor('AsymmetricKey', {}, { UniqueIdentifier: [own, base] }),
      'InvalidObjectType',
    ],
  ];
  for (const version of ['2.0', '2.1'] as const) {
    for (const [when, request, reason] of rows)
      t.equal(await outcome(service, version, DeriveKey, request), reason, `${version}: ${when}`);
  }
});

t.test('Derive Key refuses keys that cannot agree', async (t) => {
  const made = (algorithm: 'ECDH' | 'RSA' | 'DH', bits: number) =>
    succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having(
        { name: 'CryptographicAlgorithm', value: algorithm },
        length(bits),
        derives,
        active,
      ),
    });
  const others = [
    { pair: await made('ECDH', 384), reason: 'CryptographicFailure' },
    { pair: await made('DH', 2048), reason: 'BadCryptographicParameters' },
  ];
  const rsa = await made('RSA', 2048);
  const asked = (own: string, peer: string) =>
    outcome(service, '2.1', DeriveKey, requestFor('AsymmetricKey', {}, { UniqueIdentifier: [own, peer] }));
  for (const { pair: other, reason } of others)
    t.equal(await asked(pair.PrivateKeyUniqueIdentifier, other.PublicKeyUniqueIdentifier), reason);
  t.equal(
    await asked(rsa.PrivateKeyUniqueIdentifier, rsa.PublicKeyUniqueIdentifier),
    'UnsupportedCryptographicParameters',
  );
});

t.test('Derive Key refuses derived objects of an unsuitable type, length or algorithm', async (t) => {
  const as = (...attributes: Attribute[]) => hmac({ Attributes: having(...attributes) });
  await refuses(t, service, DeriveKey, [
    ['another type', hmac({ ObjectType: 'PublicKey' }), 'InvalidField', 'InvalidObjectType'],
    ['no length', as(aes), 'InvalidField'],
    ['no algorithm', as(length(128)), 'InvalidField'],
    ['length 0', as(aes, length(0)), 'InvalidField'],
    ['a negative length', as(aes, length(-8)), 'InvalidField'],
    ['half bytes', as(aes, length(12)), 'InvalidField'],
    ['more than fits', as(aes, length(65_544)), 'InvalidField'],
    ['more than the method gives', as(aes, length(264)), 'CryptographicFailure'],
    [
      'an algorithm with pairs',
      as({ name: 'CryptographicAlgorithm', value: 'RSA' }, length(128)),
      'InvalidField',
    ],
    ['a Name twice', as(aes, length(128), named('n'), named('n')), 'InvalidField', 'NonUniqueNameAttribute'],
    [
      'an attribute of the server',
      as(aes, length(128), { name: 'State', value: 'Active' }),
      'InvalidField',
      'AttributeReadOnly',
    ],
    [
      'an attribute of certificates',
      as(aes, length(128), { name: 'CertificateType', value: 'X_509' }),
      'InvalidField',
      'InvalidAttribute',
    ],
    [
      'application data left to the server',
      as(aes, length(128), {
        name: 'ApplicationSpecificInformation',
        value: { ApplicationNamespace: 'a' },
      }),
      'ApplicationNamespaceNotSupported',
    ],
  ]);
  const template = {
    attributes: [aes, length(128)],
    templates: [{ NameValue: 'nobody', NameType: 'UninterpretedTextString' }],
  };
  for (const version of ['1.0', '1.4'] as const) {
    const actual = await outcome(service, version, DeriveKey, hmac({ Attributes: template }));
    t.equal(actual, 'ItemNotFound', 'an unknown Template');
  }
});

t.test('Derive Key refuses the Name of another object when Names are unique', async (t) => {
  const strict = await TestService.open({ uniqueNames: true });
  t.teardown(() => strict.close());
  const Attributes = having(aes, length(128), derives, active, named('taken'));
  const made = await succeed(strict, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes });
  const request = hmac({
    UniqueIdentifier: [made.UniqueIdentifier],
    Attributes: having(aes, length(128), named('taken')),
  });
  t.equal(await outcome(strict, '1.4', DeriveKey, request), 'InvalidField');
  t.equal(await outcome(strict, '2.1', DeriveKey, request), 'NonUniqueNameAttribute');
});

t.test('an empty field that a method does not take counts as absent', async (t) => {
  const salted = { Salt: bytes(8), IterationCount: 1_000 };
  const empty = { DerivationData: [bytes(0)], InitializationVector: bytes(0) };
  for (const version of ['1.0', '1.4', '2.1'] as const) {
    for (const [method, fields] of [
      ['PBKDF2', salted],
      ['HASH', { Salt: bytes(0) }],
      ['HKDF', {}],
    ] as const) {
      if (method === 'HKDF' && version !== '2.1') continue;
      const keys = await Promise.all(
        [fields, { ...fields, ...empty }].map(async (given) => {
          const made = await succeed(service, version, DeriveKey, requestFor(method, given));
          return materialOf((await succeed(service, '2.1', Get, made)).Object);
        }),
      );
      t.same(keys[1], keys[0], `${version}: ${method}`);
    }
  }
});
