import t from 'tap';
import { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { xWing } from '../../../src/crypto/algorithm-table.ts';
import {
  acceptsLength,
  algorithmKind,
  generatesLength,
  isQuantumSafe,
  keyBits,
  keyBytes,
} from '../../../src/crypto/algorithms.ts';

t.test('every algorithm of KMIP has a row', async (t) => {
  for (const name of CryptographicAlgorithm.members) t.type(algorithmKind(name), 'string', name);
  t.equal(algorithmKind(0x8000_0001), undefined);
});

t.test('a length is accepted, generated and quantum-safe as the table says', async (t) => {
  const rows = [
    // algorithm, bits, accepted, generated, quantum-safe
    ['AES', 128, true, true, false],
    ['AES', 192, true, true, false],
    ['AES', 256, true, true, true],
    ['AES', 512, true, true, true],
    ['AES', 384, false, false, true],
    ['DES', 56, true, false, false],
    ['DES3', 112, true, true, false],
    ['DES3', 168, true, true, false],
    ['DES3', 192, true, true, false],
    ['SKIPJACK', 80, true, true, false],
    ['HMAC_SHA1', 512, true, true, false],
    ['HMAC_SHA512', 512, true, true, true],
    ['ChaCha20Poly1305', 256, true, true, true],
    ['RSA', 512, true, false, false],
    ['RSA', 1024, true, true, false],
    ['DSA', 1024, true, true, false],
    ['DH', 1024, true, false, false],
    ['RSA', 2048, true, true, false],
    ['RSA', 8192, true, true, false],
    ['RSA', 16_384, true, false, false],
    ['EC', 256, true, true, false],
    ['ECDSA', 521, true, true, false],
    ['EC', 192, true, true, false],
    ['EC', 191, true, false, false],
    ['Ed25519', 256, true, true, false],
    ['XMSS', 256, true, false, true],
    ['McEliece', 8192, true, false, true],
    ['ML_KEM_768', 9_472, true, true, true],
    ['ML_DSA_87', 87, true, true, true],
    ['SLH_DSA_SHAKE_128f', 256, true, true, true],
    [xWing, 9_728, true, true, true],
    [0x8000_0001, 128, false, false, false],
  ] as const;
  for (const [algorithm, bits, accepted, generated, safe] of rows) {
    const found = [
      acceptsLength(algorithm, bits),
      generatesLength(algorithm, bits),
      isQuantumSafe(algorithm, bits),
    ];
    t.strictSame(found, [accepted, generated, safe], `${algorithm} ${bits}`);
  }
});

t.test('bytes and bits of a key follow from each other', async (t) => {
  const rows = [
    ['AES', 256, 32, 256],
    ['DES', 56, 8, 56],
    ['DES', 64, 8, 56],
    ['DES3', 112, 16, 112],
    ['DES3', 128, 16, 112],
    ['DES3', 168, 24, 168],
    ['DES3', 192, 24, 168],
    ['HMAC_SHA1', 168, 21, 168],
  ] as const;
  for (const [algorithm, bits, bytes, counted] of rows) {
    t.equal(keyBytes(algorithm, bits), bytes, `${algorithm} ${bits}`);
    t.equal(keyBits(algorithm, bytes), counted, `${algorithm} of ${bytes} bytes`);
  }
});
