import type { X509Certificate } from 'node:crypto';
import type { AuthenticationResult } from '../identity/certificate.ts';
import type { Principal } from '../identity/principal.ts';

/** An open connection with the certificate that authenticated it. */
export interface AuthenticatedSession {
  readonly principal: Principal;
  readonly certificate: X509Certificate;
  /**
   * Certificate that may replace that one; until then (ms since 1970) its enrolment keeps the session open.
   */
  readonly replacement?: { readonly certificate: X509Certificate; readonly until: number } | undefined;
}

/** The client of an open connection as it is enrolled now, or why the connection has to end. */
export type Reauthentication = { readonly principal: Principal } | { readonly ended: string };

/**
 * Authenticates an open connection again. Resolves with the client as it is enrolled now, or with why the
 * connection has to end. Rejects when the client directory is unavailable.
 */
export async function reauthenticate(
  { principal, certificate, replacement }: AuthenticatedSession,
  authenticate: (certificate: X509Certificate) => Promise<AuthenticationResult>,
): Promise<Reauthentication> {
  let result = await authenticate(certificate);
  if ('refused' in result && replacement !== undefined && Date.now() < replacement.until)
    result = keepFingerprint(principal, await authenticate(replacement.certificate));
  if ('refused' in result) return { ended: result.refused };
  // While the vault is sealed nobody knows whose the certificate is.
  if (principal.isProvisional || result.principal.isProvisional) return result;
  if (result.principal.client !== principal.client)
    return { ended: 'the certificate belongs to another client now' };
  if (result.principal.group !== principal.group) return { ended: 'the client has moved to another group' };
  return result;
}

/** Keeps the fingerprint of the certificate that the connection was authenticated with. */
function keepFingerprint({ fingerprint }: Principal, result: AuthenticationResult): AuthenticationResult {
  if ('refused' in result || fingerprint === undefined) return result;
  return { principal: { ...result.principal, fingerprint } };
}
