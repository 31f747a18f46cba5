import {
  constants,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  sign as signNative,
  verify as verifyNative,
} from 'node:crypto';
import type { DigitalSignatureAlgorithm, HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { encodeDer, makeNull, makeOctets, makeOid, makeSequence } from '../asn1/der.ts';
import { CryptographyFailedError, InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { digest, requireHash, startDigest } from '../hashes/hashes.ts';
import { bitLength, type KeyComponents } from '../keys/key-components.ts';
import {
  createKeyObject,
  isAlgorithmFor,
  requireComponents,
  requireShortModulus,
} from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Message, MessageStream } from '../streams.ts';
import { limitConcurrency } from '../threads/limit-concurrency.ts';
import { canSignDigests, signDigest, verifyDigest } from './digest-signatures.ts';
import { defaultSaltLength, encodePss, type Pss, verifyPss } from './pss.ts';

type Padding = 'PSS' | 'PKCS1V1_5';

interface NamedScheme {
  readonly kind: 'rsa' | 'ec' | 'dsa';
  readonly hash?: HashingAlgorithm;
  readonly padding?: Padding;
}

const rsa = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'rsa', hash, padding: 'PKCS1V1_5' });
const ec = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'ec', hash });
const dsa = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'dsa', hash });

const named: Partial<Record<Exclude<DigitalSignatureAlgorithm, number>, NamedScheme>> = {
  MD5WithRSAEncryption: rsa('MD5'),
  SHA_1WithRSAEncryption: rsa('SHA_1'),
  SHA_224WithRSAEncryption: rsa('SHA_224'),
  SHA_256WithRSAEncryption: rsa('SHA_256'),
  SHA_384WithRSAEncryption: rsa('SHA_384'),
  SHA_512WithRSAEncryption: rsa('SHA_512'),
  SHA3_256WithRSAEncryption: rsa('SHA3_256'),
  SHA3_384WithRSAEncryption: rsa('SHA3_384'),
  SHA3_512WithRSAEncryption: rsa('SHA3_512'),
  RSASSA_PSS: { kind: 'rsa', padding: 'PSS' },
  DSAWithSHA_1: dsa('SHA_1'),
  DSAWithSHA224: dsa('SHA_224'),
  DSAWithSHA256: dsa('SHA_256'),
  ECDSAWithSHA_1: ec('SHA_1'),
  ECDSAWithSHA224: ec('SHA_224'),
  ECDSAWithSHA256: ec('SHA_256'),
  ECDSAWithSHA384: ec('SHA_384'),
  ECDSAWithSHA512: ec('SHA_512'),
};

/** How to sign: what a key and parameters come to. */
type Scheme =
  | { readonly kind: 'pss'; readonly pss: Pss; readonly modulusBits: number }
  | { readonly kind: 'pkcs1'; readonly hash: HashingAlgorithm | undefined }
  | { readonly kind: 'ec' | 'dsa'; readonly hash: HashingAlgorithm | undefined }
  /** Of the data itself: EdDSA, ML-DSA, SLH-DSA. */
  | { readonly kind: 'pure' };

/** See CryptoProvider.sign. */
export async function sign(
  key: PlainKey,
  parameters: CryptographicParameters,
  message: Message,
): Promise<Uint8Array> {
  const components = requireComponents(key);
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, components)) {
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
  }
  const scheme = schemeOf(components, parameters);
  requireDigest(scheme, message);
  const object = createKeyObject(key);
  try {
    if ('data' in message && inNode(scheme)) {
      const signed = () => signData(scheme, object, message.data);
      return await (isSlow(components) ? limitConcurrency(signed) : signed());
    }
    return signBare(scheme, components, object, bareOf(scheme, message));
  } catch (error) {
    if (error instanceof UnsupportedAlgorithmError || error instanceof InvalidParametersError) throw error;
    throw new CryptographyFailedError('the key cannot make a signature with these parameters');
  }
}

/** See CryptoProvider.verify. */
export async function verify(
  key: PlainKey,
  parameters: CryptographicParameters,
  message: Message,
  signature: Uint8Array,
): Promise<boolean> {
  const components = requireComponents(key);
  // As TC-ECDSA-SIGN-DIGESTEDDATA-1 has it: no signature of another algorithm is one of this key's.
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, components)) return false;
  const scheme = schemeOf(components, parameters);
  requireDigest(scheme, message);
  // RFC 8017 §8.1.2 and §8.2.2; OpenSSL would add the zeros that are missing in front.
  if ('n' in components && signature.length !== Math.ceil(bitLength(components.n) / 8)) return false;
  const object = createKeyObject(key);
  try {
    if ('data' in message && inNode(scheme)) return await verifyData(scheme, object, message.data, signature);
    return verifyBare(scheme, components, object, bareOf(scheme, message), signature);
  } catch (error) {
    if (error instanceof UnsupportedAlgorithmError || error instanceof InvalidParametersError) throw error;
    return false;
  }
}

