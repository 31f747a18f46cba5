import { type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { CertificateRefusedError, type IssuedCertificate, refuseWeakKey } from '../../certs/keys.ts';
import { readAuthority } from '../cli/state-directory/authority.ts';
import { findChainProblem } from '../cli/state-directory/client-chain.ts';
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
import { isSignedBy } from '../identity/trust.ts';

export interface EnrolmentOptions {
  readonly stateDirectory: StateDirectory;
  /** PEM of the authorities that the listener trusts now. */
  readonly authorities: () => readonly string[];
  readonly directory: ClientDirectory;
  /** Is called after a client has replaced its certificate. */
  replaced(event: ReplacedEnrolment): void;
}

const loadIssuer = () => import('../../certs/issue.ts');

/**
 * Creates the port through which clients replace their own certificates: the authority of the state directory
 * issues them, and those of all trusted authorities are accepted.
 */
export function createEnrolments({
  stateDirectory,
  authorities: trustedPems,
  directory,
  replaced,
}: EnrolmentOptions): Enrolments {
  const authorities = () => trustedPems().map((pem) => new X509Certificate(pem));
  return {
    directory,
    get canIssue() {
      const { certificate, key } = stateDirectory.authority;
      return existsSync(certificate) && existsSync(key);
    },
    async signRequest(client, request) {
      const { signRequest } = await loadIssuer();
      const authority = readAuthority(stateDirectory);
      const pem = await translateRefusal(() => signRequest(authority, client, request));
      return requireUsable(pem, authorities());
    },
    async generate(client) {
      const { issueClient } = await loadIssuer();
      const authority = readAuthority(stateDirectory);
      const kind = authority.key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
      const { certificate, key }: IssuedCertificate = await translateRefusal(() =>
        issueClient(authority, client, kind),
      );
      return { ...(await requireUsable(certificate, authorities())), key: generatedKeyOf(key) };
    },
    async accept(der, current) {
      const accepted = await requireUsable(der, authorities());
      requireSameKey(accepted.pem, current);
      return accepted;
    },
    replaced,
  };
}

/** Turns the refusals of certs/ into those of the port. */
async function translateRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CertificateRefusedError) throw new EnrolmentRefusedError(error.message);
    throw error;
  }
}

/**
 * Describes a certificate by which a client can connect now. Issued ones are checked as well: one of an
 * authority that has expired would lock its client out.
 * @throws {EnrolmentRefusedError} when no TLS handshake could use it.
 */
async function requireUsable(
  encoded: string | Uint8Array,
  authorities: readonly X509Certificate[],
): Promise<ClientCertificate> {
  const certificate = parseCertificate(encoded);
  const now = new Date();
  try {
    refuseWeakKey(certificate.publicKey);
  } catch (error) {
    if (error instanceof CertificateRefusedError) throw new EnrolmentRefusedError(error.message);
    throw new EnrolmentRefusedError('its key cannot be read');
  }
  if (isSignedBy(certificate, certificate))
    throw new EnrolmentRefusedError('no authority that the server trusts has signed it');
  // The client waits for no date: it would be locked out until then.
  const refusal = refusalOf(certificate, now) ?? (await findChainProblem(certificate, authorities, now));
  if (refusal !== undefined) throw new EnrolmentRefusedError(refusal);
  return {
    der: new Uint8Array(certificate.raw),
    pem: certificate.toString(),
    fingerprint: fingerprintOf(certificate),
    notAfter: Math.floor(certificate.validToDate.getTime() / 1000),
  };
}

/** Requires that two certificates (PEM) are for one key. */
function requireSameKey(certificate: string, current: string): void {
  const [wanted, proven] = [certificate, current].map((pem) => new X509Certificate(pem).publicKey);
  if (wanted === undefined || proven === undefined || !wanted.equals(proven))
    throw new EnrolmentRefusedError(
      'it is for another key than the certificate of this connection, and nothing proves that the client has that key: send a Certificate Request',
    );
}

/** The DER must equal the input: bytes behind a certificate are not part of any fingerprint. */
function parseCertificate(encoded: string | Uint8Array): X509Certificate {
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

function generatedKeyOf(key: KeyObject): GeneratedKey {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  return bits === undefined ? { pkcs8, algorithm: 'ECDSA', bits: 256 } : { pkcs8, algorithm: 'RSA', bits };
}
