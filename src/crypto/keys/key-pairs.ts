import { generateKeyPair } from 'node:crypto';
import type { RecommendedCurve } from '../../../codec/enums.ts';
import { generatesLength, type PostQuantumAlgorithm, xWing } from '../algorithms.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { GeneratedKeyPair, KeyPairRequest } from '../provider.ts';
import { limitConcurrency } from '../threads/limit-concurrency.ts';
import { type ByteKeySort, byteKeySorts, byteKeysFor } from './byte-keys.ts';
import { curveNamed, curves } from './curves.ts';
import { writePkcs8, writeSpki } from './der-keys.ts';
import { generateXWing } from './x-wing.ts';

const encodings = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const;

/** Groups of RFC 3526 by the size of their prime. */
const dhGroups = new Map([
  [1536, 'modp5'],
  [2048, 'modp14'],
  [3072, 'modp15'],
  [4096, 'modp16'],
  [6144, 'modp17'],
  [8192, 'modp18'],
]);

/** Curves for new keys: fields of 192 bits and more, and those whose keys are byte strings. */
export const generatedCurves: readonly RecommendedCurve[] = [
  ...curves.filter(({ bits }) => generatesLength('EC', bits)).map(({ name }) => name),
  ...byteKeySorts.flatMap(({ name }) => (name === undefined ? [] : [name])),
];

/** See CryptoProvider.generateKeyPair; the work is done on the pool of libuv. */
export async function generatePair(request: KeyPairRequest): Promise<GeneratedKeyPair> {
  switch (request.algorithm) {
    case 'RSA':
      return generateRsa(request.bits, request.exponent ?? 65_537);
    case 'DSA':
      return generateDsa(request.bits, request.qLength ?? subgroups.get(request.bits)?.[0]);
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
    case 'EC':
    case 'ECDSA':
    case 'ECDH':
    case 'ECMQV':
      return generateOnCurve(request.algorithm, request.curve);
    default:
      return generatePostQuantum(request.algorithm, request.bits);
  }
}

function generateRsa(bits: number, exponent: number): Promise<GeneratedKeyPair> {
  refuseLength('RSA', bits);
  // FIPS 186-5 §5.1: odd and above 2^16; smaller ones invite the attacks on small exponents.
  if (exponent % 2 !== 1 || exponent < 65_537 || exponent > 0xffff_ffff) {
    throw new UnsupportedAlgorithmError('the public exponent must be odd and between 65537 and 4294967295');
  }
  const start = (done: Done) =>
    generateKeyPair('rsa', { modulusLength: bits, publicExponent: exponent, ...encodings }, done);
  return limitConcurrency(() => pair(bits, start));
}

/** Sizes of the subgroup by that of the prime (FIPS 186-4 §4.2), the usual one first. */
const subgroups: ReadonlyMap<number, readonly number[]> = new Map([
  [1024, [160]],
  [2048, [256, 224]],
  [3072, [256]],
]);

function generateDsa(bits: number, qLength = 0): Promise<GeneratedKeyPair> {
  refuseLength('DSA', bits);
  if (!subgroups.get(bits)?.includes(qLength)) {
    throw new UnsupportedAlgorithmError(`DSA of ${bits} bits has no subgroup of ${qLength} bits`);
  }
  const start = (done: Done) =>
    generateKeyPair('dsa', { modulusLength: bits, divisorLength: qLength, ...encodings }, done);
  return limitConcurrency(() => pair(bits, start));
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
  if (curve === undefined)
    throw new UnsupportedAlgorithmError(`there are no ${algorithm} keys on curve ${name}`);
  refuseLength(algorithm, curve.bits);
  return pair(curve.bits, (done) => generateKeyPair('ec', { namedCurve: curve.openssl, ...encodings }, done));
}

/** `bits`: as the client counts them. */
function generatePostQuantum(algorithm: PostQuantumAlgorithm, bits?: number): Promise<GeneratedKeyPair> {
  const sort = byteKeysFor(algorithm) as ByteKeySort;
  if (bits !== undefined) refuseLength(algorithm, bits);
  if (algorithm === xWing) return Promise.resolve(xWingPair(sort, bits ?? sort.bits));
  const start = (done: Done) => generateKeyPair(sort.nodeType as 'ed25519', encodings, done);
  return limitConcurrency(() => pair(bits ?? sort.bits, start));
}

function xWingPair(sort: ByteKeySort, bits: number): GeneratedKeyPair {
  const { seed, publicKey } = generateXWing();
  const privateKey = writePkcs8({ kind: 'bytePrivate', sort, key: seed }) as Uint8Array;
  seed.fill(0);
  return {
    privateKey,
    publicKey: writeSpki({ kind: 'bytePublic', sort, key: publicKey }) as Uint8Array,
    bits,
  };
}

function refuseLength(algorithm: KeyPairRequest['algorithm'], bits: number): void {
  if (!generatesLength(algorithm, bits)) {
    throw new UnsupportedAlgorithmError(`the server makes no ${algorithm} keys of ${bits} bits`);
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

/** A Buffer's memory as a Uint8Array: Buffer.slice would share it. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
