import { type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { CertificateRefusedError, type IssuedCertificate, refuseWeakKey } from '../../certs/keys.ts';
import { authorityOf } from '../cli/state-directory/authority.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { fingerprintOf, refusalOf } from '../identity/certificate.ts';
import {
  type ClientCertificate,
  EnrolmentRefusedError,
  type Enrolments,
  type GeneratedKey,
  type ReplacedEnrolment,
} from '../identity/enrolment.ts';
import type { ClientDirectory } from '../identity/principal.ts';
import { isSignedByIssuer } from '../identity/trust.ts';

export interface EnrolmentOptions {
  readonly home: StateDirectory;
  /** PEM of the authorities that the listener trusts now. */
  readonly authorities: () => readonly string[];
  readonly directory: ClientDirectory;
  replaced(event: ReplacedEnrolment): void;
}

const issuing = () => import('../../certs/issue.ts');

/** Enrolment at the client's own request, by the authority of the home and the authorities of the configuration. */
export function createEnrolments({
  home,
  authorities: trusted,
  directory,
  replaced,
}: EnrolmentOptions): Enrolments {
  const authorities = () => trusted().map((pem) => new X509Certificate(pem));
  return {
    directory,
    get canIssue() {
      return existsSync(home.authority.certificate) && existsSync(home.authority.key);
    },
    async signRequest(client, request) {
      const { signRequest } = await issuing();
      const authority = authorityOf(home);
      return judged(await refusing(() => signRequest(authority, client, request)), authorities());
    },
    async generate(client) {
      const { issueClient } = await issuing();
      const authority = authorityOf(home);
      const kind = authority.key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
      const { certificate, key }: IssuedCertificate = await refusing(() =>
        issueClient(authority, client, kind),
      );
      return { ...judged(certificate, authorities()), key: generated(key) };
    },
    accept: (der) => judged(der, authorities()),
    replaced,
  };
}

/** What the maker of certificates refuses, in the words of the port. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CertificateRefusedError) throw new EnrolmentRefusedError(error.message);
    throw error;
  }
}

/**
 * The certificate, when a client can come in with it now. Ours is judged as well: one of an authority that has ended would
 * lock its client out.
 */
function judged(encoded: string | Uint8Array, authorities: readonly X509Certificate[]): ClientCertificate {
  const certificate = parsed(encoded);
  const now = new Date();
  try {
    refuseWeakKey(certificate.publicKey);
  } catch (error) {
    if (error instanceof CertificateRefusedError) throw new EnrolmentRefusedError(error.message);
    throw new EnrolmentRefusedError('its key cannot be read');
  }
  const refusal = refusalOf(certificate, now);
  if (refusal !== undefined) throw new EnrolmentRefusedError(refusal);
  const issuers = authorities.filter(
    ({ ca, validFromDate, validToDate }) => ca && validFromDate <= now && now <= validToDate,
  );
  if (isSignedByIssuer(certificate, certificate) || !leadsToRoot(certificate, issuers))
    throw new EnrolmentRefusedError('no authority that the server trusts has signed it');
  return {
    der: new Uint8Array(certificate.raw),
    pem: certificate.toString(),
    fingerprint: fingerprintOf(certificate),
    notAfter: Math.floor(certificate.validToDate.getTime() / 1000),
  };
}

/** The DER again must be what came: what stands behind a certificate is not part of any fingerprint. */
function parsed(encoded: string | Uint8Array): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(encoded);
  } catch {
    throw new EnrolmentRefusedError('it is not a certificate (X.509)');
  }
  if (typeof encoded !== 'string' && !certificate.raw.equals(encoded))
    throw new EnrolmentRefusedError('it is not one certificate (X.509) in DER');
  return certificate;
}

function generated(key: KeyObject): GeneratedKey {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  return bits === undefined ? { pkcs8, algorithm: 'ECDSA', bits: 256 } : { pkcs8, algorithm: 'RSA', bits };
}

/** Whether issuers lead from the certificate up to one that signed itself: OpenSSL wants the whole way. */
export function leadsToRoot(certificate: X509Certificate, issuers: readonly X509Certificate[]): boolean {
  for (let below = certificate, steps = 0; steps <= issuers.length; steps++) {
    if (isSignedByIssuer(below, below)) return true;
    const issuer = issuers.find((candidate) => isSignedByIssuer(below, candidate));
    if (issuer === undefined) return false;
    below = issuer;
  }
  return false;
}
