import { diffieHellman, pbkdf2 } from 'node:crypto';
import type { DerivationMethod } from '../../../codec/enums.ts';
import { concatBytes } from '../../common/bytes.ts';
import { encrypt } from '../ciphers/encryption.ts';
import {
  CryptographyFailedError,
  InvalidParametersError,
  MissingInputError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import { digest, requireHash } from '../hashes/hashes.ts';
import type { KeyComponents } from '../keys/key-components.ts';
import { createKeyObject, requireComponents } from '../keys/key-objects.ts';
import type { KeyDerivation } from '../provider.ts';
import { limitConcurrency, runBriefly, runOnPool } from '../threads/limit-concurrency.ts';
import { concatBlocks, requireData, requireShort } from './derivation-data.ts';
import { requireSafeGroup } from './dh-groups.ts';
import { createHmacPrf, createSymmetricKey, readSecret, requireHashOfDerivation } from './prf.ts';
import { counterMode, deriveNist, doublePipelineMode, feedbackMode } from './sp800-108.ts';

/* Key derivation (KMIP 2.1 §6.1.17 and §11.16, 1.4 §4.6 and §9.1.3.2.21). */

type MethodName = Exclude<DerivationMethod, number>;

const methods: Readonly<Record<MethodName, (derivation: KeyDerivation) => Uint8Array | Promise<Uint8Array>>> =
  {
    PBKDF2: derivePbkdf2,
    HASH: deriveHash,
    HMAC: deriveHmac,
    ENCRYPT: deriveEncrypt,
    NIST800_108_C: (derivation) => deriveNist(derivation, counterMode),
    NIST800_108_F: (derivation) => deriveNist(derivation, feedbackMode),
    NIST800_108_DPI: (derivation) => deriveNist(derivation, doublePipelineMode),
    AsymmetricKey: deriveAgreement,
    AWSSignatureVersion4: deriveAws,
    HKDF: deriveHkdf,
  };

/**
 * Maximum iterations of all blocks of one PBKDF2 together: the largest count in RFC 6070, which occupies a
 * thread for some seconds. Today's recommendations are below a tenth of it.
 */
const maxIterations = 16_777_216;
/** Derivations of more iterations, which take a tenth of a second, wait for other slow work. */
const maxFastIterations = 100_000;

/**
 * Derives `length` bytes by the method of the derivation; wipes the rest of the method's output.
 * @throws {UnsupportedAlgorithmError} for a method, hash or key that is not offered
 * @throws {InvalidParametersError} when parameters are missing or contradict each other
 * @throws {MissingInputError} when an Initialization Vector is missing
 * @throws {CryptographyFailedError} when the method yields fewer bytes, or the keys do not agree on a secret
 */
export async function deriveKey(derivation: KeyDerivation): Promise<Uint8Array> {
  const { method, length } = derivation;
  const derive = typeof method === 'string' ? methods[method] : undefined;
  if (derive === undefined) throw new UnsupportedAlgorithmError(`there is no derivation method ${method}`);
  const output = await derive(derivation);
  if (output.length < length) {
    output.fill(0);
    throw new CryptographyFailedError(
      `${method} gives ${output.length} bytes, fewer than the ${length} asked for`,
    );
  }
  const key = new Uint8Array(output.subarray(0, length));
  output.fill(0);
  return key;
}

/** RFC 8018 §5.2; the base object is the password. SHA-1 by default, as in the RFC and in TC-DERIVEKEY-3. */
async function derivePbkdf2(derivation: KeyDerivation): Promise<Uint8Array> {
  const { key, salt, iterations, length } = derivation;
  const { name, bytes } = requireHash(requireHashOfDerivation(derivation));
  if (salt === undefined || iterations === undefined)
    throw new InvalidParametersError('PBKDF2 needs Salt and Iteration Count');
  const work = iterations * Math.ceil(length / bytes);
  if (iterations < 1 || work > maxIterations) {
    throw new InvalidParametersError(
      `an Iteration Count of ${iterations} is not offered for ${length} bytes`,
    );
  }
  const password = readSecret(key);
  const run = () =>
    new Promise<Uint8Array>((resolve, reject) => {
      pbkdf2(password, salt, iterations, length, name, (error, output) => {
        if (error) reject(error);
        else resolve(output);
      });
    });
  return work <= maxFastIterations ? runOnPool(run) : limitConcurrency(run);
}

/** Hashes the key alone: the specification does not define how data would be joined to it. */
function deriveHash(derivation: KeyDerivation): Uint8Array {
  const { key, data } = derivation;
  if (data.some((piece) => piece.length > 0))
    throw new InvalidParametersError('HASH is over the key alone: Derivation Data is one too many');
  return digest(requireHashOfDerivation(derivation), readSecret(key));
}

function deriveHmac(derivation: KeyDerivation): Uint8Array {
  const prf = createHmacPrf(requireHashOfDerivation(derivation), readSecret(derivation.key));
  return prf(requireData(derivation.data));
}

function deriveEncrypt({ key, parameters, data, iv }: KeyDerivation): Uint8Array {
  const CryptographicAlgorithm = key.CryptographicAlgorithm ?? parameters.CryptographicAlgorithm;
  const cipherKey = { ...createSymmetricKey(readSecret(key)), CryptographicAlgorithm };
  const encrypted = encrypt(cipherKey, parameters, { data: requireData(data), iv });
  // With a random vector the key could not be derived again.
  if (encrypted.iv !== undefined) throw new MissingInputError('Initialization Vector is missing');
  return encrypted.data;
}

/** RFC 5869; Derivation Data is the info, SHA-256 the default hash. */
function deriveHkdf(derivation: KeyDerivation): Uint8Array {
  const { key, data, salt, length } = derivation;
  const hash = requireHashOfDerivation(derivation);
  const { bytes } = requireHash(hash);
  if (length > 255 * bytes)
    throw new CryptographyFailedError(`HKDF gives at most ${255 * bytes} bytes with ${hash}`);
  const extracted = createHmacPrf(hash, salt ?? new Uint8Array(bytes))(readSecret(key));
  const info = requireShort(concatBytes(data));
  const expand = createHmacPrf(hash, extracted);
  let block: Uint8Array = new Uint8Array();
  return concatBlocks(length, (index) => {
    block = expand(block, info, Uint8Array.of(index));
    return block;
  });
}

const encoder = new TextEncoder();

/**
 * Derives the signing key of AWS Signature Version 4 from date, region, service and the optional
 * `aws4_request`.
 */
function deriveAws(derivation: KeyDerivation): Uint8Array {
  const { key, data } = derivation;
  if (requireHashOfDerivation(derivation) !== 'SHA_256')
    throw new InvalidParametersError('the hash of AWS Signature Version 4 is SHA-256');
  const scope = data.length === 1 ? splitScope(concatBytes(data)) : [...data];
  if (scope.length === 3) scope.push(encoder.encode('aws4_request'));
  if (scope.length !== 4) {
    throw new InvalidParametersError(
      'Derivation Data must be date, region and service, one by one or with / between',
    );
  }
  const secret = concatBytes([encoder.encode('AWS4'), readSecret(key)]);
  return scope.reduce((signing, piece) => createHmacPrf('SHA_256', signing)(piece), secret);
}

function splitScope(scope: Uint8Array): Uint8Array[] {
  return new TextDecoder('latin1')
    .decode(scope)
    .split('/', 5)
    .map((piece) => Uint8Array.from(piece, (letter) => letter.charCodeAt(0)));
}

/** Kinds of keys that can agree on a secret, beside those on Curve25519 and Curve448. */
const agreementKinds: readonly KeyComponents['kind'][] = ['ecPrivate', 'dhPrivate'];

/** Diffie-Hellman, on curves (SEC 1 §3.3.1, RFC 7748) or modulo a prime (RFC 2631): the raw shared secret. */
async function deriveAgreement({ key, peer }: KeyDerivation): Promise<Uint8Array> {
  if (peer === undefined || key.objectType !== 'PrivateKey')
    throw new InvalidParametersError('a private key and a public key are needed');
  const own = requireComponents(key);
  const canAgree =
    own.kind === 'bytePrivate' ? own.type.use === 'agreement' : agreementKinds.includes(own.kind);
  if (!canAgree) throw new UnsupportedAlgorithmError('such keys do not agree on a secret');
  if (own.kind === 'dhPrivate') await requireSafeGroup(own);
  const pair = { privateKey: createKeyObject(key), publicKey: createKeyObject(peer) };
  const agree = () =>
    new Promise<Uint8Array>((resolve, reject) => {
      const done = (error: Error | null, secret: Uint8Array) => {
        if (!error) resolve(secret);
        else reject(new CryptographyFailedError('the keys do not agree on a secret'));
      };
      try {
        diffieHellman(pair, done);
      } catch {
        reject(new InvalidParametersError('the keys are not of the same kind'));
      }
    });
  return own.kind === 'dhPrivate' ? runOnPool(agree) : runBriefly(agree);
}
