import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generatePrimeSync } from 'node:crypto';
import t from 'tap';
import type { TransparentKeyMaterial } from '../../../../codec/structures/key-block.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

/** Public keys that show something of the private key, or belong to no group. */

const agree = (key: PlainKey, peer: PlainKey) =>
  nodeCrypto.deriveKey({ method: 'AsymmetricKey', key, peer, parameters: {}, data: [], length: 16 });

const der = (objectType: 'PrivateKey' | 'PublicKey', KeyMaterial: Uint8Array): PlainKey => ({
  objectType,
  KeyFormatType: objectType === 'PrivateKey' ? 'PKCS_8' : 'X_509',
  KeyMaterial,
});

t.test('a point that is not on the curve agrees on nothing', async (t) => {
  for (const curve of ['P_256', 'P_384', 'P_521', 'SECP256K1', 'BRAINPOOLP256R1'] as const) {
    const pair = await nodeCrypto.generateKeyPair({ algorithm: 'ECDH', curve });
    const key = der('PrivateKey', pair.privateKey);
    t.equal((await agree(key, der('PublicKey', pair.publicKey))).length, 16, curve);
    const wrong = Uint8Array.from(pair.publicKey);
    wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
    await t.rejects(agree(key, der('PublicKey', wrong)), curve);
  }
});

t.test('a point of small order agrees on nothing', async (t) => {
  // RFC 7748 §6: 0, 1 and −1 have small order on both curves.
  for (const [curve, size, last] of [
    ['CURVE25519', 32, { 0: 0xec, 31: 0x7f }],
    ['CURVE448', 56, { 0: 0xfe, 28: 0xfe }],
  ] as const) {
    const pair = await nodeCrypto.generateKeyPair({ algorithm: 'ECDH', curve });
    const minusOne = Object.assign(new Uint8Array(size).fill(0xff), last);
    for (const point of [new Uint8Array(size), Object.assign(new Uint8Array(size), { 0: 1 }), minusOne]) {
      const peer = Uint8Array.from([...pair.publicKey.slice(0, -size), ...point]);
      await t.rejects(
        agree(der('PrivateKey', pair.privateKey), der('PublicKey', peer)),
        `${curve} ${point[0]}`,
      );
    }
  }
});

function bigInteger(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return Uint8Array.from(Buffer.from(hex.padStart(Math.ceil((hex.length + 1) / 16) * 16, '0'), 'hex'));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, factor] = [1n, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

const transparent = (
  KeyFormatType: 'TransparentDHPrivateKey' | 'TransparentDHPublicKey',
  numbers: Readonly<Record<string, bigint | undefined>>,
): PlainKey => ({
  objectType: KeyFormatType === 'TransparentDHPrivateKey' ? 'PrivateKey' : 'PublicKey',
  KeyFormatType,
  KeyMaterial: Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, bigInteger(value)]],
    ),
  ) as TransparentKeyMaterial,
  CryptographicAlgorithm: 'DH',
});

/** RFC 5114 §2.1: a prime of 1024 bits with a subgroup of 160 bits; p − 1 has small factors. */
const p = BigInt(
  '0xB10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D189838EF1E2EE652C013ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A73724EFFD6FAE5644738FAA31A4FF55BCCC0A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708DF1FB2BC2E4A4371',
);
const g = BigInt(
  '0xA4D1CBD5C3FD34126765A442EFB99905F8104DD258AC507FD6406CFF14266D31266FEA1E5C41564B777E690F5504F213160217B4B01B886A5E91547F9E2749F4D7FBD7D3B9A92EE1909D0D2263F80A76A6A24C087A091F531DBF0A0169B6A28AD662A4D18E73AFA32D779D5918D08BC8858F4DCEF97C2A24855E6EEB22B3B2E5',
);
const q = BigInt('0xF518AA8781A8DF278ABA4E7D64B7CB9D49462353');
const x = 0x1234567890abcdef1234567890abcdefn;

/** A safe prime of 512 bits. */
const safe = generatePrimeSync(512, { safe: true, bigint: true });

/** Elements of the small orders that divide (p − 1) / q, and their orders. */
function smallElements(): [order: bigint, element: bigint][] {
  const found: [bigint, bigint][] = [[2n, p - 1n]];
  for (let order = 3n; order < 2_000n; order += 2n) {
    if ((p - 1n) % order !== 0n) continue;
    for (let base = 2n; ; base += 1n) {
      const element = power(base, (p - 1n) / order, p);
      if (element === 1n) continue;
      found.push([order, element]);
      break;
    }
  }
  return found;
}

t.test('a DH key agrees on nothing in a group with small subgroups, whatever the peer states', async (t) => {
  const small = smallElements();
  t.ok(small.length > 1, 'the group has small subgroups');
  const good = [0n, power(g, 77n, p)] as const;
  for (const Q of [undefined, q]) {
    const own = transparent('TransparentDHPrivateKey', { P: p, G: g, Q, X: x });
    for (const [order, element] of [[1n, 1n], good, ...small] as const) {
      for (const stated of [undefined, q, order === 0n ? q : order]) {
        const peer = transparent('TransparentDHPublicKey', { P: p, G: g, Q: stated, Y: element });
        await t.rejects(agree(own, peer), `Q ${Q}, order ${order}, the peer states ${stated}`);
      }
    }
  }
});

t.test('a DH key agrees where the prime is safe, also outside the groups of RFC 3526', async (t) => {
  const known = await nodeCrypto.generateKeyPair({ algorithm: 'DH', bits: 2_048 });
  const key = der('PrivateKey', known.privateKey);
  t.equal((await agree(key, der('PublicKey', known.publicKey))).length, 16);
  const own = transparent('TransparentDHPrivateKey', { P: safe, G: 2n, X: x });
  const peer = (Y: bigint) => transparent('TransparentDHPublicKey', { P: safe, G: 2n, Y });
  const shared = power(power(2n, 77n, safe), x, safe);
  t.same(await agree(own, peer(power(2n, 77n, safe))), bigInteger(shared).slice(-64, -48));
  for (const element of [1n, safe - 1n]) await t.rejects(agree(own, peer(element)), `${element}`);
});

const noOpenssl = spawnSync('openssl', ['version']).status !== 0 && 'openssl is not installed';

t.test('a DH key agrees in the groups of RFC 7919', { skip: noOpenssl }, async (t) => {
  for (const bits of [2_048, 3_072, 4_096, 6_144, 8_192]) {
    const options = ['-algorithm', 'DH', '-pkeyopt', `group:ffdhe${bits}`, '-outform', 'DER'];
    const { stdout } = spawnSync('openssl', ['genpkey', ...options]);
    const privateKey = createPrivateKey({ key: stdout, format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    const key = der('PrivateKey', Uint8Array.from(stdout));
    t.equal((await agree(key, der('PublicKey', Uint8Array.from(publicKey)))).length, 16, `${bits} bits`);
  }
});
