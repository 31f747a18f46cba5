import { generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import t, { type Test } from 'tap';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { invertModulo, powerModulo, toBigInt } from '../../../../src/crypto/asn1/big-integers.ts';
import { closeThreads } from '../../../../src/crypto/node/node.ts';
import {
  big,
  type Encoded,
  type GroupNumbers,
  judge,
  keyObject,
  modular,
  type RsaNumbers,
  rsaPrivate,
  rsaPublic,
  type Side,
} from './encoded-keys.ts';

/** Keys made of numbers: RSA, DSA, Diffie-Hellman, parts of Split Keys; every flaw in every format. */

t.teardown(closeThreads);

const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });

/** A key of any primes, whose other numbers fit them. */
function rsa(p: bigint, q: bigint, e = 65_537n): RsaNumbers {
  const d = invertModulo(e, (p - 1n) * (q - 1n));
  return {
    n: p * q,
    e,
    d,
    p,
    q,
    dP: d % (p - 1n),
    dQ: d % (q - 1n),
    qInv: p === q ? 1n : invertModulo(q, p),
  };
}

function numbersOf(key: KeyObject): RsaNumbers {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const number = (name: string) => toBigInt(Buffer.from(jwk[name] as string, 'base64url'));
  const [n, e, d, p, q] = ['n', 'e', 'd', 'p', 'q'].map(number) as [bigint, bigint, bigint, bigint, bigint];
  return { n, e, d, p, q, dP: number('dp'), dQ: number('dq'), qInv: number('qi') };
}

/** A prime of `bits` of which e has an inverse. */
function primeFor(e: bigint, bits: number): bigint {
  for (;;) {
    const found = prime(bits);
    if ((found - 1n) % e !== 0n) return found;
  }
}

async function refusedInEach(t: Test, side: Side, flaws: Readonly<Record<string, [Encoded[], RegExp]>>) {
  for (const [flaw, [forms, reason]] of Object.entries(flaws))
    for (const form of forms)
      t.match(await judge(keyObject(side, form)), reason, `${flaw}, ${side} as ${form[0]}`);
}

const good = rsa(primeFor(65_537n, 512), primeFor(65_537n, 512));

t.test('RSA keys of the field are accepted in every format', async (t) => {
  const keys: Record<string, RsaNumbers> = {
    'of OpenSSL': numbersOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    'with e = 3': rsa(primeFor(3n, 512), primeFor(3n, 512), 3n),
    'with e = 17': rsa(primeFor(17n, 512), primeFor(17n, 512), 17n),
    'with the smaller prime first': good.p < good.q ? good : rsa(good.q, good.p),
    'with the larger prime first': good.p > good.q ? good : rsa(good.q, good.p),
    'with d modulo the least common multiple': {
      ...good,
      d: good.d % (((good.p - 1n) * (good.q - 1n)) / 2n),
    },
    'of 512 bits': rsa(primeFor(65_537n, 256), primeFor(65_537n, 256)),
  };
  for (const [name, key] of Object.entries(keys)) {
    for (const form of rsaPrivate(key))
      t.equal(await judge(keyObject('PrivateKey', form)), 'accepted', `${name} ${form[0]}`);
    for (const form of rsaPublic(key))
      t.equal(await judge(keyObject('PublicKey', form)), 'accepted', `${name} ${form[0]}`);
  }
  const { n, e, d, p, q } = good;
  for (const KeyMaterial of [
    { Modulus: big(n), PublicExponent: big(e), PrivateExponent: big(d) },
    { Modulus: big(n), PrivateExponent: big(d) },
    { Modulus: big(n), PublicExponent: big(e), P: big(p), Q: big(q) },
  ])
    t.equal(
      await judge(keyObject('PrivateKey', ['TransparentRSAPrivateKey', KeyMaterial])),
      'accepted',
      Object.keys(KeyMaterial).join(),
    );
});

t.test('flawed RSA public keys are refused with the reason in every format', async (t) => {
  const exponent = /public exponent of RSA is not odd, from 3/;
  await refusedInEach(t, 'PublicKey', {
    'even n': [rsaPublic({ ...good, n: good.n + 1n }), /modulus is even/],
    'a small factor': [rsaPublic({ ...good, n: good.n * 751n }), /small factor/],
    'e = 1': [rsaPublic({ ...good, e: 1n }), exponent],
    'e = 2': [rsaPublic({ ...good, e: 2n }), exponent],
    'even e': [rsaPublic({ ...good, e: 65_536n }), exponent],
    'e = n': [rsaPublic({ ...good, e: good.n }), exponent],
  });
});

