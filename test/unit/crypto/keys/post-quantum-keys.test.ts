import { createPrivateKey, createPublicKey } from 'node:crypto';
import t from 'tap';
import { acceptsLength, generatesLength, isQuantumSafe } from '../../../../src/crypto/algorithms.ts';
import {
  encodeDer,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
} from '../../../../src/crypto/asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedAlgorithmError } from '../../../../src/crypto/errors.ts';
import { findTypeOfAlgorithm } from '../../../../src/crypto/keys/byte-keys.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import {
  fixed,
  hashSigners,
  kems,
  latticeSigners,
  type PostQuantumName,
  privateKey,
  publicKey,
  sets,
} from './post-quantum.ts';

const { convertKey, describeKey, generateKeyPair } = nodeCrypto;
const bytes = (value: unknown): Uint8Array => value as Uint8Array;
const hex = (value: unknown): string => bytes(value).toHex();

t.test('keys of every parameter set are generated, described and converted', async (t) => {
  for (const algorithm of sets) {
    const pair = await generateKeyPair({ algorithm });
    const priv = privateKey(algorithm, pair.privateKey, 'PKCS_8');
    const pub = publicKey(algorithm, pair.publicKey, 'X_509');
    const sort = findTypeOfAlgorithm(algorithm);
    const raw = bytes(convertKey(pub, 'Raw'));
    t.equal(raw.length * 8, pair.bits, `${algorithm}: as long as its public key`);
    for (const key of [priv, pub]) {
      const { CryptographicAlgorithm: _, ...unnamed } = key;
      t.strictSame(describeKey(unnamed), {
        CryptographicAlgorithm: algorithm,
        CryptographicLength: pair.bits,
      });
      const material = bytes(convertKey(key, 'Raw'));
      t.equal(material.length, key === pub ? sort?.publicBytes : sort?.privateBytes, algorithm);
      const again = { ...key, KeyFormatType: 'Raw', KeyMaterial: material } as const;
      t.equal(hex(convertKey(again, key.KeyFormatType)), hex(key.KeyMaterial), 'to Raw and back');
      t.throws(() => describeKey({ ...again, KeyMaterial: material.subarray(1) }), InvalidKeyMaterialError);
    }
    const read = createPrivateKey({ key: Buffer.from(pair.privateKey), format: 'der', type: 'pkcs8' });
    t.equal(read.asymmetricKeyType, sort?.nodeType, 'OpenSSL takes it for the same');
    const spki = createPublicKey(read).export({ format: 'der', type: 'spki' });
    t.equal(spki.toHex(), hex(pair.publicKey), 'and the halves belong together');
    t.ok(isQuantumSafe(algorithm, pair.bits) && generatesLength(algorithm, pair.bits));
  }
});

t.test('lattice keys of another implementation are read as seed, expanded key or both', async (t) => {
  for (const [name, other] of Object.entries({ ...kems, ...latticeSigners })) {
    const algorithm = name as keyof typeof kems;
    const sort = findTypeOfAlgorithm(algorithm);
    const seed = fixed(sort?.privateBytes ?? 0, 3);
    const { secretKey, publicKey: made } = other.keygen(seed);
    t.equal(secretKey.length, sort?.expandedBytes, `${name} expanded`);
    const info = (content: Uint8Array) =>
      encodeDer(makeSequence(makeVersion(0), makeSequence(makeOid(sort?.oid ?? '')), makeOctets(content)));
    const both = (one: Uint8Array, rest: Uint8Array) =>
      info(encodeDer(makeSequence(makeOctets(one), makeOctets(rest))));
    const same = [
      privateKey(algorithm, seed),
      privateKey(algorithm, secretKey),
      privateKey(algorithm, info(encodeDer(makeOctets(secretKey))), 'PKCS_8'),
      privateKey(algorithm, both(seed, secretKey), 'PKCS_8'),
    ];
    for (const key of same) {
      t.equal(describeKey(key).CryptographicLength, made.length * 8);
      const der = bytes(convertKey(key, 'PKCS_8'));
      const read = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
      const spki = createPublicKey(read).export({ format: 'der', type: 'spki' });
      t.equal(hex(convertKey(publicKey(algorithm, spki, 'X_509'), 'Raw')), made.toHex(), 'its public key');
    }
    t.equal(hex(convertKey(same[3] as never, 'Raw')), seed.toHex(), 'of both the seed counts');
    t.equal(hex(convertKey(same[1] as never, 'Raw')), secretKey.toHex(), 'without a seed there is none');
    const stranger = other.keygen(fixed(seed.length, 4)).secretKey;
    const wrong = [
      both(seed, stranger),
      both(seed, secretKey.subarray(1)),
      both(seed.subarray(1), secretKey),
      info(seed.subarray(1)),
      info(encodeDer(makeOctets(fixed(48)))),
    ];
    for (const der of wrong)
      t.throws(() => describeKey(privateKey(algorithm, der, 'PKCS_8')), InvalidKeyMaterialError);
  }
});

