import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { PostQuantumAlgorithm } from '../../src/crypto/algorithm-table.ts';
import { useOf } from '../../src/crypto/algorithms.ts';
import { findTypeOfAlgorithm } from '../../src/crypto/keys/byte-keys.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { ReKeyKeyPair } from '../../src/operations/creation/re-key-key-pair.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import { Export } from '../../src/operations/transfer/export.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { fixed, hashSigners, isSmall, latticeSigners, sets } from '../unit/crypto/keys/post-quantum.ts';
import { active, Data } from './keys.ts';
import { attributeOf, attributesOf, having, length, materialOf, outcome, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const algorithmed = (value: PostQuantumAlgorithm): Attribute => ({ name: 'CryptographicAlgorithm', value });

async function pairOf(algorithm: PostQuantumAlgorithm, ...attributes: Attribute[]) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(algorithmed(algorithm), active, ...attributes),
  });
  return { id: made.PrivateKeyUniqueIdentifier, publicId: made.PublicKeyUniqueIdentifier };
}

async function got(id: string, KeyFormatType?: 'Raw' | 'PKCS_8' | 'X_509'): Promise<Uint8Array> {
  const { Object: object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id, KeyFormatType });
  return materialOf(object);
}

async function registered(
  type: 'PrivateKey' | 'PublicKey',
  algorithm: PostQuantumAlgorithm,
  KeyMaterial: Uint8Array,
  ...attributes: Attribute[]
): Promise<string> {
  const KeyBlock = {
    KeyFormatType: 'Raw',
    KeyValue: { KeyMaterial, Attributes: [] },
    CryptographicAlgorithm: algorithm,
    CryptographicLength: KeyMaterial.length * 8,
  };
  const request = {
    ObjectType: type,
    Attributes: having(active, ...attributes),
    Object: { type, value: { KeyBlock } },
  };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

t.test('Create Key Pair makes pairs of every parameter set', async (t) => {
  for (const algorithm of sets) {
    const { id, publicId } = await pairOf(algorithm);
    const sort = findTypeOfAlgorithm(algorithm);
    const signs = useOf(algorithm) === 'signature';
    for (const [each, type, bit] of [
      [id, 'PrivateKey', signs ? 'Sign' : 'Decrypt'],
      [publicId, 'PublicKey', signs ? 'Verify' : 'Encrypt'],
    ] as const) {
      const of = async (name: Attribute['name']) => attributeOf(service, each, name);
      t.equal(await of('ObjectType'), type);
      t.equal(await of('CryptographicAlgorithm'), algorithm);
      t.equal(await of('CryptographicLength'), sort?.bits, algorithm);
      t.equal(await of('CryptographicUsageMask'), CryptographicUsageMask.bit(bit), `${algorithm}: ${bit}`);
      t.equal(await of('KeyFormatType'), type === 'PrivateKey' ? 'PKCS_8' : 'X_509');
      t.match(await of('Digest'), { HashingAlgorithm: 'SHA_256' });
    }
    t.equal((await got(id, 'Raw')).length, sort?.privateBytes);
    t.equal((await got(publicId, 'Raw')).length, sort?.publicBytes);
    t.equal(
      await outcome(service, '2.1', Get, { UniqueIdentifier: id, KeyFormatType: 'PKCS_1' }),
      'KeyFormatTypeNotSupported',
    );
  }
});

t.test('lengths in each count of clients are accepted', async (t) => {
  const { id, publicId } = await pairOf('ML_KEM_768', length(768));
  t.equal(await attributeOf(service, id, 'CryptographicLength'), 768);
  t.equal(await attributeOf(service, publicId, 'CryptographicLength'), 768);
  const wrong = { CommonAttributes: having(algorithmed('ML_KEM_768'), length(2048)) };
  t.equal(await outcome(service, '2.1', CreateKeyPair, wrong), 'UnsupportedCryptographicParameters');
});

t.test('post-quantum keys are exported, imported and replaced', async (t) => {
  const { id, publicId } = await pairOf('ML_DSA_44');
  const exported = await succeed(service, '2.1', Export, { UniqueIdentifier: id });
  const imported = await succeed(service, '2.1', Import, {
    ...exported,
    UniqueIdentifier: 'brought',
    Attributes: exported.Attributes.filter(({ name }) => name !== 'Link' && name !== 'UniqueIdentifier'),
  });
  const { SignatureData } = await succeed(service, '2.1', Sign, {
    UniqueIdentifier: imported.UniqueIdentifier,
    Data,
  });
  const { ValidityIndicator } = await succeed(service, '2.1', SignatureVerify, {
    UniqueIdentifier: publicId,
    Data,
    SignatureData,
  });
  t.equal(ValidityIndicator, 'Valid', 'the imported key is the same');
  const renewed = await succeed(service, '2.1', ReKeyKeyPair, { PrivateKeyUniqueIdentifier: id });
  const { PrivateKeyUniqueIdentifier: next } = renewed;
  t.equal(await attributeOf(service, next, 'CryptographicAlgorithm'), 'ML_DSA_44');
  t.notSame(await got(next, 'Raw'), await got(id, 'Raw'));
});

t.test('signatures verify, here and in another implementation', async (t) => {
  for (const [name, other] of Object.entries({ ...latticeSigners, ...hashSigners })) {
    const algorithm = name as PostQuantumAlgorithm;
    if (isSmall(name) && name !== 'SLH_DSA_SHA2_128s') continue;
    const { id, publicId } = await pairOf(algorithm);
    const { SignatureData } = await succeed(service, '2.1', Sign, { UniqueIdentifier: id, Data });
    const verify = async (UniqueIdentifier: string, message: object) =>
      (await succeed(service, '2.1', SignatureVerify, { UniqueIdentifier, Data, SignatureData, ...message }))
        .ValidityIndicator;
    t.equal(await verify(publicId, {}), 'Valid', name);
    t.equal(await verify(publicId, { Data: Data.subarray(1) }), 'Invalid', name);
    t.equal(await verify(publicId, { SignatureData: SignatureData?.subarray(1) }), 'Invalid', name);
    t.ok(
      other.verify(SignatureData as Uint8Array, Data, await got(publicId, 'Raw')),
      `${name}: theirs agrees`,
    );
    if (/192|256/.test(name) || isSmall(name)) continue;
    const made = other.keygen(
      fixed((findTypeOfAlgorithm(algorithm)?.privateBytes ?? 0) * (name.startsWith('SLH') ? 0.75 : 1)),
    );
    const theirs = await registered('PublicKey', algorithm, made.publicKey);
    const signed = { SignatureData: other.sign(Data, made.secretKey) };
    t.equal(await verify(theirs, signed), 'Valid', `${name}: made there`);
    t.equal(await verify(publicId, signed), 'Invalid', `${name}: made there, with another key`);
  }
});

t.test('older versions do not list post-quantum algorithms', async (t) => {
  const { publicId } = await pairOf('ML_KEM_768');
  for (const version of ['2.0', '1.4', '1.0'] as const) {
    const known = await attributesOf(service, publicId, version);
    t.notOk(
      known.some(({ name }) => name === 'CryptographicAlgorithm'),
      `${version}: not among the attributes`,
    );
    const { Object: object } = await succeed(service, version, Get, { UniqueIdentifier: publicId });
    t.notMatch(
      object,
      { value: { KeyBlock: { CryptographicAlgorithm: /./ } } },
      `${version}: nor in the key`,
    );
  }
});