/** Bytes that wait for their end where the algorithm hashes nothing beforehand. */
const maxCollected = 16 * 1_048_576;

/** See CryptoProvider.startMessage. */
export function startMessage(key: PlainKey, parameters: CryptographicParameters): MessageStream {
  const components = requireComponents(key);
  const scheme = schemeOf(components, parameters);
  const hash = scheme.kind === 'pure' ? undefined : hashOf(scheme);
  if (scheme.kind !== 'pure' && hash === undefined) {
    throw new InvalidParametersError('Hashing Algorithm is missing');
  }
  const hashable = scheme.kind === 'pss' || scheme.kind === 'pkcs1' || canSignDigests(components);
  return hash !== undefined && hashable ? digested(hash) : collected();
}

function digested(hash: HashingAlgorithm): MessageStream {
  const stream = startDigest(hash);
  return { update: (data) => stream.update(data), final: () => ({ digest: stream.final() }) };
}

function collected(): MessageStream {
  const parts: Uint8Array[] = [];
  let length = 0;
  return {
    update(data) {
      length += data.length;
      if (length > maxCollected) {
        throw new CryptographyFailedError(
          `such a key signs at most ${maxCollected} bytes that come in parts`,
        );
      }
      parts.push(data.slice());
    },
    final() {
      const data = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        data.set(part, at);
        at += part.length;
      }
      return { data };
    },
  };
}

function hashOf(scheme: Exclude<Scheme, { kind: 'pure' }>): HashingAlgorithm | undefined {
  return scheme.kind === 'pss' ? scheme.pss.hash : scheme.hash;
}

function schemeOf(components: KeyComponents, parameters: CryptographicParameters): Scheme {
  const { DigitalSignatureAlgorithm: name, PaddingMethod: padding } = parameters;
  const scheme = typeof name === 'string' ? named[name] : undefined;
  if (name !== undefined && scheme === undefined) {
    throw new UnsupportedAlgorithmError(`Digital Signature Algorithm ${name} is not offered`);
  }
  const kind = components.kind.replace(/Public|Private/, '');
  if (scheme !== undefined && scheme.kind !== kind) {
    throw new InvalidParametersError('Digital Signature Algorithm is not that of the key');
  }
  const hash = agreed('Hashing Algorithm', scheme?.hash, parameters.HashingAlgorithm);
  switch (components.kind) {
    case 'rsaPublic':
    case 'rsaPrivate':
      return rsaScheme(components.n, agreed('Padding Method', scheme?.padding, padding), hash, parameters);
    case 'ecPublic':
    case 'ecPrivate':
      return { kind: 'ec', hash };
    case 'dsaPublic':
    case 'dsaPrivate':
      return { kind: 'dsa', hash };
    case 'bytePublic':
    case 'bytePrivate':
      if (components.type.use === 'signature') return { kind: 'pure' };
  }
  throw new UnsupportedAlgorithmError('such a key makes no signatures');
}

function agreed<T>(what: string, one: T | undefined, other: T | undefined): T | undefined {
  if (one !== undefined && other !== undefined && one !== other) {
    throw new InvalidParametersError(`${what} contradicts Digital Signature Algorithm`);
  }
  return one ?? other;
}

/** Without a Padding Method it is that of PKCS #1 v1.5, which is also what a digest without a hash is signed with. */
function rsaScheme(
  modulus: Uint8Array,
  padding: CryptographicParameters['PaddingMethod'],
  hash: HashingAlgorithm | undefined,
  { MaskGeneratorHashingAlgorithm, SaltLength, TrailerField }: CryptographicParameters,
): Scheme {
  if (padding === undefined || padding === 'PKCS1V1_5') return { kind: 'pkcs1', hash };
  if (padding !== 'PSS')
    throw new UnsupportedAlgorithmError(`RSA signatures are not offered with Padding Method ${padding}`);
  if (hash === undefined) throw new InvalidParametersError('Hashing Algorithm is missing');
  if (TrailerField !== undefined && TrailerField !== 1)
    throw new UnsupportedAlgorithmError('Trailer Field must be 1');
  if (SaltLength !== undefined && SaltLength < 0) throw new InvalidParametersError('Salt Length is negative');
  // The tables say SHA-1, the signature in CS-AC-M-2 says otherwise: the mask is made with the hash of the data.
  const pss: Pss = { hash, maskHash: MaskGeneratorHashingAlgorithm ?? hash, saltLength: SaltLength };
  return { kind: 'pss', pss, modulusBits: bitLength(modulus) };
}

