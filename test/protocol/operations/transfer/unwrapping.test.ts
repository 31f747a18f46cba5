import t from 'tap';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { eraOf } from '../../../../codec/version.ts';
import { Encrypt } from '../../../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Export } from '../../../../src/operations/transfer/export.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { attributeOf, contact, having, outcome, succeed, versionsOf } from '../ask.ts';
import {
  archived,
  at,
  destroyed,
  encoded,
  encrypting,
  kek,
  key,
  leaving,
  NoEncoding,
  plainKek,
  preActive,
  revoked,
  service,
} from './wrapping-fixtures.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  pair,
  register,
  symmetric,
  wrappedAs,
} from './wrapping-keys.ts';

t.test('unwrapping tells a missing wrapping key by version and all other failures alike', async (t) => {
  const data = (EncryptionKeyInformation?: object) =>
    ({ WrappingMethod: 'Encrypt', EncryptionKeyInformation }) as never;
  const wrappedKey = (information?: object) =>
    register(service, wrappedAs(symmetric(counted(16)), counted(48), data(information)));
  const rows = [
    ['no key named', await wrappedKey(), 'FeatureNotSupported', 'KeyWrapTypeNotSupported'],
    [
      'an unknown key',
      await wrappedKey({ UniqueIdentifier: 'nobody' }),
      'ItemNotFound',
      'WrappingObjectNotFound',
    ],
    [
      'an archived one',
      await wrappedKey({ UniqueIdentifier: archived }),
      'ObjectArchived',
      'WrappingObjectArchived',
    ],
    [
      'a destroyed one',
      await wrappedKey({ UniqueIdentifier: destroyed }),
      'ItemNotFound',
      'WrappingObjectDestroyed',
    ],
    [
      'one that may not',
      await wrappedKey({ UniqueIdentifier: encrypting }),
      'PermissionDenied',
      'IncompatibleCryptographicUsageMask',
    ],
    [
      'the wrong one',
      await wrappedKey({ UniqueIdentifier: kek }),
      'CryptographicFailure',
      'CryptographicFailure',
    ],
    [
      'a revoked wrong one',
      await wrappedKey({ UniqueIdentifier: revoked }),
      'CryptographicFailure',
      'CryptographicFailure',
    ],
  ] as const;
  for (const version of ['1.4', '2.0', '2.1'] as const) {
    for (const [when, id, classic, modern] of rows) {
      const wanted = eraOf(version) === '1.x' ? classic : modern;
      for (const operation of leaving) {
        t.equal(
          await outcome(service, version, operation, at(id, { KeyWrapType: 'NotWrapped' })),
          wanted,
          `${version}: ${when}`,
        );
        t.equal(
          await outcome(service, version, operation, at(id, { KeyWrapType: 'AsRegistered' })),
          'Success',
        );
      }
    }
  }
});

t.test('a key stored wrapped cannot be used, and is unwrapped before another wrapping', async (t) => {
  const wrapped = await blockOf(service, key, encryptWith(kek, NoEncoding));
  const id = await register(
    service,
    wrappedAs(symmetric(counted(16)), wrapped.KeyValue as Uint8Array, wrapped.KeyWrappingData as never),
    active,
    mask('Encrypt'),
  );
  t.equal(await outcome(service, '2.1', Encrypt, at(id, { Data: counted(16) })), 'FeatureNotSupported');
  const again = await blockOf(service, id, {
    KeyWrapType: 'NotWrapped',
    ...encryptWith(plainKek, NoEncoding),
  });
  t.same(again.KeyValue, (await blockOf(service, key, encryptWith(plainKek, NoEncoding))).KeyValue);
  await succeed(service, '2.1', Activate, at(preActive, {}));
  const other = { KeyWrapType: 'NotWrapped', ...encryptWith(preActive, NoEncoding) };
  t.not((await blockOf(service, id, other)).KeyValue, again.KeyValue);
});

t.test('Register and Import refuse attributes beside a key wrapped without encoding', async (t) => {
  const KeyValue = { KeyMaterial: counted(24), Attributes: [contact('me')] };
  const wrapping = { WrappingMethod: 'Encrypt', EncryptionKeyInformation: encoded, ...NoEncoding } as const;
  const Object = wrappedAs(symmetric(counted(16)), KeyValue, wrapping);
  const request = { ObjectType: 'SymmetricKey', Attributes: having(), Object } as const;
  for (const version of ['1.2', '1.4', '2.1'] as const)
    t.equal(await outcome(service, version, Register, request), 'EncodingOptionError', version);
  for (const version of versionsOf(Import)) {
    const imported = { UniqueIdentifier: 'new', Attributes: [], Object };
    t.equal(await outcome(service, version, Import, imported), 'EncodingOptionError', version);
    const broken = wrappedAs(symmetric(counted(16)), counted(24), wrapping);
    const unwrap = { UniqueIdentifier: 'new', Attributes: [], Object: broken, KeyWrapType: 'NotWrapped' };
    t.equal(await outcome(service, version, Import, unwrap), 'CryptographicFailure', version);
    const wrappedKey = { ...unwrap, KeyWrapType: 'AsRegistered', UniqueIdentifier: `kept ${version}` };
    t.equal(await outcome(service, version, Import, wrappedKey), 'Success', version);
  }
});

t.test('PKCS #1 v1.5 wraps keys and is refused for unwrapping', async (t) => {
  const rsa = await pair(service, { algorithm: 'RSA', bits: 2048 }, ['WrapKey', 'UnwrapKey']);
  const old: CryptographicParameters = { PaddingMethod: 'PKCS1V1_5' };
  const block = await blockOf(service, key, encryptWith(rsa.publicKey, NoEncoding, old));
  const sealed = block.KeyValue as Uint8Array;
  const id = await register(
    service,
    wrappedAs(symmetric(counted(16)), sealed, block.KeyWrappingData as never),
  );
  for (const [version, reason] of [
    ['1.4', 'InvalidField'],
    ['2.1', 'UnsupportedCryptographicParameters'],
  ] as const) {
    t.equal(await outcome(service, version, Get, at(id, { KeyWrapType: 'NotWrapped' })), reason, version);
  }
});

t.test('Import restores the attributes that Export wrapped with the key', async (t) => {
  const traveller = await register(service, symmetric(counted(16)), contact('me'), mask('Encrypt'));
  for (const version of versionsOf(Export)) {
    const wrapping = encryptWith(kek, { AttributeName: [{ name: 'ContactInformation' }] });
    const { Object } = await succeed(service, version, Export, at(traveller, wrapping));
    const imported = {
      UniqueIdentifier: `arrived ${version}`,
      KeyWrapType: 'NotWrapped',
      Attributes: [mask('Decrypt')],
      Object,
    };
    await succeed(service, version, Import, imported);
    const arrived = { UniqueIdentifier: imported.UniqueIdentifier };
    const { Object: key } = await succeed(service, version, Get, arrived);
    t.same(key, symmetric(counted(16)), version);
    t.equal(await attributeOf(service, arrived.UniqueIdentifier, 'ContactInformation'), 'me');
    t.equal(
      await attributeOf(service, arrived.UniqueIdentifier, 'CryptographicUsageMask'),
      mask('Decrypt').value,
    );
    t.ok(await attributeOf(service, arrived.UniqueIdentifier, 'Digest'), 'and its digest is known again');
  }
});
