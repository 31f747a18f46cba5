import { createPublicKey, verify } from 'node:crypto';
import t from 'tap';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../../src/operations/cryptography/signature-verify.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Query } from '../../../src/operations/server/query.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { ask, attributeOf, having, outcome, succeed } from '../../protocol/operations/ask.ts';
import type { TestService } from '../../protocol/service.ts';
import { hardware, isGone, keyAttributes, keysInToken, maskOf, openKeyHome, over } from './key-home.ts';
import { missing, SoftToken } from './soft-token.ts';

/** Keys of clients that are made, used and destroyed in a token, over a connection. */

t.setTimeout(300_000);

const Data = new TextEncoder().encode('a text of 26 bytes or more');

const createAes = async (service: TestService, bits: number) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: keyAttributes('AES', bits, 'Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify'),
      ProtectionStorageMasks: hardware,
    })
  ).UniqueIdentifier;

async function createPair(
  service: TestService,
  algorithm: string,
  bits: number,
  ...uses: ('Sign' | 'Decrypt')[]
) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: keyAttributes(algorithm, bits),
    PrivateKeyAttributes: having(maskOf(...uses)),
    PublicKeyAttributes: having(maskOf('Verify', 'Encrypt')),
    PrivateProtectionStorageMasks: hardware,
  });
  return { own: made.PrivateKeyUniqueIdentifier, open: made.PublicKeyUniqueIdentifier };
}