function requireDigest(scheme: Scheme, message: Message): void {
  if (scheme.kind === 'pure') {
    if ('digest' in message) throw new UnsupportedAlgorithmError('such a key signs data, not digests');
    return;
  }
  const hash = hashOf(scheme);
  if (hash === undefined) {
    if ('data' in message) throw new InvalidParametersError('Hashing Algorithm is missing');
    return;
  }
  const { bytes } = requireHash(hash);
  if ('digest' in message && message.digest.length !== bytes) {
    throw new InvalidParametersError(
      `Digested Data has ${message.digest.length} bytes, a digest of ${hash} has ${bytes}`,
    );
  }
}

/** A signature of SLH-DSA takes 15 ms to more than a second. */
function isSlow(key: KeyComponents): boolean {
  return key.kind === 'bytePrivate' && String(key.type.algorithm).startsWith('SLH_');
}

/** Whether node:crypto makes such signatures of data by itself, and so on the thread pool. */
function inNode(scheme: Scheme): boolean {
  return scheme.kind !== 'pss' || scheme.pss.hash === scheme.pss.maskHash;
}

function signData(scheme: Scheme, key: KeyObject, data: Uint8Array): Promise<Uint8Array> {
  const { hash, options } = native(scheme, 'sign');
  return new Promise((resolve, reject) => {
    signNative(hash, data, { key, ...options }, (error, signature) =>
      error ? reject(error) : resolve(signature),
    );
  });
}

function verifyData(
  scheme: Scheme,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { hash, options } = native(scheme, 'verify');
  return new Promise((resolve, reject) => {
    verifyNative(hash, data, { key, ...options }, signature, (error, valid) =>
      error ? reject(error) : resolve(valid),
    );
  });
}

function native(scheme: Scheme, what: 'sign' | 'verify') {
  switch (scheme.kind) {
    case 'pure':
      return { hash: null, options: {} };
    case 'pss': {
      const { pss, modulusBits } = scheme;
      const free =
        what === 'sign' ? defaultSaltLength(modulusBits, pss.hash) : constants.RSA_PSS_SALTLEN_AUTO;
      const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength ?? free };
      return { hash: requireHash(pss.hash).name, options };
    }
    default:
      return { hash: requireHash(scheme.hash as HashingAlgorithm).name, options: {} };
  }
}

/** What a signature is made of without hashing: the digest, which PKCS #1 v1.5 wants named (RFC 8017 §9.2). */
function bareOf(scheme: Scheme, message: Message): Uint8Array {
  if (scheme.kind === 'pss')
    return 'digest' in message ? message.digest : digest(scheme.pss.hash, message.data);
  const bare = (message as { readonly digest: Uint8Array }).digest;
  if (scheme.kind !== 'pkcs1' || scheme.hash === undefined) return bare;
  const algorithm = makeSequence(makeOid(requireHash(scheme.hash).oid), makeNull());
  return encodeDer(makeSequence(algorithm, makeOctets(bare)));
}

function signBare(scheme: Scheme, components: KeyComponents, key: KeyObject, bare: Uint8Array): Uint8Array {
  if (components.kind === 'rsaPrivate') requireShortModulus(components.n);
  switch (scheme.kind) {
    case 'pss':
      return privateDecrypt(
        { key, padding: constants.RSA_NO_PADDING },
        encodePss(scheme.modulusBits, scheme.pss, bare),
      );
    case 'pkcs1':
      return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, bare);
    default:
      return signDigest(components, key, bare);
  }
}

function verifyBare(
  scheme: Scheme,
  components: KeyComponents,
  key: KeyObject,
  bare: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (scheme.kind) {
    case 'pss': {
      const block = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
      return verifyPss(block, scheme.modulusBits, scheme.pss, bare);
    }
    case 'pkcs1':
      return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(bare);
    default:
      return verifyDigest(components, bare, signature);
  }
}
