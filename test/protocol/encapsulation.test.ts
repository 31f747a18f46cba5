import { ml_kem768_x25519 as other } from '@noble/post-quantum/hybrid.js';
import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import { type PostQuantumAlgorithm, xWing } from '../../src/crypto/algorithm-table.ts';
import { findTypeOfAlgorithm } from '../../src/crypto/keys/byte-keys.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { valueOf } from '../client.ts';
import { kems } from '../unit/crypto/keys/post-quantum.ts';
import { active, Data, withLimits } from './keys.ts';
import { attributeOf, having, materialOf, outcome, succeed } from './operations/ask.ts';
import { TestService, uid } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

async function pairOf(algorithm: PostQuantumAlgorithm, ...publicAttributes: Attribute[]) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having({ name: 'CryptographicAlgorithm', value: algorithm }, active),
    PublicKeyAttributes: having(...publicAttributes),
  });
  return { id: made.PrivateKeyUniqueIdentifier, publicId: made.PublicKeyUniqueIdentifier };
}

async function raw(id: string): Promise<Uint8Array> {
  const { Object: object } = await succeed(service, '2.1', Get, {
    UniqueIdentifier: id,
    KeyFormatType: 'Raw',
  });
  return materialOf(object);
}

const encapsulated = (publicId: string, request: object = {}) =>
  succeed(service, '2.1', Encrypt, { UniqueIdentifier: publicId, ...request });
const decapsulated = async (id: string, ciphertext: Uint8Array | undefined) =>
  (await succeed(service, '2.1', Decrypt, { UniqueIdentifier: id, Data: ciphertext })).Data;

t.test('Decapsulate yields the shared secret of Encapsulate', async (t) => {
  for (const [name, other] of Object.entries(kems)) {
    const { id, publicId } = await pairOf(name as PostQuantumAlgorithm);
    const { UniqueIdentifier: secretId, Data: ciphertext } = await encapsulated(publicId);
    const secret = await raw(secretId);
    t.equal(secret.length, 32);
    t.same(await decapsulated(id, ciphertext), secret, name);
    t.equal(await attributeOf(service, secretId, 'ObjectType'), 'SecretData');
    t.equal(await attributeOf(service, secretId, 'State'), 'Active');
    t.equal(await attributeOf(service, secretId, 'CryptographicLength'), 256);
    t.match(await attributeOf(service, secretId, 'Link'), {
      LinkType: 'DerivationBaseObjectLink',
      LinkedObjectIdentifier: publicId,
    });
    const again = await encapsulated(publicId, { Data: new Uint8Array() });
    t.notSame(await raw(again.UniqueIdentifier), secret, 'another one every time');

    const theirs = other.encapsulate(await raw(publicId));
    t.same(await decapsulated(id, theirs.cipherText), theirs.sharedSecret, `${name}: made there`);
    const { secretKey } = other.keygen(await raw(id));
    t.same(other.decapsulate(ciphertext as Uint8Array, secretKey), secret, `${name}: read there`);

    const damaged = new Uint8Array(ciphertext as Uint8Array);
    damaged[0] = (damaged[0] ?? 0) ^ 1;
    const rejected = await decapsulated(id, damaged);
    t.equal(rejected?.length, 32, 'a secret that nobody else has');
    t.notSame(rejected, secret);
    t.same(rejected, other.decapsulate(damaged, secretKey), 'the same one everywhere');
    t.equal(
      (ciphertext as Uint8Array).length,
      32 * (name === 'ML_KEM_1024' ? 49 : name === 'ML_KEM_768' ? 34 : 24),
    );
    t.equal(findTypeOfAlgorithm(name)?.use, 'encapsulation');
  }
});

t.test('X-Wing works in every version, because its number is an extension', async (t) => {
  for (const version of ['1.2', '1.4', '2.1'] as const) {
    const made = await succeed(service, version, CreateKeyPair, {
      CommonAttributes: having({ name: 'CryptographicAlgorithm', value: xWing }, active),
    });
    const { PrivateKeyUniqueIdentifier: id, PublicKeyUniqueIdentifier: publicId } = made;
    for (const each of [id, publicId]) {
      t.equal(await attributeOf(service, each, 'CryptographicAlgorithm', version), xWing);
      t.equal(await attributeOf(service, each, 'CryptographicLength', version), 9_728);
    }
    const { UniqueIdentifier: secretId, Data: ciphertext } = await succeed(service, version, Encrypt, {
      UniqueIdentifier: publicId,
    });
    const secret = await raw(secretId);
    t.same(
      (await succeed(service, version, Decrypt, { UniqueIdentifier: id, Data: ciphertext })).Data,
      secret,
    );
    const theirs = other.keygen(await raw(id));
    t.same(theirs.publicKey, await raw(publicId), 'the public key of the other implementation');
    t.same(other.decapsulate(ciphertext as Uint8Array, theirs.secretKey), secret, 'read there');
    const sent = other.encapsulate(theirs.publicKey);
    t.same(await decapsulated(id, sent.cipherText), sent.sharedSecret, 'made there');
    t.equal(await outcome(service, version, Decrypt, { UniqueIdentifier: id, Data }), 'CryptographicFailure');
  }
});

