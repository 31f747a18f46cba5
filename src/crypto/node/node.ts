import { randomFillSync } from 'node:crypto';
import type { CryptographicAlgorithm, KeyFormatType } from '../../../codec/enums.ts';
import type { Digest } from '../../../codec/structures/attribute-values.ts';
import { encodeKeyMaterial } from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { algorithmKind, generatesLength, hasParity, keyBytes } from '../algorithms.ts';
import { encapsulateSecret } from '../ciphers/encapsulation.ts';
import { encrypt, startDecryption, startEncryption } from '../ciphers/encryption.ts';
import { wrap } from '../ciphers/key-wrap.ts';
import { deriveKey } from '../derivation/derivation.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import { digest, hashingAlgorithms, startDigest } from '../hashes/hashes.ts';
import { describeKey } from '../keys/key-description.ts';
import { convertKey } from '../keys/key-format.ts';
import { generatableCurves, generateKeyPair } from '../keys/key-pairs.ts';
import { plainKey } from '../plain-key.ts';
import type { CryptoProvider } from '../provider.ts';
import { joinShares, splitSecret } from '../secret-sharing/split-key.ts';
import { mac, startMac, verifyMac } from '../signatures/macs.ts';
import { startMessage } from '../signatures/message-streams.ts';
import { canonicalKey } from '../x509/canonical-key.ts';
import { describeCertificate } from '../x509/certificate.ts';
import { buildChain, isIssuedBy, validatePath } from '../x509/certificate-chain.ts';
import { readCertificate, signedPart } from '../x509/certificate-content.ts';
import { isPair, issueCertificate, publicKeyOf } from '../x509/certificate-issue.ts';
import {
  comparableName,
  encodeAlternativeName,
  encodeName,
  nameContains,
} from '../x509/certificate-names.ts';
import { findNamingProblem } from '../x509/naming-policy.ts';
import { encodeNameConstraints } from '../x509/policy-constraints.ts';
import { issueRevocationList } from '../x509/revocation-list.ts';
import { readCheckedRequest, threadedOperations } from './threaded.ts';

export { closeThreads } from './threaded.ts';

/** The provider on Node: OpenSSL behind `node:crypto`. */
export const nodeCrypto: CryptoProvider = {
  // OpenSSL's generator (man 7 EVP_RAND): CTR_DRBG of AES-256, SP 800-90A, reseeded from the kernel.
  randomNumberGenerator: {
    RNGAlgorithm: 'DRBG',
    CryptographicAlgorithm: 'AES',
    CryptographicLength: 256,
    DRBGAlgorithm: 'CTR',
    PredictionResistance: false,
  },
  hashingAlgorithms,
  curves: generatableCurves,
  random,
  digest,
  digestObject,
  generateSymmetric,
  generateKeyPair: generateKeyPair,
  describeKey,
  convertKey,
  describeCertificate,
  certification: {
    readCertificateRequest: readCheckedRequest,
    readCertificate,
    encodeName,
    encodeAlternativeName,
    nameContains,
    comparableName,
    findNamingProblem,
    encodeNameConstraints,
    canonicalKey,
    publicKeyOf,
    signedPart,
    isPair,
    issueCertificate,
    issueRevocationList,
    buildChain,
    isIssuedBy,
    validatePath,
  },
  encrypt,
  encapsulate: encapsulateSecret,
  wrap,
  ...threadedOperations,
  mac,
  verifyMac,
  deriveKey,
  splitSecret,
  joinShares,
  startEncryption,
  startDecryption,
  startMessage,
  startMac,
  startDigest,
};

function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

function generateSymmetric(algorithm: CryptographicAlgorithm, bits: number): Uint8Array {
  if (algorithmKind(algorithm) !== 'symmetric' || !generatesLength(algorithm, bits)) {
    throw new UnsupportedAlgorithmError(`the server makes no symmetric ${algorithm} keys of ${bits} bits`);
  }
  const key = random(keyBytes(algorithm, bits));
  if (hasParity(algorithm)) setOddParity(key);
  return key;
}

/** Sets the lowest bit of each byte so that the number of set bits is odd (FIPS 46-3). */
function setOddParity(key: Uint8Array): void {
  for (const [at, byte] of key.entries()) {
    let ones = byte >> 1;
    ones ^= ones >> 4;
    ones ^= ones >> 2;
    ones ^= ones >> 1;
    key[at] = (byte & 0xfe) | (~ones & 1);
  }
}

function digestObject(object: ManagedObjectValue): Digest | undefined {
  if (hasKeyBlock(object)) {
    const key = plainKey(object.type, object.value.KeyBlock);
    if (key === undefined) return undefined;
    if (key.KeyMaterial instanceof Uint8Array) return digestOf(key.KeyMaterial, key.KeyFormatType);
    const encoded = encodeKeyMaterial(key.KeyMaterial);
    const result = digestOf(encoded, key.KeyFormatType);
    encoded.fill(0);
    return result;
  }
  switch (object.type) {
    case 'Certificate':
      // Raw, as in TC-CERTATTR: a certificate has no Key Format Type of its own before 2.0.
      return digestOf(object.value.CertificateValue, 'Raw');
    case 'CertificateRequest':
      return digestOf(object.value.CertificateRequestValue, 'PKCS_10');
    case 'OpaqueObject':
      return digestOf(object.value.OpaqueDataValue, 'Opaque');
    default:
      return undefined;
  }
}

function digestOf(bytes: Uint8Array, format: KeyFormatType): Digest {
  return { HashingAlgorithm: 'SHA_256', DigestValue: digest('SHA_256', bytes), KeyFormatType: format };
}
