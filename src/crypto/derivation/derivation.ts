import { createHmac, diffieHellman, pbkdf2 } from 'node:crypto';
import type { DerivationMethod, HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
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
import type { PlainKey } from '../plain-key.ts';
import type { KeyDerivation } from '../provider.ts';
import { hashOfHmac, mac } from '../signatures/macs.ts';

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
/**
 * Derivations of more iterations run one after the other, so that they occupy one thread of the pool only.
 */
const maxParallelIterations = 1_000_000;
/** Maximum bytes of data that are hashed again for every block of output. */
const maxInputBytes = 65_536;

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
async function derivePbkdf2({
  key,
  parameters,
  salt,
  iterations,
  length,
}: KeyDerivation): Promise<Uint8Array> {
  const { name, bytes } = requireHash(selectHash(parameters) ?? 'SHA_1');
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
  return work < maxParallelIterations ? run() : runAfterOthers(run);
}

let last: Promise<unknown> = Promise.resolve();

function runAfterOthers<T>(run: () => Promise<T>): Promise<T> {
  const mine = last.then(run);
  last = mine.catch(() => undefined);
  return mine;
}

/** Hashes the key alone: the specification does not define how data would be joined to it. */
function deriveHash({ key, parameters, data }: KeyDerivation): Uint8Array {
  if (data.length > 0)
    throw new InvalidParametersError('HASH is over the key alone: Derivation Data is one too many');
  return digest(requireSelectedHash(parameters, key), readSecret(key));
}

function deriveHmac({ key, parameters, data }: KeyDerivation): Uint8Array {
  return hmac(requireSelectedHash(parameters, key), readSecret(key))(requireData(data));
}

function deriveEncrypt({ key, parameters, data, iv }: KeyDerivation): Uint8Array {
  const CryptographicAlgorithm = key.CryptographicAlgorithm ?? parameters.CryptographicAlgorithm;
  const cipherKey = { ...createSymmetricKey(readSecret(key)), CryptographicAlgorithm };
  const encrypted = encrypt(cipherKey, parameters, { data: requireData(data), iv });
  // With a random vector the key could not be derived again.
  if (encrypted.iv !== undefined) throw new MissingInputError('Initialization Vector is missing');
  return encrypted.data;
}

type Prf = (...pieces: readonly Uint8Array[]) => Uint8Array;
/** Computes block after block of SP 800-108; `counter` is [i], of as many bits as Counter Length states. */
type NistMode = (prf: Prf, fixed: Uint8Array, iv: Uint8Array) => (counter: Uint8Array) => Uint8Array;

/** SP 800-108 §4.1: K(i) = PRF(key, [i] || fixed). */
const counterMode: NistMode = (prf, fixed) => (counter) => prf(counter, fixed);

/**
 * SP 800-108 §4.2: K(i) = PRF(key, K(i−1) || [i] || fixed), K(0) the Initialization Vector, which may be
 * empty.
 */
const feedbackMode: NistMode = (prf, fixed, iv) => {
  let block = iv;
  return (counter) => {
    block = prf(block, counter, fixed);
    return block;
  };
};

/** SP 800-108 §4.3: A(0) = fixed, A(i) = PRF(key, A(i−1)); K(i) = PRF(key, A(i) || [i] || fixed). */
const doublePipelineMode: NistMode = (prf, fixed) => {
  let pipeline = fixed;
  return (counter) => {
    pipeline = prf(pipeline);
    return prf(pipeline, counter, fixed);
  };
};

/** Derivation Data is the whole fixed input: the client concatenates label, zero byte, context and length. */
function deriveNist({ key, parameters, data, iv, length }: KeyDerivation, mode: NistMode): Uint8Array {
  const prf = selectPrf(key, parameters);
  const next = mode(prf, requireShort(requireData(data)), iv ?? new Uint8Array());
  const { CounterLength: bits = 32 } = parameters;
  if (![8, 16, 24, 32].includes(bits))
    throw new InvalidParametersError('Counter Length must be 8, 16, 24 or 32 bits');
  return concatBlocks(length, (index) => {
    if (index >= 2 ** bits)
      throw new CryptographyFailedError(`a counter of ${bits} bits is too short for the length`);
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, index);
    return next(counter.subarray(4 - bits / 8));
  });
}

