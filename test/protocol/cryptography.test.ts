import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { Version } from '../../codec/version.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import {
  active,
  createPair,
  Data,
  encryptVersions,
  hex,
  registerKey,
  withLimits,
  withMask,
  withParameters,
} from './keys.ts';
import { ask, attributeOf, having, outcome, refuses, storedKey, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const cbc: CryptographicParameters = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' };
const gcm: CryptographicParameters = { BlockCipherMode: 'GCM', TagLength: 16 };
const now = service.now / 1000;

t.test('Encrypt generates a missing vector, Decrypt requires one', async (t) => {
  const UniqueIdentifier = await storedKey(service, active);
  for (const version of encryptVersions) {
    for (const CryptographicParameters of [cbc, { ...cbc, RandomIV: true }]) {
      const request = { UniqueIdentifier, CryptographicParameters, Data };
      const { payload, fields } = await ask(service, version, Encrypt, request);
      t.equal(fields, 'UniqueIdentifier Data IVCounterNonce', version);
      t.equal(payload.IVCounterNonce?.length, 16);
      const back = { UniqueIdentifier, CryptographicParameters: cbc, Data: payload.Data };
      t.equal(await outcome(service, version, Decrypt, back), 'InvalidMessage', version);
      const { IVCounterNonce } = payload;
      const decrypted = await ask(service, version, Decrypt, { ...back, IVCounterNonce });
      t.equal(hex(decrypted.payload.Data), hex(Data), version);
      t.equal(decrypted.fields, 'UniqueIdentifier Data', version);
    }
    const IVCounterNonce = new Uint8Array(16);
    const given = await ask(service, version, Encrypt, {
      UniqueIdentifier,
      CryptographicParameters: cbc,
      Data,
      IVCounterNonce,
    });
    t.equal(given.fields, 'UniqueIdentifier Data', `${version}: the client's own is not repeated`);
  }
});

t.test(
  'the tag of authenticated encryption has its field from 1.4 on, before that it follows the data',
  async (t) => {
    const UniqueIdentifier = await registerKey(
      service,
      active,
      withMask('Encrypt', 'Decrypt'),
      withParameters(gcm),
    );
    const IVCounterNonce = new Uint8Array(12);
    const known = '0388dace60b6a392f328c2b971b2fe78';
    const tag = 'ab6e47d42cec13bdf53a67b21257bddf';
    const separate = (version: Version) => version !== '1.2' && version !== '1.3';
    for (const version of encryptVersions) {
      const zeros = { UniqueIdentifier, Data: new Uint8Array(16), IVCounterNonce };
      const { payload, fields } = await ask(service, version, Encrypt, zeros);
      t.equal(hex(payload.Data), separate(version) ? known : known + tag, version);
      t.equal(fields.includes('AuthenticatedEncryptionTag'), separate(version), version);
      const { Data: data, AuthenticatedEncryptionTag } = payload;
      const sealed = { UniqueIdentifier, Data: data, IVCounterNonce, AuthenticatedEncryptionTag };
      t.equal(hex((await succeed(service, version, Decrypt, sealed)).Data), '00'.repeat(16), version);
      if (!separate(version)) continue;
      t.equal(
        await outcome(service, version, Decrypt, { UniqueIdentifier, Data: data, IVCounterNonce }),
        'InvalidMessage',
      );
      const AuthenticatedEncryptionAdditionalData = Uint8Array.of(1);
      const withData = await succeed(service, version, Encrypt, {
        ...zeros,
        AuthenticatedEncryptionAdditionalData,
      });
      t.not(hex(withData.AuthenticatedEncryptionTag), tag, `${version}: additional data is authenticated`);
    }
  },
);

t.test('every failed decryption gets the same answer', async (t) => {
  const UniqueIdentifier = await storedKey(service, active);
  const IVCounterNonce = new Uint8Array(16);
  const nonce = IVCounterNonce.subarray(4);
  const key = await registerKey(service, active, withMask('Decrypt'));
  const { id } = await createPair(service, 'RSA');
  const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;
  const answers = new Set<string>();
  for (const version of encryptVersions) {
    const requests = [
      { UniqueIdentifier, CryptographicParameters: cbc, Data: new Uint8Array(32), IVCounterNonce },
      { UniqueIdentifier: key, CryptographicParameters: cbc, Data: new Uint8Array(7), IVCounterNonce },
      { UniqueIdentifier: key, CryptographicParameters: cbc, Data: new Uint8Array(), IVCounterNonce },
      {
        UniqueIdentifier: key,
        CryptographicParameters: gcm,
        Data: new Uint8Array(32),
        IVCounterNonce: nonce,
        AuthenticatedEncryptionTag: new Uint8Array(16),
      },
      { UniqueIdentifier: id, CryptographicParameters: oaep, Data: new Uint8Array(256).fill(1) },
      { UniqueIdentifier: id, CryptographicParameters: oaep, Data: new Uint8Array(3) },
    ];
    for (const request of requests) {
      const { reason, message } = await ask(service, version, Decrypt, request);
      answers.add(`${reason}: ${message}`);
    }
  }
  t.same([...answers], ['CryptographicFailure: the data cannot be decrypted']);
});

t.test('state, dates and mask are checked before the data', async (t) => {
  const both = withMask('Encrypt', 'Decrypt');
  const request = (UniqueIdentifier: string) => ({ UniqueIdentifier, CryptographicParameters: cbc, Data });
  const early = await registerKey(service, both);
  const stopped = await registerKey(service, both, active, { name: 'ProtectStopDate', value: now });
  const macOnly = await registerKey(service, active, withMask('MACGenerate'));
  const secretData = await succeed(service, '2.1', Register, {
    ObjectType: 'SecretData',
    Attributes: having(active),
    Object: {
      type: 'SecretData',
      value: {
        SecretDataType: 'Password',
        KeyBlock: { KeyFormatType: 'Opaque', KeyValue: { KeyMaterial: Uint8Array.of(1), Attributes: [] } },
      },
    },
  });
  const late = 'PermissionDenied';
  for (const [name, id] of Object.entries({ early, stopped })) {
    for (const [version, reason] of [
      ['1.2', late],
      ['1.4', late],
      ['2.0', late],
      ['2.1', 'WrongKeyLifecycleState'],
    ] as const) {
      t.equal(await outcome(service, version, Encrypt, request(id)), reason, `${name} ${version}`);
    }
  }
  await refuses(t, service, Encrypt, [
    ['a mask without Encrypt', request(macOnly), 'PermissionDenied', 'IncompatibleCryptographicUsageMask'],
    ['secret data', request(secretData.UniqueIdentifier), 'IllegalOperation', 'InvalidObjectType'],
    ['nobody', request('nobody'), 'ItemNotFound', 'ObjectNotFound'],
  ]);

  const encrypted = await succeed(service, '2.1', Encrypt, request(await registerKey(service, both, active)));
  const old = await registerKey(service, both, active);
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: old,
    RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
  });
  const { Data: data, IVCounterNonce } = encrypted;
  const sealed = { UniqueIdentifier: old, CryptographicParameters: cbc, Data: data, IVCounterNonce };
  t.equal(hex((await succeed(service, '2.1', Decrypt, sealed)).Data), hex(Data), 'old data stays readable');
  t.equal(await outcome(service, '2.1', Encrypt, request(old)), 'WrongKeyLifecycleState');
});

