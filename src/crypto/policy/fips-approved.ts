/*
 * The FIPS mode: algorithms approved for new protection (SP 800-131A Rev. 2, SP 800-140C, FIPS 186-5,
 * 203–205). OpenSSL's provider decides; these lists refuse before OpenSSL does, with an understandable
 * message.
 */

const algorithms = new Set([
  ...['AES', 'RSA', 'EC', 'ECDSA', 'ECDH', 'Ed25519', 'Ed448', 'DH'],
  ...['HMAC_SHA1', 'HMAC_SHA224', 'HMAC_SHA256', 'HMAC_SHA384', 'HMAC_SHA512'],
  ...['HMAC_SHA3_224', 'HMAC_SHA3_256', 'HMAC_SHA3_384', 'HMAC_SHA3_512'],
]);
const postQuantum = /^(ML_KEM|ML_DSA|SLH_DSA)_/;

const names = new Set([
  ...['SHA_1', 'SHA_224', 'SHA_256', 'SHA_384', 'SHA_512', 'SHA_512_224', 'SHA_512_256'],
  ...['SHA3_224', 'SHA3_256', 'SHA3_384', 'SHA3_512'],
  ...['ECB', 'CBC', 'CFB', 'OFB', 'CTR', 'GCM', 'CCM', 'XTS', 'CMAC', 'NISTKeyWrap', 'AESKeyWrapPadding'],
  ...['None', 'PKCS5', 'OAEP', 'PSS', 'PKCS1V1_5'],
  ...['P_224', 'P_256', 'P_384', 'P_521', 'CURVEED25519', 'CURVEED448'],
  ...['PBKDF2', 'HMAC', 'HKDF', 'NIST800_108_C', 'NIST800_108_F', 'NIST800_108_DPI', 'AsymmetricKey'],
]);

/** Minimum bits of keys: 112 bits of strength. */
const minBits: Readonly<Record<string, number>> = { RSA: 2048, DH: 2048, EC: 224, ECDSA: 224, ECDH: 224 };

/** Tells whether FIPS mode allows the algorithm of a key. */
export function isApprovedAlgorithm(algorithm: string): boolean {
  return algorithms.has(algorithm) || postQuantum.test(algorithm);
}

/** Tells whether FIPS mode allows a hash, mode, padding, curve or derivation method. */
export function isApprovedName(name: string): boolean {
  return names.has(name);
}

/** Tells whether FIPS mode allows keys of that many bits. */
export function isApprovedLength(algorithm: string, bits: number): boolean {
  return bits >= (minBits[algorithm] ?? (algorithm.startsWith('HMAC') ? 112 : 0));
}