t.test('flawed RSA private keys are refused with the reason in every format', async (t) => {
  const other = rsa(primeFor(65_537n, 512), primeFor(65_537n, 512));
  const composite = primeFor(65_537n, 256) * primeFor(65_537n, 256);
  const changed = (change: Partial<RsaNumbers>) => rsaPrivate({ ...good, ...change });
  const together = /do not belong together|not that of the private exponent|is not odd/;
  await refusedInEach(t, 'PrivateKey', {
    'e = 1': [changed({ e: 1n, d: 1n, dP: 1n, dQ: 1n }), /public exponent/],
    'e = 2': [changed({ e: 2n }), /public exponent/],
    'even n': [changed({ n: good.n + 1n }), /modulus is even/],
    'p = q': [rsaPrivate(rsa(good.p, good.p)), /primes of RSA are equal/],
    // Longer than d, which is compared with n first.
    'another n': [changed({ n: other.n * other.p }), /do not make up the modulus/],
    'another p': [changed({ p: other.p }), /do not make up the modulus/],
    'p = 1': [changed({ p: 1n, q: good.n }), /do not make up the modulus/],
    'another d': [changed({ d: other.d }), together],
    'd = 1': [changed({ d: 1n }), together],
    'even d': [changed({ d: good.d + 1n }), together],
    'another e': [changed({ e: 17n }), together],
    'another dP': [changed({ dP: other.dP % (good.p - 1n) }), together],
    'another dQ': [changed({ dQ: other.dQ % (good.q - 1n) }), together],
    'unreduced dP': [changed({ dP: good.dP + good.p - 1n }), /too large/],
    'another qInv': [changed({ qInv: other.qInv % good.p }), /CRT coefficient/],
    'composite p': [rsaPrivate(rsa(composite, good.q)), /prime of RSA is composite/],
    'composite q': [rsaPrivate(rsa(good.p, composite)), /prime of RSA is composite/],
  });
  const { n, e } = good;
  const withoutPrimes = { Modulus: big(n), PublicExponent: big(e), PrivateExponent: big(other.d) };
  t.match(
    await judge(keyObject('PrivateKey', ['TransparentRSAPrivateKey', withoutPrimes])),
    /do not belong together|below the modulus/,
  );
});

/** A group with a subgroup of prime order, as DSA has. */
const dsa = (() => {
  const q = prime(160);
  for (;;) {
    const p = 2n * q * ((prime(352) << 1n) | 1n) + 1n;
    if (powerModulo(2n, p - 1n, p) !== 1n) continue;
    const g = powerModulo(2n, (p - 1n) / q, p);
    if (g !== 1n) return { p, q, g, x: 1_234_567n, y: powerModulo(g, 1_234_567n, p) };
  }
})();
const safe = generatePrimeSync(512, { safe: true, bigint: true });

t.test('good keys of DSA and Diffie-Hellman are accepted in every format', async (t) => {
  const { p, q, g, x, y } = dsa;
  const keys: [string, Side, Encoded[]][] = [
    ['DSA', 'PublicKey', modular('DSA', { p, q, g, y })],
    ['DSA', 'PrivateKey', modular('DSA', { p, q, g, x })],
    ['DH with Q', 'PublicKey', modular('DH', { p, q, g, y })],
    ['DH with Q', 'PrivateKey', modular('DH', { p, q, g, x })],
    ['DH', 'PublicKey', modular('DH', { p: safe, g: 2n, y: powerModulo(2n, x, safe) })],
    ['DH', 'PrivateKey', modular('DH', { p: safe, g: 2n, x })],
  ];
  for (const [name, side, forms] of keys)
    for (const form of forms) t.equal(await judge(keyObject(side, form)), 'accepted', `${name} ${form[0]}`);
});

