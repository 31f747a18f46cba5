import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { encodeDer, makeInteger, makeNull, makeOctets, makeOid, makeSequence } from '../asn1/der.ts';
import {
  CryptographyFailedError,
  decryptionFailed,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import { digest, requireHash, startDigest } from '../hashes/hashes.ts';
import { isAlgorithmFor } from '../keys/key-objects.ts';
import { hashOfHmac } from '../parameter-names.ts';
import type { Ciphertext } from '../provider.ts';
import { defaultSaltLength } from '../signatures/pss.ts';
import { hashOfScheme, requireDigest, type Scheme, selectScheme } from '../signatures/schemes.ts';
import type { Message, MessageStream } from '../streams.ts';
import type { DeviceMechanism, TokenDevice } from '../token-device.ts';
import type { TokenKey } from '../token-keys.ts';
import { requireBytes } from './device-answers.ts';
import { componentsOf, deviceTypeOf } from './device-keys.ts';

/**
 * Signatures, MACs and RSA decryption by a key in a token. Data is hashed here, so that a message of any
 * length costs the token a digest.
 */

/** AES has blocks of so many bytes. */
const cmacBytes = 16;

type DigestScheme = Exclude<Scheme, { kind: 'pure' }>;

/** Signs as `CryptoProvider.sign`. */
export async function signInDevice(
  device: TokenDevice,
  key: TokenKey,
  parameters: CryptographicParameters,
  message: Message,
): Promise<Uint8Array> {
  const scheme = schemeOf(key, parameters);
  requireDigest(scheme, message);
  const hash = hashOfScheme(scheme);
  const digested = 'digest' in message ? message.digest : digest(hash ?? failWithoutHash(), message.data);
  const call = { function: 'sign', mechanism: signingMechanism(scheme, key) } as const;
  const input = scheme.kind === 'pkcs1' ? encodeDigestInfo(hash, digested) : digested;
  const answer = await device.use({ reference: key.reference, type: deviceTypeOf(key) }, call, input);
  if (answer === undefined)
    throw new CryptographyFailedError('the key cannot make a signature with these parameters');
  const output = requireBytes(answer.output, signatureBytes(key));
  return scheme.kind === 'ec' ? encodeEcdsa(output) : output;
}

/** Bytes of an RSA signature, or of r ‖ s. */
function signatureBytes(key: TokenKey): number {
  const components = componentsOf(key);
  return components.kind === 'ecPrivate'
    ? 2 * Math.ceil(components.curve.bits / 8)
    : key.CryptographicLength / 8;
}

/** Starts `CryptoProvider.startMessage` for a key in a token. */
export function startDeviceMessage(key: TokenKey, parameters: CryptographicParameters): MessageStream {
  const stream = startDigest(hashOfScheme(schemeOf(key, parameters)) ?? failWithoutHash());
  return {
    collects: false,
    update: (data) => stream.update(data),
    final: () => ({ digest: stream.final() }),
  };
}

function schemeOf(key: TokenKey, parameters: CryptographicParameters): DigestScheme {
  const components = componentsOf(key);
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, components))
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
  const scheme = selectScheme(components, parameters);
  if (scheme.kind === 'pure') throw new UnsupportedAlgorithmError('such a key makes no signatures');
  return scheme;
}

function signingMechanism(scheme: DigestScheme, key: TokenKey): DeviceMechanism {
  switch (scheme.kind) {
    case 'pkcs1':
      return { kind: 'pkcs1' };
    case 'pss': {
      const { hash, maskHash, saltLength } = scheme.pss;
      if (maskHash !== hash)
        throw new UnsupportedAlgorithmError('a key in a token signs by PSS with one hash only');
      const saltBytes = saltLength ?? defaultSaltLength(key.CryptographicLength, hash);
      return { kind: 'pss', hash, saltBytes };
    }
    default:
      return { kind: 'ecdsa' };
  }
}

function failWithoutHash(): never {
  throw new InvalidParametersError('Hashing Algorithm is missing');
}