t.test('Usage Limits count protection that has succeeded', async (t) => {
  const UniqueIdentifier = await registerKey(
    service,
    active,
    withMask('Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify'),
    withLimits(40n),
  );
  const left = async () =>
    ((await attributeOf(service, UniqueIdentifier, 'UsageLimits')) as { UsageLimitsCount: bigint })
      .UsageLimitsCount;
  const encrypt = (CryptographicParameters: CryptographicParameters) =>
    outcome(service, '2.1', Encrypt, { UniqueIdentifier, CryptographicParameters, Data });
  t.equal(await encrypt({ BlockCipherMode: 'ECB' }), 'CryptographicFailure', 'not a whole block');
  t.equal(await left(), 40n, 'what failed is not counted');
  t.equal(await encrypt(cbc), 'Success');
  t.equal(await left(), 23n);
  t.equal(await outcome(service, '2.1', MAC, { UniqueIdentifier, Data }), 'Success');
  t.equal(await left(), 6n);
  for (const version of encryptVersions) {
    t.equal(await outcome(service, version, MAC, { UniqueIdentifier, Data }), 'PermissionDenied', version);
  }
  const MACData = new Uint8Array(16);
  const { ValidityIndicator } = await succeed(service, '2.1', MACVerify, { UniqueIdentifier, Data, MACData });
  t.equal(ValidityIndicator, 'Invalid', 'what reads is not limited');
  t.equal(await left(), 6n);
});

