import { generateKeyPair } from 'node:crypto';
import type { RecommendedCurve } from '../../codec/enums.ts';
import { generatesLength } from './algorithms.ts';
import { byteCurves, curveNamed, curves } from './curves.ts';
import { AlgorithmUnsupported, type GeneratedKeyPair, type KeyPairRequest } from './provider.ts';

const encodings = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const;

/** Groups of RFC 3526 by the size of their prime. */
const dhGroups = new Map([
  [2048, 'modp14'],
  [3072, 'modp15'],
  [4096, 'modp16'],
  [6144, 'modp17'],
  [8192, 'modp18'],
]);

/** Curves for new keys: at least 112 bits of strength, and those that are byte strings. */
export const generatedCurves: readonly RecommendedCurve[] = [
  ...curves.filter(({ bits }) => generatesLength('EC', bits)).map(({ name }) => name),
  ...byteCurves.flatMap(({ name }) => (name === undefined ? [] : [name])),
];

/** See CryptoProvider.generateKeyPair; the work is done on the pool of libuv. */
export async function generatePair(request: KeyPairRequest): Promise<GeneratedKeyPair> {
  switch (request.algorithm) {
    case 'RSA':
      return generateRsa(request.bits, request.exponent ?? 65_537);
    case 'DSA':
      return generateDsa(request.bits, request.qLength ?? 256);
    case 'DH': {
      const { bits } = request;
      refuseLength('DH', bits);
      const group = dhGroups.get(bits) as string;
      return pair(bits, (done) => generateKeyPair('dh', { group, ...encodings }, done));
    }
    case 'Ed25519':
      return pair(256, (done) => generateKeyPair('ed25519', encodings, done));
    case 'Ed448':
      return pair(456, (done) => generateKeyPair('ed448', encodings, done));
    default:
      return generateOnCurve(request.algorithm, request.curve);
  }
}

function generateRsa(bits: number, exponent: number): Promise<GeneratedKeyPair> {
  refuseLength('RSA', bits);
  // FIPS 186-5 §5.1: odd and above 2^16; smaller ones invite the attacks on small exponents.
  if (exponent % 2 !== 1 || exponent < 65_537 || exponent > 0xffff_ffff) {
    throw new AlgorithmUnsupported('the public exponent must be odd and between 65537 and 4294967295');
  }
  return searched(bits, (done) =>
    generateKeyPair('rsa', { modulusLength: bits, publicExponent: exponent, ...encodings }, done),
  );
}

function generateDsa(bits: number, qLength: number): Promise<GeneratedKeyPair> {
  refuseLength('DSA', bits);
  if (qLength !== 256 && !(qLength === 224 && bits === 2048)) {
    throw new AlgorithmUnsupported(`DSA of ${bits} bits has no subgroup of ${qLength} bits`);
  }
  return searched(bits, (done) =>
    generateKeyPair('dsa', { modulusLength: bits, divisorLength: qLength, ...encodings }, done),
  );
}

function generateOnCurve(
  algorithm: 'EC' | 'ECDSA' | 'ECDH' | 'ECMQV',
  name: RecommendedCurve,
): Promise<GeneratedKeyPair> {
  if ((name === 'CURVE25519' || name === 'CURVE448') && (algorithm === 'EC' || algorithm === 'ECDH')) {
    return name === 'CURVE25519'
      ? pair(256, (done) => generateKeyPair('x25519', encodings, done))
      : pair(448, (done) => generateKeyPair('x448', encodings, done));
  }
  const curve = curveNamed(name);
  if (curve === undefined) throw new AlgorithmUnsupported(`there are no ${algorithm} keys on curve ${name}`);
  refuseLength(algorithm, curve.bits);
  return pair(curve.bits, (done) => generateKeyPair('ec', { namedCurve: curve.openssl, ...encodings }, done));
}

function refuseLength(algorithm: KeyPairRequest['algorithm'], bits: number): void {
  if (!generatesLength(algorithm, bits)) {
    throw new AlgorithmUnsupported(`the server makes no ${algorithm} keys of ${bits} bits`);
  }
}

type Done = (error: Error | null, publicKey: Uint8Array, privateKey: Uint8Array) => void;

/** OpenSSL hands over buffers of their own, so there is nothing to copy and nothing to wipe. */
function pair(bits: number, start: (done: Done) => void): Promise<GeneratedKeyPair> {
  return new Promise((resolve, reject) => {
    start((error, publicKey, privateKey) => {
      if (error) reject(error);
      else resolve({ privateKey: plain(privateKey), publicKey: plain(publicKey), bits });
    });
  });
}

/** Searches for primes that may run at once: the pool has four threads, and signatures need some of them too. */
const mostSearches = 2;
let searches = 0;
const waiting: (() => void)[] = [];

/** A pair whose primes take seconds to find. Searches wait for each other, so that nothing else waits for them. */
async function searched(bits: number, start: (done: Done) => void): Promise<GeneratedKeyPair> {
  if (searches < mostSearches) searches++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await pair(bits, start);
  } finally {
    const next = waiting.shift();
    if (next === undefined) searches--;
    else next();
  }
}

/** A Buffer's memory as a Uint8Array: Buffer.slice would share it. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
