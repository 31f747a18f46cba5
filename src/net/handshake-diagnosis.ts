import { X509Certificate } from 'node:crypto';
import type { RefusedHandshake } from '../watch/observer.ts';
import type { HandshakeFailure } from './handshake-failure.ts';
import type { TlsMaterial } from './tls.ts';

/** What a trust anchor at fault looks like, by the code of a failed verification. */
const faults: Readonly<Record<string, (anchor: X509Certificate, now: Date) => boolean>> = {
  CERT_HAS_EXPIRED: ({ validToDate }, now) => validToDate < now,
  CERT_NOT_YET_VALID: ({ validFromDate }, now) => validFromDate > now,
  // Stands for all codes of OpenSSL that Node has no name for; among them is the weak key.
  UNSPECIFIED: ({ publicKey }) => (publicKey.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048,
};

/** Subjects that are named at most. */
const maxNamed = 3;

/** Codes of clients that support no algorithm of the server's key. */
const keyMismatches: ReadonlySet<string> = new Set([
  'ERR_SSL_NO_SHARED_CIPHER',
  'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
]);

/** Explains failed handshakes to the operator by the certificates that the server has. */
export class HandshakeDiagnosis {
  readonly #material: TlsMaterial;
  #anchors: readonly X509Certificate[] | undefined;

  constructor(material: TlsMaterial) {
    this.#material = material;
  }

  /**
   * Adds the subject of the certificate at fault, and what the operator can do. Node has discarded the
   * client's certificates when it reports a failure; so the search is among the trust anchors, which are
   * authorities and enrolled certificates. Without a subject, a certificate that only the client has is at
   * fault.
   */
  describe({ reason, level, code }: HandshakeFailure): Omit<RefusedHandshake, 'peer'> {
    return {
      reason,
      level,
      subject: this.#subjectsFor(code, new Date()),
      message: this.#adviceFor(code),
    };
  }

  #subjectsFor(code: string, now: Date): string | undefined {
    const isAtFault = faults[code];
    if (isAtFault === undefined) return undefined;
    this.#anchors ??= this.#material.ca.flatMap(parseAll);
    const found = this.#anchors.filter((anchor) => isAtFault(anchor, now));
    if (found.length === 0) return undefined;
    const names = found.slice(0, maxNamed).map(({ subject }) => (subject ?? '').replaceAll('\n', ', '));
    return names.join(' or ') + (found.length > maxNamed ? ` or ${found.length - maxNamed} others` : '');
  }

  #adviceFor(code: string): string | undefined {
    if (!keyMismatches.has(code)) return undefined;
    const { asymmetricKeyType } = new X509Certificate(this.#material.cert).publicKey;
    return asymmetricKeyType === 'ec'
      ? 'the server key is EC: a client that supports RSA alone needs an RSA server key, see docs/certificates.md'
      : undefined;
  }
}

function parseAll(pem: string): readonly X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((each) => new X509Certificate(each));
}