t.test('several sets of parameters of a key allow each of them, and the first by default', async (t) => {
  const mask = withMask('Encrypt', 'Decrypt');
  const withCbc = await registerKey(service, active, mask, withParameters(cbc), withParameters(gcm));
  const without = await registerKey(service, active, mask);
  const fieldsOf = async (request: object) => (await ask(service, '2.1', Encrypt, request)).fields;
  t.notMatch(await fieldsOf({ UniqueIdentifier: withCbc, Data }), /Tag/, 'the first of the key');
  t.match(await fieldsOf({ UniqueIdentifier: withCbc, Data, CryptographicParameters: gcm }), /Tag/);
  const asked = (CryptographicParameters: CryptographicParameters) => ({
    UniqueIdentifier: without,
    Data,
    CryptographicParameters,
  });
  await refuses(t, service, Encrypt, [
    [
      'a mode that is not offered',
      asked({ BlockCipherMode: 'PCBC' }),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    ['a tag of 1 byte', asked({ ...gcm, TagLength: 1 }), 'GeneralFailure'],
    ['no data', { UniqueIdentifier: without }, 'InvalidMessage'],
  ]);
});

t.test('XTS takes its second key from the Next Link or from the same key', async (t) => {
  const IVCounterNonce = Uint8Array.from({ length: 16 }, (_, at) => at);
  const halves = [1, 2].map((filling) => new Uint8Array(32).fill(filling));
  const [first, second] = halves as [Uint8Array, Uint8Array];
  const next = await xtsKey(second);
  const link = { name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier: next } } as const;
  const linked = await xtsKey(first, link);
  const single = await xtsKey(Uint8Array.from(halves.flatMap((half) => [...half])));
  const CryptographicParameters = { BlockCipherMode: 'XTS' } as const;
  const request = { CryptographicParameters, IVCounterNonce, Data };
  for (const version of encryptVersions) {
    const inTwo = await succeed(service, version, Encrypt, { ...request, UniqueIdentifier: linked });
    const inOne = await succeed(service, version, Encrypt, { ...request, UniqueIdentifier: single });
    t.equal(hex(inTwo.Data), hex(inOne.Data), version);
    const back = { ...request, UniqueIdentifier: linked, Data: inTwo.Data };
    t.equal(hex((await succeed(service, version, Decrypt, back)).Data), hex(Data), version);
  }
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: next,
    RevocationReason: { RevocationReasonCode: 'Unspecified' },
  });
  const stopped = { ...request, UniqueIdentifier: linked };
  t.equal(await outcome(service, '2.1', Encrypt, stopped), 'WrongKeyLifecycleState', 'both must be usable');
});

async function xtsKey(KeyMaterial: Uint8Array, ...attributes: Attribute[]): Promise<string> {
  const KeyBlock = {
    KeyFormatType: 'Raw',
    KeyValue: { KeyMaterial, Attributes: [] },
    CryptographicAlgorithm: 'AES',
    CryptographicLength: KeyMaterial.length * 8,
  };
  const key = {
    ObjectType: 'SymmetricKey',
    Attributes: having(active, withMask('Encrypt', 'Decrypt'), ...attributes),
    Object: { type: 'SymmetricKey', value: { KeyBlock } },
  };
  return (await succeed(service, '2.1', Register, key)).UniqueIdentifier;
}

t.test('RSA decrypts OAEP and refuses to decrypt PKCS #1 v1.5', async (t) => {
  const { id, publicId } = await createPair(
    service,
    'RSA',
    withParameters({ PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }),
  );
  const v15 = { PaddingMethod: 'PKCS1V1_5' } as const;
  for (const version of encryptVersions) {
    const encrypted = await succeed(service, version, Encrypt, { UniqueIdentifier: publicId, Data });
    const decrypted = await succeed(service, version, Decrypt, {
      UniqueIdentifier: id,
      Data: encrypted.Data,
    });
    t.equal(hex(decrypted.Data), hex(Data), version);
  }
  const unbound = await createPair(service, 'RSA');
  const old = await succeed(service, '2.1', Encrypt, {
    UniqueIdentifier: unbound.publicId,
    Data,
    CryptographicParameters: v15,
  });
  await refuses(t, service, Decrypt, [
    [
      'PKCS #1 v1.5',
      { UniqueIdentifier: unbound.id, Data: old.Data, CryptographicParameters: v15 },
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
  ]);
});

t.test('a key without a plain value cannot be used', async (t) => {
  const mask = withMask('Encrypt', 'Decrypt');
  const register = async (block: object) => {
    const KeyBlock = {
      KeyFormatType: 'Raw',
      CryptographicAlgorithm: 'AES',
      CryptographicLength: 128,
      ...block,
    } as const;
    const made = await succeed(service, '2.1', Register, {
      ObjectType: 'SymmetricKey',
      Attributes: having(active, mask, withParameters(cbc)),
      Object: { type: 'SymmetricKey', value: { KeyBlock } },
    });
    return made.UniqueIdentifier;
  };
  const elsewhere = await register({});
  const wrapped = await register({
    KeyValue: new Uint8Array(24),
    KeyWrappingData: { WrappingMethod: 'Encrypt' },
  });
  await refuses(t, service, Encrypt, [
    ['only its attributes are stored', { UniqueIdentifier: elsewhere, Data }, 'KeyValueNotPresent'],
    ['wrapped', { UniqueIdentifier: wrapped, Data }, 'FeatureNotSupported'],
  ]);
});