t.test('keys in a token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = await openKeyHome(t, token, { validations: '["NISTCMVP 140-3 3 4000"]' });
  await home.start();
  let client = await home.connect();
  let service = over(client);

  for (const bits of [128, 192, 256])
    await t.test(`AES-${bits} encrypts and decrypts in each mode`, async (t) => {
      const UniqueIdentifier = await createAes(service, bits);
      const modes: readonly CryptographicParameters[] = [
        {},
        { BlockCipherMode: 'GCM', TagLength: 12 },
        { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
        { BlockCipherMode: 'CTR' },
        { BlockCipherMode: 'ECB', PaddingMethod: 'PKCS5' },
      ];
      for (const CryptographicParameters of modes) {
        const name = JSON.stringify(CryptographicParameters);
        const key = { UniqueIdentifier, CryptographicParameters };
        const { UniqueIdentifier: _, ...encrypted } = await succeed(service, '2.1', Encrypt, {
          ...key,
          Data,
        });
        const decrypted = await succeed(service, '2.1', Decrypt, { ...key, ...encrypted });
        t.same(decrypted.Data, Data, name);
        if (CryptographicParameters.BlockCipherMode === 'CTR') continue;
        const wrong = { ...key, ...encrypted, Data: encrypted.Data?.map((byte) => byte ^ 1) };
        t.equal(await outcome(service, '2.1', Decrypt, wrong), 'CryptographicFailure', name);
      }
      const additional = { AuthenticatedEncryptionAdditionalData: new Uint8Array(70).fill(1) };
      const sealed = await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data, ...additional });
      t.same((await succeed(service, '2.1', Decrypt, { ...sealed, ...additional })).Data, Data);
      t.equal(await outcome(service, '2.1', Decrypt, sealed), 'CryptographicFailure');
      const { MACData } = await succeed(service, '2.1', MAC, { UniqueIdentifier, Data });
      t.equal(MACData?.length, 16);
      const verification = await succeed(service, '2.1', MACVerify, { UniqueIdentifier, Data, MACData });
      t.equal(verification.ValidityIndicator, 'Valid');
    });

  await t.test('data of half a mebibyte', async (t) => {
    const UniqueIdentifier = await createAes(service, 256);
    const long = new Uint8Array(524_288).map((_, at) => at);
    const sealed = await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data: long });
    t.same((await succeed(service, '2.1', Decrypt, sealed)).Data, long);
  });

  await t.test('HMAC', async (t) => {
    for (const name of ['HMAC_SHA1', 'HMAC_SHA256', 'HMAC_SHA384', 'HMAC_SHA512']) {
      const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
        ObjectType: 'SymmetricKey',
        Attributes: keyAttributes(name, 512, 'MACGenerate', 'MACVerify'),
        ProtectionStorageMasks: hardware,
      });
      const { MACData } = await succeed(service, '2.1', MAC, { UniqueIdentifier, Data });
      const verified = { UniqueIdentifier, Data, MACData };
      t.equal((await succeed(service, '2.1', MACVerify, verified)).ValidityIndicator, 'Valid', name);
      const other = { ...verified, Data: new Uint8Array(1) };
      t.equal((await succeed(service, '2.1', MACVerify, other)).ValidityIndicator, 'Invalid', name);
    }
  });

  const signatures: readonly (readonly [string, number, CryptographicParameters])[] = [
    ['RSA', 2_048, {}],
    ['RSA', 3_072, { DigitalSignatureAlgorithm: 'SHA_384WithRSAEncryption' }],
    ['RSA', 2_048, { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256' }],
    ['RSA', 2_048, { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_512', SaltLength: 20 }],
    ['EC', 256, {}],
    ['EC', 384, {}],
    ['ECDSA', 521, {}],
    ['ECDSA', 256, { HashingAlgorithm: 'SHA_512' }],
  ];
  for (const [algorithm, bits, CryptographicParameters] of signatures)
    await t.test(`${algorithm}-${bits} signs, ${JSON.stringify(CryptographicParameters)}`, async (t) => {
      const { own, open } = await createPair(service, algorithm, bits, 'Sign');
      const asked = { CryptographicParameters };
      const { SignatureData } = await succeed(service, '2.1', Sign, {
        UniqueIdentifier: own,
        ...asked,
        Data,
      });
      const verification = { UniqueIdentifier: open, ...asked, Data, SignatureData };
      const { ValidityIndicator } = await succeed(service, '2.1', SignatureVerify, verification);
      t.equal(ValidityIndicator, 'Valid');
      t.equal(await attributeOf(service, own, 'ProtectionStorageMask'), 2);
      t.equal(await attributeOf(service, own, 'CryptographicLength'), bits);
    });

  await t.test('a signature verifies with the public key that Get returns', async (t) => {
    const { own, open } = await createPair(service, 'EC', 256, 'Sign');
    const { SignatureData = new Uint8Array() } = await succeed(service, '2.1', Sign, {
      ...{ UniqueIdentifier: own, Data },
    });
    const got = await succeed(service, '2.1', Get, { UniqueIdentifier: open, KeyFormatType: 'X_509' });
    const { KeyBlock } = got.Object.value as { KeyBlock: { KeyValue: { KeyMaterial: Uint8Array } } };
    const key = createPublicKey({
      ...{ key: Buffer.from(KeyBlock.KeyValue.KeyMaterial), format: 'der', type: 'spki' },
    });
    t.ok(verify('sha256', Data, key, SignatureData));
  });

  await t.test('RSA decrypts by the OAEP that the token has', async (t) => {
    const { own, open } = await createPair(service, 'RSA', 2_048, 'Decrypt');
    const of = (hash: string) => ({
      CryptographicParameters: { PaddingMethod: 'OAEP', HashingAlgorithm: hash },
    });
    const encrypted = await succeed(service, '2.1', Encrypt, {
      ...{ UniqueIdentifier: open, Data },
      ...of('SHA_1'),
    });
    const request = { UniqueIdentifier: own, Data: encrypted.Data, ...of('SHA_1') };
    t.same((await succeed(service, '2.1', Decrypt, request)).Data, Data);
    const wrong = { ...request, Data: new Uint8Array(256).fill(1) };
    t.equal(await outcome(service, '2.1', Decrypt, wrong), 'CryptographicFailure');
    // SoftHSM2 has no other hash.
    t.equal(
      await outcome(service, '2.1', Decrypt, { ...request, ...of('SHA_256') }),
      'UnsupportedCryptographicParameters',
    );
    t.equal(
      await outcome(service, '2.1', Sign, { UniqueIdentifier: own, Data }),
      'IncompatibleCryptographicUsageMask',
    );
  });

  await t.test('the value leaves by no operation', async (t) => {
    const UniqueIdentifier = await createAes(service, 256);
    t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier }), 'NotExtractable');
    t.equal(await outcome(service, '2.1', Export, { UniqueIdentifier }), 'NotExtractable');
    t.equal(await attributeOf(service, UniqueIdentifier, 'NeverExtractable'), true);
    // The library itself does not give it out either.
    const listed = token.run('pkcs11-tool', ...token.pkcs11Arguments, '-O', '--type', 'secrkey');
    t.match(listed, /sensitive, always sensitive, never extractable, local/);
  });

  await t.test('clients take turns at the processes of the token', async (t) => {
    const UniqueIdentifier = await createAes(service, 256);
    const clients = await Promise.all(Array.from({ length: 8 }, () => home.connect()));
    const answers = await Promise.all(
      clients.flatMap((each) =>
        Array.from({ length: 12 }, () => outcome(over(each), '2.1', Encrypt, { UniqueIdentifier, Data })),
      ),
    );
    t.strictSame(new Set(answers), new Set(['Success']));
    t.equal(home.tokenProcesses.length, 2);
    for (const each of clients) await each.close();
  });

  await t.test('Query tells of the token', async (t) => {
    const answer = await succeed(service, '2.1', Query, {
      QueryFunction: ['QueryStorageProtectionMasks', 'QueryValidations'],
    });
    t.strictSame(answer.ProtectionStorageMasks?.ProtectionStorageMask, [1, 2]);
    t.match(answer.ValidationInformation, [
      { ValidationAuthorityType: 'NISTCMVP', ValidationVersionMajor: 140, ValidationVersionMinor: 3 },
    ]);
  });

  await t.test('keys serve after a restart, and go with their objects', async (t) => {
    const UniqueIdentifier = await createAes(service, 256);
    const sealed = await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data });
    const before = keysInToken(token);
    await client.close();
    await home.end();
    await home.start();
    client = await home.connect();
    service = over(client);
    t.same((await succeed(service, '2.1', Decrypt, sealed)).Data, Data);
    t.strictSame(keysInToken(token), before);
    const RevocationReason = { RevocationReasonCode: 'Superseded' } as const;
    await succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier });
    t.equal((await ask(service, '2.1', Encrypt, { UniqueIdentifier, Data })).status, 'OperationFailed');
    await isGone(token, before);
    t.equal(keysInToken(token).length, before.length - 1);
  });

  await client.close();
});