/** RFC 5869; Derivation Data is the info, SHA-256 the default hash. */
function deriveHkdf({ key, parameters, data, salt, length }: KeyDerivation): Uint8Array {
  const hash = selectHash(parameters) ?? 'SHA_256';
  const { bytes } = requireHash(hash);
  if (length > 255 * bytes)
    throw new CryptographyFailedError(`HKDF gives at most ${255 * bytes} bytes with ${hash}`);
  const extracted = hmac(hash, salt ?? new Uint8Array(bytes))(readSecret(key));
  const info = requireShort(concatBytes(data));
  const expand = hmac(hash, extracted);
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
function deriveAws({ key, data }: KeyDerivation): Uint8Array {
  const scope = data.length === 1 ? splitScope(concatBytes(data)) : [...data];
  if (scope.length === 3) scope.push(encoder.encode('aws4_request'));
  if (scope.length !== 4) {
    throw new InvalidParametersError(
      'Derivation Data must be date, region and service, one by one or with / between',
    );
  }
  const secret = concatBytes([encoder.encode('AWS4'), readSecret(key)]);
  return scope.reduce((signing, piece) => hmac('SHA_256', signing)(piece), secret);
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
  const pair = { privateKey: createKeyObject(key), publicKey: createKeyObject(peer) };
  return new Promise((resolve, reject) => {
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
}

/** Selects HMAC or CMAC (SP 800-108 §3) by the parameters, else by the key. */
function selectPrf(key: PlainKey, parameters: CryptographicParameters): Prf {
  const secret = readSecret(key);
  const hash = parameters.BlockCipherMode === 'CMAC' ? undefined : selectHash(parameters, key);
  if (hash !== undefined) return hmac(hash, secret);
  const algorithm = parameters.CryptographicAlgorithm ?? key.CryptographicAlgorithm;
  if (parameters.CryptographicAlgorithm === undefined && parameters.BlockCipherMode !== 'CMAC')
    throw new InvalidParametersError('Hashing Algorithm is missing');
  const cipher = { CryptographicAlgorithm: algorithm, BlockCipherMode: 'CMAC' } as const;
  const cipherKey = { ...createSymmetricKey(secret), CryptographicAlgorithm: algorithm };
  return (...pieces) => new Uint8Array(mac(cipherKey, cipher, concatBytes(pieces)));
}

/** Selects the stated hash, else that of the stated HMAC algorithm, else that of an HMAC key. */
function selectHash(parameters: CryptographicParameters, key?: PlainKey): HashingAlgorithm | undefined {
  const { HashingAlgorithm: named, CryptographicAlgorithm: algorithm } = parameters;
  const implied = hashOfHmac(algorithm);
  if (named !== undefined && implied !== undefined && named !== implied)
    throw new InvalidParametersError('Hashing Algorithm is not that of the Cryptographic Algorithm');
  return named ?? implied ?? (algorithm === undefined ? hashOfHmac(key?.CryptographicAlgorithm) : undefined);
}

function requireSelectedHash(parameters: CryptographicParameters, key: PlainKey): HashingAlgorithm {
  const hash = selectHash(parameters, key);
  if (hash === undefined) throw new InvalidParametersError('Hashing Algorithm is missing');
  return hash;
}

function hmac(hash: HashingAlgorithm, key: Uint8Array): Prf {
  const { name } = requireHash(hash);
  return (...pieces) => {
    const stream = createHmac(name, key);
    for (const piece of pieces) stream.update(piece);
    return new Uint8Array(stream.digest());
  };
}

/** Returns the bytes of a symmetric key or of secret data. A view. */
function readSecret(key: PlainKey): Uint8Array {
  if (key.objectType === 'SecretData') {
    if (key.KeyMaterial instanceof Uint8Array) return key.KeyMaterial;
    throw new UnsupportedAlgorithmError('the secret data are not bytes');
  }
  const components = requireComponents(key);
  if (components.kind === 'symmetric') return components.key;
  throw new UnsupportedAlgorithmError(`nothing is derived from a ${key.objectType} by this method`);
}

function createSymmetricKey(KeyMaterial: Uint8Array): PlainKey {
  return { objectType: 'SymmetricKey', KeyFormatType: 'Raw', KeyMaterial };
}

/** Concatenates the pieces of Derivation Data. */
function requireData(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 0) throw new InvalidParametersError('Derivation Data is missing');
  return concatBytes(data);
}

function requireShort(data: Uint8Array): Uint8Array {
  if (data.length > maxInputBytes)
    throw new InvalidParametersError(`Derivation Data has more than ${maxInputBytes} bytes`);
  return data;
}

/** Concatenates blocks, numbered from 1, up to `length` bytes. */
function concatBlocks(length: number, block: (index: number) => Uint8Array): Uint8Array {
  const output = new Uint8Array(length);
  for (let at = 0, index = 1; at < length; index += 1) {
    const bytes = block(index);
    output.set(bytes.subarray(0, length - at), at);
    at += bytes.length;
  }
  return output;
}
