import type { ConnectionOptions, TlsOptions } from 'node:tls';

/** What old clients may bring along decides how strict a listener can be. */
export type TlsProfile = 'modern' | 'intermediate' | 'legacy';

const tls13CipherSuites = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];
const aeadCipherSuites = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];
/** KMIP 1.x demands the RSA key exchange suites; they have no forward secrecy, so only `legacy` offers them. */
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
  legacy: { minVersion: 'TLSv1.2', ciphers: [...tls13CipherSuites, ...aeadCipherSuites, ...legacyCipherSuites].join(':') },
};

/**
 * Groups of the key exchange, the preferred ones first. Those with ML-KEM (TLS 1.3) keep what is recorded today from quantum
 * computers to come: a client that knows one is asked for it, even where it began with another, which costs a round trip.
 * Of the others OpenSSL also takes the curves that certificates of TLS 1.2 may be on. `?`: passed over by an OpenSSL that
 * lacks it.
 */
const keyExchangeGroups = [
  '?X25519MLKEM768:?SecP256r1MLKEM768:?SecP384r1MLKEM1024',
  '?X25519:P-256:?X448:P-384:P-521',
  '?ffdhe2048:?ffdhe3072',
].join('/');

/** PEM of the server's certificate (chain) and key, and of every trust anchor for clients. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: readonly string[];
}

/** Sessions of this kind of server may be resumed here and nowhere else; without it OpenSSL refuses to resume at all. */
const sessionIdContext = 'kmipd';
/** Tickets are short-lived: what a session was granted is looked at again, what it was verified against is not. */
const maxSessionSeconds = 300;

/** Settings of the secure context: everything a reload may change. `ticketKeys`: 48 random bytes. */
export function createContextOptions(material: TlsMaterial, profile: TlsProfile, ticketKeys: Buffer): TlsOptions {
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

/** Settings of a connection that the server opens. Who the peer is, is looked at after the handshake. */
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
