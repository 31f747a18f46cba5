import t from 'tap';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { GetAttributes } from '../../../../src/operations/attributes/get-attributes.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { Export } from '../../../../src/operations/transfer/export.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { closedKey } from '../../protection/history.ts';
import { ask, attributeOf, having, outcome, type Refusal, refuses, versionsOf } from '../ask.ts';
import {
  archived,
  at,
  certificate,
  contactName,
  destroyed,
  encrypting,
  foreign,
  gcm,
  hmac,
  kek,
  key,
  leaving,
  metadata,
  NoEncoding,
  nist,
  odd,
  password,
  plainKek,
  preActive,
  revoked,
  service,
  spec,
  spent,
  transparent,
  wrappedKey,
} from './wrapping-fixtures.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  register,
  symmetric,
  wrappedAs,
  wrappingKey,
} from './wrapping-keys.ts';

const rows: readonly Refusal<typeof Get>[] = [
  ['an unknown wrapping key', at(key, encryptWith('nobody')), 'ItemNotFound', 'WrappingObjectNotFound'],
  ['an archived one', at(key, encryptWith(archived)), 'ObjectArchived', 'WrappingObjectArchived'],
  ['a destroyed one', at(key, encryptWith(destroyed)), 'ItemNotFound', 'WrappingObjectDestroyed'],
  ['a certificate', at(key, encryptWith(certificate)), 'IllegalOperation', 'InvalidObjectType'],
  ['a password', at(key, encryptWith(password)), 'IllegalOperation', 'InvalidObjectType'],
  [
    'a key that may not wrap',
    at(key, encryptWith(encrypting)),
    'PermissionDenied',
    'IncompatibleCryptographicUsageMask',
  ],
  ['a key with no uses left', at(key, encryptWith(spent)), 'PermissionDenied'],
  [
    'parameters of no instance',
    at(key, encryptWith(kek, {}, { BlockCipherMode: 'CTR' })),
    'ItemNotFound',
    'BadCryptographicParameters',
  ],
  [
    'a mode that wraps nothing',
    at(key, encryptWith(plainKek, {}, { BlockCipherMode: 'X9_102AESKW' })),
    'InvalidField',
    'UnsupportedCryptographicParameters',
  ],
  ['TR-31', at(key, encryptWith(kek, { WrappingMethod: 'TR_31' })), 'FeatureNotSupported'],
  ['no key information', at(key, spec({})), 'InvalidField'],
  ['MAC without a key', at(key, encryptWith(kek, { WrappingMethod: 'EncryptThenMACSign' })), 'InvalidField'],
  [
    'a MAC key too much',
    at(key, encryptWith(kek, { MACSignatureKeyInformation: { UniqueIdentifier: hmac } })),
    'InvalidField',
  ],
  [
    'a MAC key that may only verify',
    at(key, spec({ WrappingMethod: 'MACSign', MACSignatureKeyInformation: { UniqueIdentifier: hmac } })),
    'PermissionDenied',
    'IncompatibleCryptographicUsageMask',
  ],
  [
    'a MAC key that is a certificate',
    at(
      key,
      spec({ WrappingMethod: 'MACSign', MACSignatureKeyInformation: { UniqueIdentifier: certificate } }),
    ),
    'IllegalOperation',
    'InvalidObjectType',
  ],
  [
    'no MAC key named',
    at(key, spec({ WrappingMethod: 'MACSign', MACSignatureKeyInformation: {} })),
    'InvalidField',
  ],
  ['a certificate wrapped', at(certificate, encryptWith(kek)), 'IllegalOperation', 'InvalidObjectType'],
  ['what is not here, wrapped', at(metadata, encryptWith(kek)), 'IllegalOperation', 'KeyValueNotPresent'],
  [
    'a wrapped key wrapped again',
    at(wrappedKey, encryptWith(kek)),
    'IllegalOperation',
    'KeyWrapTypeNotSupported',
  ],
];

t.test('Get refuses impossible wrappings with their reasons', (t) => refuses(t, service, Get, rows));
t.test('Export refuses impossible wrappings with the same reasons', (t) =>
  refuses(t, service, Export as AnyOperation, rows),
);

t.test('Get refuses No Encoding for keys that need an encoding', async (t) => {
  for (const version of ['1.1', '1.2', '1.4', '2.0', '2.1'] as const) {
    for (const [when, request] of [
      ['attributes', at(key, encryptWith(kek, { ...NoEncoding, ...contactName }))],
      ['a transparent key', at(transparent, encryptWith(kek, NoEncoding))],
      ['5 bytes by NIST key wrap', at(odd, encryptWith(kek, NoEncoding))],
    ] as const) {
      t.equal(await outcome(service, version, Get, request), 'EncodingOptionError', `${version}: ${when}`);
    }
    const request = { KeyFormatType: 'Raw', ...encryptWith(kek, NoEncoding) } as const;
    t.equal(await outcome(service, version, Get, at(transparent, request)), 'Success', 'as raw bytes it can');
    const five = encryptWith(plainKek, NoEncoding, { BlockCipherMode: 'AESKeyWrapPadding' });
    t.equal(
      await outcome(service, version, Get, at(odd, five)),
      'Success',
      'and so can 5 bytes with padding',
    );
  }
});

