import { createHash, X509Certificate } from 'node:crypto';
import { alwaysGranted, type RolePolicy } from './policy.ts';
import {
  type Client,
  type ClientDirectory,
  type Enrolment,
  omitForged,
  type Principal,
} from './principal.ts';

/** Why a certificate is refused; for the log only, the peer learns nothing. */
export type CertificateRefusal =
  | 'certificate not enrolled'
  | 'client disabled'
  | 'certificate expired'
  | 'certificate not yet valid'
  | 'certificate is not for TLS clients';

/** The client that a certificate authenticates, or why it is refused. */
export type AuthenticationResult =
  | { readonly principal: Principal }
  /** `fingerprint` tells the operator which certificate; `name` is the client's, when it is enrolled. */
  | { readonly refused: string; readonly fingerprint: string; readonly name?: string };

const clientAuth = '1.3.6.1.5.5.7.3.2';

/**
 * Returns the SHA-256 of the certificate's DER in lower-case hex, which identifies a client. No text in a
 * certificate is ever used for that.
 */
export function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/**
 * Returns the enrolled client of a certificate, or why it is refused. To be called on every connection, also
 * on resumed sessions, for which OpenSSL does not check the certificate again. The issuer does not matter
 * here: a certificate that is not enrolled is refused. An absent extended key usage is tolerated (vCenter's
 * own certificates have none), one without client authentication is not. `findChainProblem`: why no trusted
 * authority stands behind the certificate now; OpenSSL was asked at the handshake alone, or not at all.
 * Rejects only when the directory does.
 */
export async function authenticate(
  certificate: X509Certificate,
  directory: ClientDirectory,
  policy: RolePolicy,
  now: Date = new Date(),
  findChainProblem: (client: Client) => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<AuthenticationResult> {
  const fingerprint = fingerprintOf(certificate);
  const client = await omitForged(directory.byFingerprint(fingerprint));
  if (client === undefined) return { refused: 'certificate not enrolled', fingerprint };
  const refused = client.disabled
    ? 'client disabled'
    : (refusalOf(certificate, now) ?? (await findChainProblem(client)));
  if (refused !== undefined) return { refused, fingerprint, name: client.name };
  return { principal: principalOf(client, policy, client.hasCredentials) };
}

/**
 * Returns a principal for a certificate that TLS has accepted while the vault is sealed, when no client can
 * be looked up: the same for every certificate. It may do what the server answers everybody.
 */
export function authenticateProvisionally(
  certificate: X509Certificate,
  now: Date = new Date(),
): AuthenticationResult {
  const fingerprint = fingerprintOf(certificate);
  const refused = refusalOf(certificate, now);
  if (refused !== undefined) return { refused, fingerprint };
  // No client has such a name, and no client such a group: `kmipd client add` takes none with a space.
  const client = `certificate ${fingerprint}`;
  const may = (operation: string) => alwaysGranted.has(operation);
  return { principal: { client, group: '', fingerprint, isProvisional: true, may } };
}

function principalOf(
  { name, group, role, fingerprint, enrolledAt }: Client,
  policy: RolePolicy,
  secondFactor: boolean,
): Principal {
  const may = (operation: string) => policy.permits(role, operation);
  const restrictions = () => policy.restrictions(role);
  const ruleFor = (operation: string) => policy.ruleOf(role, operation);
  const needsApproval: Principal['needsApproval'] = (operation) => policy.needsApproval(role, operation);
  return {
    ...{ client: name, group, role, fingerprint, enrolledAt, secondFactor },
    ...{ may, restrictions, ruleFor, needsApproval },
  };
}

/**
 * Returns the principal of an enrolled client that has no connection here, for work that is done for it;
 * undefined when it is not authorised at `now`.
 */
export async function principalByName(
  name: string,
  directory: ClientDirectory,
  policy: RolePolicy,
  now: Date = new Date(),
  findChainProblem: (client: Client) => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<Principal | undefined> {
  const client = await omitForged(directory.byName(name));
  if (client === undefined || client.disabled) return undefined;
  if (refusalOf(new X509Certificate(client.certificate), now) !== undefined) return undefined;
  if ((await findChainProblem(client)) !== undefined) return undefined;
  return principalOf(client, policy, false);
}

/**
 * Whether a client is enrolled since that time under that name, disabled or not. Rejects as `byName`: that a
 * client is gone may allow something.
 */
export async function isEnrolledSince(
  { client, enrolledAt }: Enrolment,
  directory: ClientDirectory,
): Promise<boolean> {
  return (await directory.byName(client))?.enrolledAt === enrolledAt;
}

/** Returns why a certificate by itself cannot authenticate a client at `now`; undefined when it can. */
export function refusalOf(certificate: X509Certificate, now: Date): CertificateRefusal | undefined {
  if (now > certificate.validToDate) return 'certificate expired';
  if (now < certificate.validFromDate) return 'certificate not yet valid';
  // Node calls the extended key usage `keyUsage`; undefined when the extension is absent.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  // OpenSSL does not take anyExtendedKeyUsage for it either.
  if (usages === undefined || usages.includes(clientAuth)) return undefined;
  return 'certificate is not for TLS clients';
}