t.test('flawed keys of DSA and Diffie-Hellman are refused with the reason in every format', async (t) => {
  const { p, q, g, x, y } = dsa;
  const outside = powerModulo(2n, 3n, p);
  for (const kind of ['DSA', 'DH'] as const) {
    const publicKey = (change: Partial<GroupNumbers>) => modular(kind, { p, q, g, y, ...change });
    const privateKey = (change: Partial<GroupNumbers>) => modular(kind, { p, q, g, x, ...change });
    const range = /is not between 1 and P - 1/;
    await refusedInEach(t, 'PublicKey', {
      'y = 1': [publicKey({ y: 1n }), range],
      'y = p - 1': [publicKey({ y: p - 1n }), range],
      'y = p': [publicKey({ y: p }), range],
      'y outside the subgroup': [publicKey({ y: outside }), /Y is not in the subgroup/],
      'g = 1': [publicKey({ g: 1n }), range],
      'g outside the subgroup': [publicKey({ g: outside }), /G is not in the subgroup/],
      'even p': [publicKey({ p: p + 1n }), /P is not an odd prime/],
      'q that does not divide p - 1': [publicKey({ q: prime(160) }), /does not divide/],
      'composite p': [modular(kind, { p: compositeFor(q), q, g, y }), /P is composite/],
    });
    await refusedInEach(t, 'PrivateKey', {
      'x = q': [privateKey({ x: q }), /X is not below/],
      'g = p - 1': [privateKey({ g: p - 1n }), range],
    });
  }
  await refusedInEach(t, 'PublicKey', {
    'y = p - 1 without q': [modular('DH', { p: safe, g: 2n, y: safe - 1n }), /Y is not between/],
    'a group too long to be checked': [
      modular('DH', { p: (1n << 16_000n) - 1n, q: 3n ** 700n, g: 2n, y: 4n }),
      /does not divide|cannot be checked/,
    ],
  });
});

/** p = 1 modulo q that is no prime, as long as that of the group. */
function compositeFor(q: bigint): bigint {
  for (let factor = 2n ** 356n; ; factor += 2n) {
    const candidate = q * factor + 1n;
    if (candidate % 3n === 0n && (candidate & 1n) === 1n) return candidate;
  }
}

t.test('parts of Split Keys whose field cannot hold them are refused with the reason', async (t) => {
  const part = (change: object, material: Uint8Array = new Uint8Array(16).fill(1), bits = 128) =>
    ({
      type: 'SplitKey',
      value: {
        SplitKeyParts: 5,
        KeyPartIdentifier: 1,
        SplitKeyThreshold: 2,
        SplitKeyMethod: 'PolynomialSharingPrimeField',
        ...change,
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: material, Attributes: [] },
          CryptographicAlgorithm: 'AES',
          CryptographicLength: bits,
        },
      },
    }) as ManagedObjectValue;
  const field = prime(129);
  const table: [string, ManagedObjectValue, RegExp][] = [
    ['a good field', part({ PrimeFieldSize: big(field) }), /^accepted$/],
    [
      '255 parts in GF(2^8)',
      part({ SplitKeyMethod: 'PolynomialSharingGF2_8', SplitKeyParts: 255 }),
      /^accepted$/,
    ],
    [
      '256 parts in GF(2^8)',
      part({ SplitKeyMethod: 'PolynomialSharingGF2_8', SplitKeyParts: 256 }),
      /so many/,
    ],
    [
      '65,536 parts in GF(2^16)',
      part({ SplitKeyMethod: 'PolynomialSharingGF2_16', SplitKeyParts: 65_536 }),
      /so many/,
    ],
    ['as many parts as the prime', part({ PrimeFieldSize: big(5n) }, Uint8Array.of(1), 2), /so many/],
    ['a composite field', part({ PrimeFieldSize: big(field * 3n) }), /not a prime/],
    ['a field below the key', part({ PrimeFieldSize: big(prime(100)) }), /too small/],
    [
      'a part beyond the field',
      part({ PrimeFieldSize: big(field) }, new Uint8Array(17).fill(255)),
      /not below/,
    ],
    ['a negative field', part({ PrimeFieldSize: new Uint8Array(8).fill(255) }), /positive/],
    ['a field of 1,000 bytes', part({ PrimeFieldSize: new Uint8Array(1000).fill(1) }), /at most 512 bytes/],
  ];
  for (const [name, value, expected] of table) t.match(await judge(value), expected, name);
});
