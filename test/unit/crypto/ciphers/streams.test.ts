import t from 'tap';
import type { CryptographicAlgorithm } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { CryptographyFailedError, InvalidParametersError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

/** Data in parts comes to what the same data comes to in one piece, however it is cut. */

const symmetric = (algorithm: CryptographicAlgorithm, bytes: number): PlainKey => ({
  objectType: 'SymmetricKey',
  KeyFormatType: 'Raw',
  KeyMaterial: Uint8Array.from({ length: bytes }, (_, at) => at + 1),
  CryptographicAlgorithm: algorithm,
});

interface Case {
  readonly name: string;
  readonly key: PlainKey;
  readonly parameters: CryptographicParameters;
  readonly ivBytes: number;
  readonly additional?: boolean;
  /** Lengths that padding does not have to make whole. */
  readonly lengths?: readonly number[];
}

const aes = symmetric('AES', 32);
const cases: readonly Case[] = [
  {
    name: 'CBC PKCS5',
    key: aes,
    parameters: { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
    ivBytes: 16,
  },
  {
    name: 'CBC X9.23',
    key: aes,
    parameters: { BlockCipherMode: 'CBC', PaddingMethod: 'ANSIX9_23' },
    ivBytes: 16,
  },
  { name: 'ECB', key: aes, parameters: { BlockCipherMode: 'ECB' }, ivBytes: 0, lengths: [0, 16, 64] },
  {
    name: '3DES',
    key: symmetric('DES3', 24),
    parameters: { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
    ivBytes: 8,
  },
  { name: 'CTR', key: aes, parameters: { BlockCipherMode: 'CTR' }, ivBytes: 16 },
  { name: 'CFB', key: aes, parameters: { BlockCipherMode: 'CFB' }, ivBytes: 16 },
  { name: 'GCM', key: aes, parameters: { BlockCipherMode: 'GCM' }, ivBytes: 12, additional: true },
  { name: 'GCM, short tag', key: aes, parameters: { BlockCipherMode: 'GCM', TagLength: 12 }, ivBytes: 12 },
  { name: 'ChaCha20', key: symmetric('ChaCha20', 32), parameters: {}, ivBytes: 12 },
  {
    name: 'ChaCha20-Poly1305',
    key: symmetric('ChaCha20Poly1305', 32),
    parameters: {},
    ivBytes: 12,
    additional: true,
  },
];

const cuts: readonly (readonly number[])[] = [[1000], [1], [7], [16], [15, 17], [0, 33, 0], [31, 1]];

/** The bytes in pieces whose lengths repeat the pattern. */
function pieces(bytes: Uint8Array, pattern: readonly number[]): Uint8Array[] {
  const result: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = pattern[turn % pattern.length] as number;
    result.push(bytes.subarray(at, at + length));
    at += length;
  }
  return result;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

for (const { name, key, parameters, ivBytes, additional, lengths = [0, 1, 15, 16, 17, 100] } of cases) {
  t.test(name, (t) => {
    const iv = ivBytes === 0 ? undefined : new Uint8Array(ivBytes).fill(9);
    const additionalData = additional ? Uint8Array.of(1, 2, 3) : undefined;
    for (const length of lengths) {
      const data = Uint8Array.from({ length }, (_, at) => at * 7);
      const whole = nodeCrypto.encrypt(key, parameters, { data, iv, additionalData });
      for (const pattern of cuts) {
        const what = `${length} bytes in pieces of ${pattern}`;
        const encryption = nodeCrypto.startEncryption(key, parameters, { iv, additionalData });
        const parts = pieces(data, pattern).map((piece) => encryption.update(piece));
        const last = encryption.final();
        t.same(joined([...parts, last.data]), new Uint8Array(whole.data), `${what} encrypted`);
        t.same(last.tag, whole.tag, `${what} tagged`);
        for (const appendedTag of [false, true]) {
          const sealed = appendedTag && whole.tag ? joined([whole.data, whole.tag]) : whole.data;
          const decryption = nodeCrypto.startDecryption(key, parameters, { iv, additionalData, appendedTag });
          const opened = pieces(sealed, pattern).map((piece) => decryption.update(piece));
          opened.push(decryption.final(appendedTag ? undefined : whole.tag));
          t.same(joined(opened), data, `${what} decrypted, tag ${appendedTag ? 'appended' : 'given'}`);
        }
      }
    }
    t.end();
  });
}

t.test('a wrong tag, a wrong padding and a broken block lead to the same error', (t) => {
  const iv = new Uint8Array(12);
  const gcm = { BlockCipherMode: 'GCM' } as const;
  const { data } = nodeCrypto.encrypt(aes, gcm, { data: new Uint8Array(20), iv });
  const wrongTag = nodeCrypto.startDecryption(aes, gcm, { iv, appendedTag: false });
  wrongTag.update(data);
  const cbc = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' } as const;
  const wrongPadding = nodeCrypto.startDecryption(aes, cbc, { iv: new Uint8Array(16), appendedTag: false });
  wrongPadding.update(new Uint8Array(32));
  const broken = nodeCrypto.startDecryption(aes, cbc, { iv: new Uint8Array(16), appendedTag: false });
  broken.update(new Uint8Array(17));
  const error = { name: 'CryptographyFailedError', message: 'the data cannot be decrypted' };
  t.throws(() => wrongTag.final(new Uint8Array(16)), error);
  t.throws(() => wrongPadding.final(undefined), error);
  t.throws(() => broken.final(undefined), error);
  const { data: sealed } = nodeCrypto.encrypt(aes, gcm, { data: new Uint8Array(4), iv });
  const short = nodeCrypto.startDecryption(aes, gcm, { iv, appendedTag: true });
  short.update(sealed);
  t.throws(() => short.final(undefined), error, 'fewer bytes than a tag has');
  t.end();
});

t.test('modes and keys that need whole data refuse streams', (t) => {
  t.throws(() => nodeCrypto.startEncryption(aes, { BlockCipherMode: 'CCM' }, {}), InvalidParametersError);
  const rest = nodeCrypto.startEncryption(aes, { BlockCipherMode: 'ECB' }, {});
  rest.update(new Uint8Array(5));
  t.throws(() => rest.final(), CryptographyFailedError);
  t.end();
});

t.test('streams of MACs and digests yield the same as whole data', (t) => {
  const data = Uint8Array.from({ length: 100 }, (_, at) => at);
  const macs = ['HMAC_SHA256', 'HMAC_SHA3_512', 'AES'] as const;
  for (const algorithm of macs) {
    const whole = nodeCrypto.mac(aes, { CryptographicAlgorithm: algorithm }, data);
    for (const pattern of cuts) {
      const [making, checking, failing] = [1, 2, 3].map(() => {
        const stream = nodeCrypto.startMac(aes, { CryptographicAlgorithm: algorithm });
        for (const piece of pieces(data, pattern)) stream.update(piece);
        return stream;
      });
      t.same(
        new Uint8Array(making?.final() ?? []),
        new Uint8Array(whole),
        `${algorithm} in pieces of ${pattern}`,
      );
      t.equal(checking?.verify(whole), true);
      t.equal(failing?.verify(whole.subarray(1)), false);
    }
  }
  for (const pattern of cuts) {
    const stream = nodeCrypto.startDigest('SHA_384');
    for (const piece of pieces(data, pattern)) stream.update(piece);
    t.same(stream.final(), nodeCrypto.digest('SHA_384', data));
  }
  t.end();
});

t.test('streams of messages are signed as whole data', async (t) => {
  const kinds = [
    { pair: { algorithm: 'RSA', bits: 2048 }, parameters: { HashingAlgorithm: 'SHA_256' } },
    {
      pair: { algorithm: 'RSA', bits: 2048 },
      parameters: { HashingAlgorithm: 'SHA_256', PaddingMethod: 'PSS' },
    },
    { pair: { algorithm: 'EC', curve: 'P_256' }, parameters: { HashingAlgorithm: 'SHA_256' } },
    { pair: { algorithm: 'EC', curve: 'BRAINPOOLP256R1' }, parameters: { HashingAlgorithm: 'SHA_256' } },
    { pair: { algorithm: 'Ed25519' }, parameters: {} },
  ] as const;
  const data = Uint8Array.from({ length: 100 }, (_, at) => at);
  for (const { pair, parameters } of kinds) {
    const { privateKey, publicKey } = await nodeCrypto.generateKeyPair(pair);
    const CryptographicAlgorithm = pair.algorithm;
    const secret = {
      objectType: 'PrivateKey',
      KeyFormatType: 'PKCS_8',
      KeyMaterial: privateKey,
      CryptographicAlgorithm,
    } as const;
    const open = {
      objectType: 'PublicKey',
      KeyFormatType: 'X_509',
      KeyMaterial: publicKey,
      CryptographicAlgorithm,
    } as const;
    for (const pattern of cuts) {
      const message = nodeCrypto.startMessage(secret, parameters);
      for (const piece of pieces(data, pattern)) message.update(piece);
      const signature = await nodeCrypto.sign(secret, parameters, message.final());
      t.equal(
        await nodeCrypto.verify(open, parameters, { data }, signature),
        true,
        `${JSON.stringify(pair)} in pieces of ${pattern}`,
      );
    }
  }
});
