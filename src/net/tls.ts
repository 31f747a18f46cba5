import type { ConnectionOptions, TlsOptions } from 'node:tls';

/** Protocol versions and cipher suites of a listener: `legacy` accepts the most, for old clients. */
export type TlsProfile = 'modern' | 'intermediate' | 'legacy';

const tls13CipherSuites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
];
const aeadCipherSuites = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];
/** The KMIP 1.x profiles require RSA key exchange; it has no forward secrecy, so only `legacy` offers it. */
const legacyCipherSuites = [
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA256',
];

const profiles: Readonly<Record<TlsProfile, Pick<TlsOptions, 'minVersion' | 'ciphers'>>> = {
  modern: { minVersion: 'TLSv1.3', ciphers: tls13CipherSuites.join(':') },
  intermediate: { minVersion: 'TLSv1.2', ciphers: [...tls13CipherSuites, ...aeadCipherSuites].join(':') },
  legacy: {
    minVersion: 'TLSv1.2',
    ciphers: [...tls13CipherSuites, ...aeadCipherSuites, ...legacyCipherSuites].join(':'),
  },
};

/**
 * Key exchange groups in order of preference. Hybrid groups with ML-KEM (TLS 1.3) protect recorded traffic
 * against future quantum computers: a client that supports one must use it, even when its first key share is
 * of another group, which costs a round trip. From the other groups OpenSSL also derives the curves allowed
 * in TLS 1.2 certificates. `?`: ignored by an OpenSSL that lacks the group.
 */
const keyExchangeGroups = [
  '?X25519MLKEM768:?SecP256r1MLKEM768:?SecP384r1MLKEM1024',
  '?X25519:P-256:?X448:P-384:P-521',
  '?ffdhe2048:?ffdhe3072',
].join('/');

/** PEM of the server's certificate chain, its private key, and the trust anchors for client certificates. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: readonly string[];
}

/**
 * Restricts session resumption to kmipd servers; without a context OpenSSL refuses resumption with client
 * certificates.
 */
const sessionIdContext = 'kmipd';
/**
 * Short, because a resumed session authenticates its client again but does not verify the certificate again.
 */
const maxSessionSeconds = 300;

/** TLS options that a reload may change. `ticketKeys`: 48 random bytes. */
export function createContextOptions(
  material: TlsMaterial,
  profile: TlsProfile,
  ticketKeys: Buffer,
): TlsOptions {
  return {
    cert: material.cert,
    key: material.key,
    ca: [...material.ca],
    honorCipherOrder: true,
    ecdhCurve: keyExchangeGroups,
    sessionIdContext,
    sessionTimeout: maxSessionSeconds,
    ticketKeys,
    ...profiles[profile],
  };
}

/**
 * TLS options of a connection that the server opens. The caller authenticates the peer after the handshake.
 */
export function createOutgoingOptions(material: TlsMaterial, profile: TlsProfile): ConnectionOptions {
  const { minVersion, ciphers } = profiles[profile];
  return {
    cert: material.cert,
    key: material.key,
    ca: [...material.ca],
    ecdhCurve: keyExchangeGroups,
    ...(minVersion && { minVersion }),
    ...(ciphers && { ciphers }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}