t.test('X-Wing yields the first known answer of its draft', async (t) => {
  const KeyMaterial = Uint8Array.fromHex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26');
  const coins = Uint8Array.fromHex(
    '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
  );
  const KeyBlock = {
    KeyFormatType: 'Raw',
    KeyValue: { KeyMaterial, Attributes: [] },
    CryptographicAlgorithm: xWing,
    CryptographicLength: 256,
  } as const;
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Register, {
    ObjectType: 'PrivateKey',
    Attributes: having(active),
    Object: { type: 'PrivateKey', value: { KeyBlock } },
  });
  const { cipherText } = other.encapsulate(other.keygen(KeyMaterial).publicKey, coins);
  const secret = (await decapsulated(id, cipherText)) as Uint8Array;
  t.equal(secret.toHex(), 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384');
});

t.test('in a batch the ID Placeholder is the shared secret', async (t) => {
  const { id, publicId } = await pairOf('ML_KEM_768');
  const [sealed, secret] = await service.batch('2.1', [
    { operation: 'Encrypt', payload: [uid(publicId)] },
    { operation: 'Get', payload: [] },
  ]);
  const ciphertext = valueOf(sealed?.payload as Node, 'Data') as Uint8Array;
  const path = ['SecretData', 'KeyBlock', 'KeyValue', 'KeyMaterial'] as const;
  t.same(valueOf(secret?.payload as Node, ...path), await decapsulated(id, ciphertext));
});

t.test('both sides derive the same keys from the shared secret', async (t) => {
  const { id, publicId } = await pairOf('ML_KEM_768');
  const { UniqueIdentifier: secretId, Data: ciphertext } = await encapsulated(publicId);
  const DerivationParameters = {
    CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
    DerivationData: [Data],
  };
  const derived = await succeed(service, '2.1', DeriveKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [secretId],
    DerivationMethod: 'HKDF',
    DerivationParameters,
    Attributes: having(
      { name: 'CryptographicAlgorithm', value: 'AES' },
      { name: 'CryptographicLength', value: 256 },
    ),
  });
  const expected = await nodeCrypto.deriveKey({
    method: 'HKDF',
    key: {
      objectType: 'SecretData',
      KeyFormatType: 'Raw',
      KeyMaterial: (await decapsulated(id, ciphertext)) as Uint8Array,
    },
    parameters: { HashingAlgorithm: 'SHA_256' },
    data: [Data],
    length: 32,
  });
  t.same(await raw(derived.UniqueIdentifier), expected, 'both sides come to the same key');
});

t.test('keys and parameters that do not encapsulate are refused', async (t) => {
  const { id, publicId } = await pairOf('ML_KEM_512');
  const rows = [
    [Encrypt, { UniqueIdentifier: publicId, Data }, 'InvalidField'],
    [Encrypt, { UniqueIdentifier: publicId, IVCounterNonce: Data }, 'InvalidField'],
    [Encrypt, { UniqueIdentifier: publicId, Data, InitIndicator: true }, 'BadCryptographicParameters'],
    [
      Encrypt,
      { UniqueIdentifier: publicId, CryptographicParameters: { CryptographicAlgorithm: 'RSA' } },
      'BadCryptographicParameters',
    ],
    [Encrypt, { UniqueIdentifier: id }, 'InvalidObjectType'],
    [Decrypt, { UniqueIdentifier: id }, 'InvalidMessage'],
    [Decrypt, { UniqueIdentifier: id, Data }, 'CryptographicFailure'],
    [Decrypt, { UniqueIdentifier: id, Data, IVCounterNonce: Data }, 'BadCryptographicParameters'],
    [Sign, { UniqueIdentifier: id, Data }, 'IncompatibleCryptographicUsageMask'],
  ] as const;
  for (const [operation, request, reason] of rows)
    t.equal(
      await outcome(service, '2.1', operation as typeof Encrypt, request as object),
      reason,
      JSON.stringify(request),
    );
  const limited = await pairOf('ML_KEM_512', withLimits(40n));
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: limited.publicId }), 'Success');
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier: limited.publicId }),
    'PermissionDenied',
    '32 bytes each',
  );
});