/** A digest of an unstated hash is signed as it is. */
function encodeDigestInfo(hash: ReturnType<typeof hashOfScheme>, digested: Uint8Array): Uint8Array {
  if (hash === undefined) return digested;
  const algorithm = makeSequence(makeOid(requireHash(hash).oid), makeNull());
  return encodeDer(makeSequence(algorithm, makeOctets(digested)));
}

/** r ‖ s as DER (RFC 3279 §2.2.3). */
function encodeEcdsa(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const numbers = [signature.subarray(0, half), signature.subarray(half)].map((number) => {
    const first = number.findIndex((byte) => byte !== 0);
    return makeInteger(first < 0 ? new Uint8Array(1) : number.slice(first));
  });
  return encodeDer(makeSequence(...numbers));
}

/**
 * Decrypts by an RSA key with OAEP. PKCS #1 v1.5 is not offered: a token tells wrong padding from right one,
 * and so would its answers (Bleichenbacher 1998).
 */
export async function decryptRsaInDevice(
  device: TokenDevice,
  key: TokenKey,
  {
    PaddingMethod,
    HashingAlgorithm: hash,
    MaskGeneratorHashingAlgorithm: maskHash = hash,
    PSource,
  }: CryptographicParameters,
  { data }: Ciphertext,
): Promise<Uint8Array> {
  if (key.CryptographicAlgorithm !== 'RSA')
    throw new UnsupportedAlgorithmError('such a key does not decrypt');
  if (PaddingMethod !== 'OAEP')
    throw new UnsupportedAlgorithmError(
      `a key in a token is not offered with Padding Method ${PaddingMethod}`,
    );
  if (hash === undefined || maskHash !== hash)
    throw new UnsupportedAlgorithmError('a key in a token decrypts by OAEP with one hash only');
  if (data.length !== key.CryptographicLength / 8) throw decryptionFailed();
  const mechanism = { kind: 'oaep', hash, label: PSource ?? new Uint8Array() } as const;
  const call = { function: 'decrypt', mechanism } as const;
  const answer = await device.use({ reference: key.reference, type: 'rsa' }, call, data);
  if (answer === undefined) throw decryptionFailed();
  const maxBytes = data.length - 2 * requireHash(hash).bytes - 2;
  return requireBytes(answer.output, Math.min(answer.output.length, maxBytes));
}

/** Computes a MAC as `CryptoProvider.mac`. */
export async function macInDevice(
  device: TokenDevice,
  key: TokenKey,
  parameters: CryptographicParameters,
  data: Uint8Array,
): Promise<Uint8Array> {
  const mechanism = macMechanism(key, parameters);
  const call = { function: 'sign', mechanism } as const;
  const answer = await device.use({ reference: key.reference, type: deviceTypeOf(key) }, call, data);
  if (answer === undefined) throw new CryptographyFailedError('the token makes no MAC of this data');
  const bytes = mechanism.kind === 'hmac' ? requireHash(mechanism.hash).bytes : cmacBytes;
  return requireBytes(answer.output, bytes);
}

function macMechanism(
  { CryptographicAlgorithm: own, objectType }: TokenKey,
  {
    CryptographicAlgorithm: algorithm = own,
    BlockCipherMode: mode,
    HashingAlgorithm,
  }: CryptographicParameters,
): DeviceMechanism {
  const hash = hashOfHmac(algorithm);
  if (objectType !== 'SymmetricKey' || algorithm !== own)
    throw new UnsupportedAlgorithmError(`a key of ${own} in a token makes no MAC with ${algorithm}`);
  if (hash !== undefined) {
    if ((HashingAlgorithm ?? hash) !== hash)
      throw new InvalidParametersError('Hashing Algorithm is not that of the Cryptographic Algorithm');
    if (mode !== undefined) throw new InvalidParametersError(`${algorithm} has no Block Cipher Mode`);
    return { kind: 'hmac', hash };
  }
  if (mode !== undefined && mode !== 'CMAC')
    throw new UnsupportedAlgorithmError(`the server makes no MAC with ${algorithm} and ${mode}`);
  return { kind: 'cmac' };
}
