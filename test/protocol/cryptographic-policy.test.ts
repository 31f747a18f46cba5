import t from 'tap';
import { eraOf } from '../../codec/version.ts';
import { closeThreads } from '../../src/crypto/node/node.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { active, createPair, Data, encryptVersions, hex } from './keys.ts';
import {
  aes,
  algorithm,
  having,
  length,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
} from './operations/ask.ts';
import { defaultSettings, TestService } from './service.ts';

t.teardown(closeThreads);

t.test('disabled algorithms are refused like unknown ones, in every version', async (t) => {
  const service = await TestService.open();
  t.teardown(() => service.close());
  const UniqueIdentifier = await storedKey(service, active);
  const pair = await createPair(service, 'RSA');
  service.cryptographicPolicy.replace({
    ...defaultSettings,
    disabled: ['AES<256', 'CBC', 'MD5', 'RSA<3072', 'P_256'],
  });

  const refused = ['InvalidField', 'UnsupportedCryptographicParameters'] as const;
  const cbc = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' } as const;
  await refuses(t, service, Encrypt, [
    ['a mode', { UniqueIdentifier, Data, CryptographicParameters: cbc }, ...refused],
  ]);
  const signed = {
    UniqueIdentifier: pair.id,
    Data,
    CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
  };
  await refuses(t, service, Sign, [['a short key', signed, ...refused]]);
  const hashed = { Data, CryptographicParameters: { HashingAlgorithm: 'MD5' } };
  await refuses(t, service, Hash, [['a hash', hashed, ...refused]]);
  const usage = { name: 'CryptographicUsageMask', value: 12 } as const;
  for (const version of testedVersions) {
    const reason = eraOf(version) === '1.x' ? refused[0] : refused[1];
    const short = { ObjectType: 'SymmetricKey', Attributes: having(algorithm('AES'), length(128), usage) };
    t.equal(await outcome(service, version, Create, short), reason, `${version}: a short key`);
    const long = { ObjectType: 'SymmetricKey', Attributes: having(...aes) };
    t.equal(await outcome(service, version, Create, long), 'Success', `${version}: a long one`);
    const common = having(algorithm('RSA'), length(2048));
    const pairRequest = {
      CommonAttributes: common,
      PrivateKeyAttributes: having({ name: 'CryptographicUsageMask', value: 1 }),
      PublicKeyAttributes: having({ name: 'CryptographicUsageMask', value: 2 }),
    };
    t.equal(await outcome(service, version, CreateKeyPair, pairRequest), reason, `${version}: a pair`);
    t.equal(await outcome(service, version, Get, { UniqueIdentifier: pair.id }), 'Success', 'can be fetched');
  }
  const ctr = { BlockCipherMode: 'CTR' } as const;
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data, CryptographicParameters: ctr });

  service.cryptographicPolicy.replace(defaultSettings);
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data, CryptographicParameters: cbc });
});

t.test(
  'PKCS #1 v1.5 is decrypted when the operator allows it, and reveals nothing of its padding',
  async (t) => {
    const service = await TestService.open({ crypto: { pkcs1Decryption: true } });
    t.teardown(() => service.close());
    const { id, publicId } = await createPair(service, 'RSA');
    const CryptographicParameters = { PaddingMethod: 'PKCS1V1_5' } as const;
    for (const version of encryptVersions) {
      const encrypt = { UniqueIdentifier: publicId, Data, CryptographicParameters };
      const { Data: sealed } = await succeed(service, version, Encrypt, encrypt);
      const decrypt = (bytes: unknown) => ({ UniqueIdentifier: id, Data: bytes, CryptographicParameters });
      const opened = await succeed(service, version, Decrypt, decrypt(sealed));
      t.equal(hex(opened.Data), hex(Data), version);
      const changed = Uint8Array.from(sealed as Uint8Array);
      changed[100] = (changed[100] as number) ^ 1;
      const made = await succeed(service, version, Decrypt, decrypt(changed));
      const again = await succeed(service, version, Decrypt, decrypt(changed));
      t.same(again.Data, made.Data, `${version}: made of key and text`);
    }
  },
);
