import { ml_kem768_x25519 as other } from '@noble/post-quantum/hybrid.js';
import t from 'tap';
import { xWing } from '../../../../src/crypto/algorithm-table.ts';
import {
  CryptographyFailedError,
  InvalidKeyMaterialError,
  UnsupportedKeyFormatError,
} from '../../../../src/crypto/errors.ts';
import {
  computeXWingPublicKey,
  decapsulateXWing,
  encapsulateXWing,
  generateXWing,
} from '../../../../src/crypto/keys/x-wing.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';

const { convertKey, describeKey, encapsulate } = nodeCrypto;

t.test('X-Wing yields the first known answer of draft-connolly-cfrg-xwing-kem, appendix C', async (t) => {
  const seed = Uint8Array.fromHex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26');
  const coins = Uint8Array.fromHex(
    '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
  );
  const secret = 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384';
  const publicKey = computeXWingPublicKey(seed);
  t.same(publicKey, other.keygen(seed).publicKey);
  const sent = other.encapsulate(publicKey, coins);
  t.equal(sent.sharedSecret.toHex(), secret, 'the coins are the answer of the draft');
  t.equal(decapsulateXWing(seed, sent.cipherText).toHex(), secret);
});

t.test('X-Wing and the other implementation decapsulate each other', async (t) => {
  const { seed, publicKey } = generateXWing();
  const { secretKey } = other.keygen(seed);
  const ours = encapsulateXWing(publicKey);
  t.same(other.decapsulate(ours.ciphertext, secretKey), ours.sharedSecret);
  const theirs = other.encapsulate(publicKey);
  t.same(decapsulateXWing(seed, theirs.cipherText), theirs.sharedSecret);
  theirs.cipherText[5] = (theirs.cipherText[5] ?? 0) ^ 1;
  t.same(decapsulateXWing(seed, theirs.cipherText), other.decapsulate(theirs.cipherText, secretKey));
  for (const wrong of [ours.ciphertext.subarray(1), new Uint8Array(1_120), new Uint8Array()])
    t.throws(() => decapsulateXWing(seed, wrong));
});

t.test('X-Wing keys convert between their formats, and malformed ones are refused', async (t) => {
  const { privateKey, publicKey } = await nodeCrypto.generateKeyPair({ algorithm: xWing });
  const priv = { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: privateKey } as const;
  const pub = { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: publicKey } as const;
  for (const key of [priv, pub]) {
    t.strictSame(describeKey(key), { CryptographicAlgorithm: xWing, CryptographicLength: 9_728 });
    const KeyMaterial = convertKey(key, 'Raw') as Uint8Array;
    const again = { ...key, KeyFormatType: 'Raw', KeyMaterial, CryptographicAlgorithm: xWing } as const;
    t.same(convertKey(again, key.KeyFormatType), key.KeyMaterial, 'to Raw and back');
    t.equal(describeKey({ ...again, CryptographicLength: 256 }).CryptographicLength, 256);
    t.throws(() => describeKey({ ...again, KeyMaterial: KeyMaterial.subarray(1) }), InvalidKeyMaterialError);
    t.throws(() => convertKey(again, 'PKCS_1'), UnsupportedKeyFormatError);
  }
  const raw = { ...pub, KeyFormatType: 'Raw', CryptographicAlgorithm: xWing } as const;
  const above = new Uint8Array(1_216).fill(0xff);
  t.throws(
    () => describeKey({ ...raw, KeyMaterial: above }),
    InvalidKeyMaterialError,
    'coefficients above q',
  );
  const low = new Uint8Array(convertKey(pub, 'Raw') as Uint8Array).fill(0, 1_184);
  t.throws(
    () => encapsulate({ ...raw, KeyMaterial: low }, {}),
    CryptographyFailedError,
    'a point of low order',
  );
});
