import { createHash, X509Certificate } from 'node:crypto';
import type { Policy } from './policy.ts';
import type { Client, ClientDirectory, Principal } from './principal.ts';

/** Why a certificate was turned away; for the log, the peer learns nothing. */
export type Refusal =
  | 'certificate not enrolled'
  | 'client disabled'
  | 'certificate expired'
  | 'certificate not yet valid'
  | 'certificate is not for TLS clients';

export type Authentication =
  | { readonly principal: Principal; readonly client: Client }
  /** `fingerprint` tells the operator which certificate; `name` when it is enrolled. */
  | { readonly refused: Refusal; readonly fingerprint: string; readonly name?: string };

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyExtendedKeyUsage = '2.5.29.37.0';

/** SHA-256 of the certificate's DER, lower-case hex: how a client is known. No text inside a certificate is ever read. */
export function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/**
 * Who the peer is, asked on every connection, resumed sessions too: those skip OpenSSL's look at the certificate.
 * A certificate of a trusted authority is not enough, it must be enrolled. No extended key usage at all is tolerated
 * (vCenter's own certificates have none), one that does not name clients is not. `hasCredentials`: whether the operator
 * gave the client any, so that this is not enough. Rejects only when the directory does.
 */
export async function authenticate(
  certificate: X509Certificate,
  directory: ClientDirectory,
  policy: Policy,
  now: Date = new Date(),
  hasCredentials: (client: string) => Promise<boolean> = () => Promise.resolve(false),
): Promise<Authentication> {
  const fingerprint = fingerprintOf(certificate);
  const client = await directory.byFingerprint(fingerprint);
  if (client === undefined) return { refused: 'certificate not enrolled', fingerprint };
  const refused = client.disabled ? 'client disabled' : refusalOf(certificate, now);
  if (refused !== undefined) return { refused, fingerprint, name: client.name };
  const secondFactor = await hasCredentials(client.name);
  return { client, principal: principalOf(client, policy, secondFactor) };
}

function principalOf(
  { name, group, role, fingerprint }: Client,
  policy: Policy,
  secondFactor: boolean,
): Principal {
  const may = (operation: string) => policy.permits(role, operation);
  return { client: name, group, fingerprint, secondFactor, may };
}

/** An enrolled client that is not here itself, for what is done in its name; undefined when it may not speak now. */
export async function absentClient(
  name: string,
  directory: ClientDirectory,
  policy: Policy,
  now: Date = new Date(),
): Promise<Principal | undefined> {
  const client = await directory.byName(name);
  if (client === undefined || client.disabled) return undefined;
  if (refusalOf(new X509Certificate(client.certificate), now) !== undefined) return undefined;
  return principalOf(client, policy, false);
}

/** What about a certificate itself forbids its use now; undefined when nothing does. */
export function refusalOf(certificate: X509Certificate, now: Date): Refusal | undefined {
  if (now > certificate.validToDate) return 'certificate expired';
  if (now < certificate.validFromDate) return 'certificate not yet valid';
  // Node calls the extended key usage `keyUsage`; undefined when the extension is absent.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (usages === undefined || usages.includes(clientAuth) || usages.includes(anyExtendedKeyUsage))
    return undefined;
  return 'certificate is not for TLS clients';
}
