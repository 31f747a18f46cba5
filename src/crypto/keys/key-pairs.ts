import { generateKeyPair as generateNative } from 'node:crypto';
import type { RecommendedCurve } from '../../../codec/enums.ts';
import { type PostQuantumAlgorithm, xWing } from '../algorithm-table.ts';
import { generatesLength } from '../algorithms.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { GeneratedKeyPair, KeyPairRequest } from '../provider.ts';
import { limitConcurrency, runBriefly, runOnPool } from '../threads/limit-concurrency.ts';
import { type ByteKeyType, byteKeyTypes, findTypeOfAlgorithm } from './byte-keys.ts';
import { curves, findCurve } from './curves.ts';
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

/** Curves for new keys: those of fields of 192 bits and more, and those whose keys are byte strings. */
export const generatableCurves: readonly RecommendedCurve[] = [
  ...curves.filter(({ bits }) => generatesLength('EC', bits)).map(({ name }) => name),
  ...byteKeyTypes.flatMap(({ name }) => (name === undefined ? [] : [name])),
];

/**
 * Generates a key pair on libuv's pool.
 * @throws {UnsupportedAlgorithmError} for an algorithm, length, curve or exponent that is not offered
 */
export async function generateKeyPair(request: KeyPairRequest): Promise<GeneratedKeyPair> {
  switch (request.algorithm) {
    case 'RSA':
      return generateRsa(request.bits, request.exponent ?? 65_537);
    case 'DSA':
      return generateDsa(request.bits, request.qLength ?? subgroups.get(request.bits)?.[0]);
    case 'DH': {
      const { bits } = request;
      requireGeneratedLength('DH', bits);
      const group = dhGroups.get(bits) as string;
      return runGeneration(bits, (done) => generateNative('dh', { group, ...encodings }, done), runOnPool);
    }
    case 'Ed25519':
      return runGeneration(256, (done) => generateNative('ed25519', encodings, done));
    case 'Ed448':
      return runGeneration(456, (done) => generateNative('ed448', encodings, done));
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
  requireGeneratedLength('RSA', bits);
  // FIPS 186-5 §5.1: odd and above 2^16; smaller ones invite the attacks on small exponents.
  if (exponent % 2 !== 1 || exponent < 65_537 || exponent > 0xffff_ffff) {
    throw new UnsupportedAlgorithmError('the public exponent must be odd and between 65537 and 4294967295');
  }
  const start = (done: Done) =>
    generateNative('rsa', { modulusLength: bits, publicExponent: exponent, ...encodings }, done);
  return runGeneration(bits, start, limitConcurrency);
}

/** Bits of the subgroup by the bits of the prime (FIPS 186-4 §4.2), the default first. */
const subgroups: ReadonlyMap<number, readonly number[]> = new Map([
  [1024, [160]],
  [2048, [256, 224]],
  [3072, [256]],
]);

function generateDsa(bits: number, qLength = 0): Promise<GeneratedKeyPair> {
  requireGeneratedLength('DSA', bits);
  if (!subgroups.get(bits)?.includes(qLength)) {
    throw new UnsupportedAlgorithmError(`DSA of ${bits} bits has no subgroup of ${qLength} bits`);
  }
  const start = (done: Done) =>
    generateNative('dsa', { modulusLength: bits, divisorLength: qLength, ...encodings }, done);
  return runGeneration(bits, start, limitConcurrency);
}

function generateOnCurve(
  algorithm: 'EC' | 'ECDSA' | 'ECDH' | 'ECMQV',
  name: RecommendedCurve,
): Promise<GeneratedKeyPair> {
  if ((name === 'CURVE25519' || name === 'CURVE448') && (algorithm === 'EC' || algorithm === 'ECDH')) {
    return name === 'CURVE25519'
      ? runGeneration(256, (done) => generateNative('x25519', encodings, done))
      : runGeneration(448, (done) => generateNative('x448', encodings, done));
  }
  const curve = findCurve(name);
  if (curve === undefined)
    throw new UnsupportedAlgorithmError(`there are no ${algorithm} keys on curve ${name}`);
  requireGeneratedLength(algorithm, curve.bits);
  return runGeneration(curve.bits, (done) =>
    generateNative('ec', { namedCurve: curve.openssl, ...encodings }, done),
  );
}

/** `bits`: in the client's count. */
function generatePostQuantum(algorithm: PostQuantumAlgorithm, bits?: number): Promise<GeneratedKeyPair> {
  const type = findTypeOfAlgorithm(algorithm) as ByteKeyType;
  if (bits !== undefined) requireGeneratedLength(algorithm, bits);
  if (algorithm === xWing) return Promise.resolve(generateXWingPair(type, bits ?? type.bits));
  const start = (done: Done) => generateNative(type.nodeType as 'ed25519', encodings, done);
  return runGeneration(bits ?? type.bits, start, limitConcurrency);
}

function generateXWingPair(type: ByteKeyType, bits: number): GeneratedKeyPair {
  const { seed, publicKey } = generateXWing();
  const privateKey = writePkcs8({ kind: 'bytePrivate', type, key: seed }) as Uint8Array;
  seed.fill(0);
  return {
    privateKey,
    publicKey: writeSpki({ kind: 'bytePublic', type, key: publicKey }) as Uint8Array,
    bits,
  };
}

function requireGeneratedLength(algorithm: KeyPairRequest['algorithm'], bits: number): void {
  if (!generatesLength(algorithm, bits)) {
    throw new UnsupportedAlgorithmError(`the server makes no ${algorithm} keys of ${bits} bits`);
  }
}

type Done = (error: Error | null, publicKey: Uint8Array, privateKey: Uint8Array) => void;

/** Generates a pair in the queue. OpenSSL returns buffers of their own, so nothing is copied or wiped. */
function runGeneration(
  bits: number,
  start: (done: Done) => void,
  runInTurn: typeof runOnPool = runBriefly,
): Promise<GeneratedKeyPair> {
  const generate = () =>
    new Promise<GeneratedKeyPair>((resolve, reject) => {
      start((error, publicKey, privateKey) => {
        if (error) reject(error);
        else resolve({ privateKey: toUint8Array(privateKey), publicKey: toUint8Array(publicKey), bits });
      });
    });
  return runInTurn(generate);
}

/** Returns a Buffer's memory as a Uint8Array, whose `slice` copies. */
function toUint8Array(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
