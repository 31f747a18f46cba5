import t from 'tap';
import { CryptographicAlgorithm } from '../../../codec/enums.ts';
import {
  acceptsLength,
  algorithmKind,
  generatesLength,
  keyBits,
  keyBytes,
  quantumSafe,
  securityStrength,
  xWing,
} from '../../../src/crypto/algorithms.ts';

t.test('every algorithm has a row', async (t) => {
  for (const name of CryptographicAlgorithm.members) t.type(algorithmKind(name), 'string', name);
  t.equal(algorithmKind(0x8000_0001), undefined);
});

t.test('lengths that exist, lengths that are made, strength, quantum safety', async (t) => {
  const rows = [
    // algorithm, bits, accepted, made, strength, quantum-safe
    ['AES', 128, true, true, 128, false],
    ['AES', 192, true, true, 192, false],
    ['AES', 256, true, true, 256, true],
    ['AES', 512, true, true, 512, true],
    ['AES', 384, false, false, 384, true],
    ['DES', 56, true, false, 56, false],
    ['DES3', 112, true, true, 80, false],
    ['DES3', 168, true, true, 112, false],
    ['DES3', 192, true, true, 112, false],
    ['SKIPJACK', 80, true, true, 80, false],
    ['HMAC_SHA1', 512, true, true, 160, false],
    ['HMAC_SHA512', 512, true, true, 512, true],
    ['ChaCha20Poly1305', 256, true, true, 256, true],
    ['RSA', 512, true, false, 0, false],
    ['RSA', 1024, true, true, 80, false],
    ['DSA', 1024, true, true, 80, false],
    ['DH', 1024, true, false, 80, false],
    ['RSA', 2048, true, true, 112, false],
    ['RSA', 8192, true, true, 192, false],
    ['RSA', 16_384, true, false, 256, false],
    ['EC', 256, true, true, 128, false],
    ['ECDSA', 521, true, true, 260, false],
    ['EC', 192, true, true, 96, false],
    ['EC', 191, true, false, 95, false],
    ['Ed25519', 256, true, true, 128, false],
    ['XMSS', 256, true, false, 256, true],
    ['McEliece', 8192, true, false, 256, true],
    ['ML_KEM_768', 9_472, true, true, 192, true],
    ['ML_DSA_87', 87, true, true, 256, true],
    ['SLH_DSA_SHAKE_128f', 256, true, true, 128, true],
    [xWing, 9_728, true, true, 192, true],
    [0x8000_0001, 128, false, false, 0, false],
  ] as const;
  for (const [algorithm, bits, accepted, made, strength, safe] of rows) {
    const found = [
      acceptsLength(algorithm, bits),
      generatesLength(algorithm, bits),
      securityStrength(algorithm, bits),
      quantumSafe(algorithm, bits),
    ];
    t.strictSame(found, [accepted, made, strength, safe], `${algorithm} ${bits}`);
  }
});

t.test('bytes and bits of a key', async (t) => {
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