t.test('public keys are those of the examples in RFC 9881 and RFC 9935, appendix C', async (t) => {
  // In base64, as printed there; the seeds are 00 01 02 ….
  const examples: Partial<Record<PostQuantumName, string>> = {
    ML_DSA_44: 'MIIFMjALBglghkgBZQMEAxEDggUhANeytHJUquDbReeTDUqY0sl9jxOX0Xidr6FwJLMW6b7JT8mUbULxm3mnQTu6oz5x',
    ML_DSA_65: 'MIIHsjALBglghkgBZQMEAxIDggehAEhoPZGXjjHrPd24sEc0gtK4il9iWUn9j1ilYeaWvUwn0Fs427Lt8B5mTv2Bvh6o',
    ML_DSA_87: 'MIIKMjALBglghkgBZQMEAxMDggohAJeSvOwvJDBoaoL8zzwvX/Zl53HXq0G5AljPp+kOyXEkpzsyO5uiGrZNdnxDP1pS',
    ML_KEM_512:
      'MIIDMjALBglghkgBZQMEBAEDggMhADmVgV5ZfRBDVc8pqlMzyTJRhp1bzb5IcST2Ari2pmwWxHYWSK12XPXYAGtRXpBa',
    ML_KEM_768:
      'MIIEsjALBglghkgBZQMEBAIDggShACmKoQ1CPI3aBp0CvFnmzfA6CWuLPaTKubgMpKFJB2cszvHsT68jSgvFt+nUc/Kz',
    ML_KEM_1024:
      'MIIGMjALBglghkgBZQMEBAMDggYhAEuUwpRQERGRgjs1FMmsHqPZglzLhjk6LfsEZU+iGS03v60cSXxlAu7lyoCnO/zg',
  };
  for (const [name, beginning] of Object.entries(examples)) {
    const algorithm = name as PostQuantumName;
    const seed = Uint8Array.from(
      { length: findTypeOfAlgorithm(algorithm)?.privateBytes ?? 0 },
      (_, at) => at,
    );
    const der = bytes(convertKey(privateKey(algorithm, seed), 'PKCS_8'));
    const read = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(read).export({ format: 'der', type: 'spki' });
    t.equal(spki.toString('base64').slice(0, beginning.length), beginning, name);
  }
});

t.test('hash-based keys of another implementation are read', async (t) => {
  for (const [name, other] of Object.entries(hashSigners)) {
    if (name.endsWith('s')) continue;
    const algorithm = name as keyof typeof hashSigners;
    const sort = findTypeOfAlgorithm(algorithm);
    const { secretKey, publicKey: made } = other.keygen(fixed(((sort?.privateBytes ?? 0) / 4) * 3));
    const der = bytes(convertKey(privateKey(algorithm, secretKey), 'PKCS_8'));
    const read = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(read).export({ format: 'der', type: 'spki' });
    t.equal(hex(convertKey(publicKey(algorithm, spki, 'X_509'), 'Raw')), made.toHex(), name);
  }
});

t.test('malformed public keys are refused', async (t) => {
  // FIPS 203 §7.2: coefficients are below q.
  t.throws(
    () => describeKey(publicKey('ML_KEM_512', new Uint8Array(800).fill(0xff))),
    InvalidKeyMaterialError,
  );
});

t.test('lengths in each count of clients are accepted', async (t) => {
  for (const [algorithm, bits, fine] of [
    ['ML_KEM_768', 9_472, true],
    ['ML_KEM_768', 768, true],
    ['ML_KEM_768', 512, true],
    ['ML_KEM_768', 1_024, false],
    ['ML_DSA_65', 65, true],
    ['ML_DSA_65', 15_616, true],
    ['ML_DSA_65', 87, false],
    ['SLH_DSA_SHA2_128s', 256, true],
    ['SLH_DSA_SHA2_128s', 192, false],
  ] as const) {
    t.equal(acceptsLength(algorithm, bits), fine, `${algorithm} ${bits}`);
    const made = generateKeyPair({ algorithm, bits });
    if (!fine) await t.rejects(made, UnsupportedAlgorithmError);
    else t.equal((await made).bits, bits);
  }
  const { publicKey: der } = await generateKeyPair({ algorithm: 'ML_KEM_768' });
  const key = publicKey('ML_KEM_768', der, 'X_509');
  t.equal(describeKey({ ...key, CryptographicLength: 768 }).CryptographicLength, 768);
  t.throws(() => describeKey({ ...key, CryptographicLength: 1_024 }), InvalidKeyMaterialError);
  t.throws(() => describeKey({ ...key, CryptographicAlgorithm: 'ML_KEM_512' }), InvalidKeyMaterialError);
  t.throws(() => describeKey({ ...key, CryptographicAlgorithm: 'EC' }), InvalidKeyMaterialError);
});