t.test('Get and Export refuse a wrapping key in an unsuitable state', async (t) => {
  for (const operation of leaving) {
    for (const version of versionsOf(operation)) {
      const wrong = version === '2.1' ? 'WrongKeyLifecycleState' : 'PermissionDenied';
      for (const by of [preActive, revoked]) {
        t.equal(await outcome(service, version, operation, at(key, encryptWith(by))), wrong, version);
      }
    }
  }
});

t.test('Get answers as for a missing wrapping key when another group has it', async (t) => {
  const elsewhere = await register(service, symmetric(counted(16)));
  const request = at(elsewhere, encryptWith(foreign));
  t.equal((await ask(service, '2.1', Get, request)).reason, undefined);
  t.equal((await ask(service, '2.1', Get, request, 'others')).reason, 'ObjectNotFound');
  const theirs = {
    ObjectType: 'SymmetricKey',
    Attributes: having(),
    Object: symmetric(counted(16)),
  } as const;
  const { payload } = await ask(service, '2.1', Register, theirs, 'others');
  const stolen = at(payload.UniqueIdentifier, encryptWith(foreign));
  t.equal((await ask(service, '2.1', Get, stolen, 'others')).reason, 'WrappingObjectNotFound');
  const EncryptionKeyInformation = { UniqueIdentifier: foreign };
  const block = await blockOf(service, elsewhere, encryptWith(foreign));
  const wrappedKey = wrappedAs(symmetric(counted(16)), block.KeyValue as Uint8Array, {
    WrappingMethod: 'Encrypt',
    EncryptionKeyInformation,
  });
  const registered = await ask(service, '2.1', Register, { ...theirs, Object: wrappedKey }, 'others');
  const clear = { UniqueIdentifier: registered.payload.UniqueIdentifier, KeyWrapType: 'NotWrapped' } as const;
  t.equal((await ask(service, '2.1', Get, clear, 'others')).reason, 'WrappingObjectNotFound');
  t.equal(
    (await ask(service, '2.1', GetAttributes, clear, 'others')).payload.Attributes.some(
      ({ name }) => name === 'Link',
    ),
    false,
  );
});

t.test('sensitive keys are returned encrypted only; a MAC alone does not suffice', async (t) => {
  const sensitive = { name: 'Sensitive', value: true } as const;
  const id = await register(service, symmetric(counted(16)), sensitive);
  const closed = await closedKey(service);
  const mac = await register(service, symmetric(counted(32), 'HMAC_SHA256'), active, mask('MACGenerate'));
  const macOnly = spec({ WrappingMethod: 'MACSign', MACSignatureKeyInformation: { UniqueIdentifier: mac } });
  const wrappedKey = await register(
    service,
    wrappedAs(symmetric(counted(16)), counted(24), {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation: { UniqueIdentifier: closed },
    }),
    sensitive,
  );
  const fixed = await register(service, symmetric(counted(16)), { name: 'Extractable', value: false });
  for (const operation of leaving) {
    for (const version of versionsOf(operation)) {
      const reasonIn = (reason: string) => (version < '1.4' ? 'PermissionDenied' : reason);
      t.equal(await outcome(service, version, operation, at(id, encryptWith(closed))), 'Success', version);
      t.equal(await outcome(service, version, operation, at(id, macOnly)), reasonIn('Sensitive'), version);
      t.equal(await outcome(service, version, operation, at(wrappedKey, {})), 'Success', version);
      t.equal(
        await outcome(service, version, operation, at(fixed, encryptWith(closed))),
        reasonIn('NotExtractable'),
      );
      if (version < '1.4') continue;
      t.equal(
        await outcome(service, version, operation, at(wrappedKey, { KeyWrapType: 'NotWrapped' })),
        'Sensitive',
      );
    }
  }
});

t.test('wrapping counts as a use of the wrapping key and unwrapping does not', async (t) => {
  const UsageLimits = { UsageLimitsTotal: 100n, UsageLimitsUnit: 'Byte' } as const;
  const by = await wrappingKey(service, counted(32), { name: 'UsageLimits', value: UsageLimits });
  const wrapped = await blockOf(service, key, encryptWith(by, NoEncoding));
  t.match(await attributeOf(service, by, 'UsageLimits'), { UsageLimitsCount: 84n });
  const again = await register(
    service,
    wrappedAs(symmetric(counted(16)), wrapped.KeyValue as Uint8Array, wrapped.KeyWrappingData as never),
  );
  await blockOf(service, again, { KeyWrapType: 'NotWrapped' });
  t.match(await attributeOf(service, by, 'UsageLimits'), { UsageLimitsCount: 84n });
});

t.test('wrapping uses stated parameters of the key, else its first, else the default', async (t) => {
  const usedParameters = async (id: string, asked?: CryptographicParameters) => {
    const { KeyWrappingData } = await blockOf(service, key, encryptWith(id, {}, asked));
    return KeyWrappingData?.EncryptionKeyInformation?.CryptographicParameters;
  };
  t.equal(await usedParameters(kek), undefined, 'the first of the key: it need not be said');
  t.same(await usedParameters(kek, gcm), gcm);
  t.same(
    await usedParameters(kek, { BlockCipherMode: 'GCM' }),
    gcm,
    'the instance that has what was asked for',
  );
  t.same(await usedParameters(plainKek), nist, 'the default');
  t.same(await usedParameters(plainKek, { BlockCipherMode: 'CTR' }), { BlockCipherMode: 'CTR' });
});
