import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { certificateIn } from '../key-pairs.ts';
import type { Issuer } from './issuers.ts';

/** The certificate that a client asks for, and what proves that it has the private key. */
interface Claim {
  readonly content: CertificateContent;
  readonly issuer: Issuer;
  /** The private key of the public key, when the group has it and the Rights include it. */
  readonly ownKey: ManagedObject | undefined;
  /** Whether the content is that of a certificate request, whose signature was checked. */
  readonly isRequested: boolean;
  /** The certificate that the new one replaces. */
  readonly replaced?: ManagedObject | undefined;
}

/**
 * Refuses an authority for a key that the client has not proved to have, by the signature of a certificate
 * request or by its private key here: the certificate would bind the key of somebody else for good. A renewal
 * by the issuer of the old certificate needs no new proof. Under limited Rights a certificate request may be
 * a copy of somebody else's, so that an authority needs its private key within the Rights, and every other
 * certificate a proof (docs/decisions/36-certificate-authority.md).
 * @throws {KmipError} PermissionDenied
 */
export async function requirePossession(claim: Claim, { crypto, work }: Context): Promise<void> {
  const { content, ownKey, isRequested } = claim;
  if (ownKey !== undefined || (!content.authority && !work.isLimited)) return;
  if (content.authority && work.isLimited)
    fail('PermissionDenied', 'the Rights of the ticket certify authorities by their private keys here only');
  if (!isRequested && !(await isRenewal(claim, crypto)))
    fail(
      'PermissionDenied',
      'nothing proves the possession of the private key: send a certificate request, or name a public key whose Private Key Link leads to its private key here',
    );
}

/** Whether the issuer of a certificate that the server made signs it again, and for no other use. */
async function isRenewal(
  { content, replaced, issuer: { issuerCertificate } }: Claim,
  { certification }: Context['crypto'],
): Promise<boolean> {
  const old = certificateIn(replaced);
  if (old === undefined || issuerCertificate === undefined || replaced?.provenance.born !== 'made')
    return false;
  const { authority } = await certification.readCertificate(old);
  return authority === content.authority && certification.isIssuedBy(old, issuerCertificate.certificate);
}
