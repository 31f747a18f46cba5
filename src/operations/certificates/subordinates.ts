import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { isSameBytes } from '../../common/bytes.ts';
import type { NamingPolicy } from '../../common/certification-rules.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isBornHere } from '../../object/provenance.ts';
import type { Context } from '../context.ts';
import type { Issuer } from './issuers.ts';

/**
 * Which keys are certified as authorities. What an authority signs outside the server is under no policy, so
 * that the keys of authorities stay here (docs/decisions/36-certificate-authority.md).
 */

const authorityBits = CryptographicUsageMask.bit('CertificateSign') | CryptographicUsageMask.bit('CRLSign');

/** The authority to be certified. */
interface Subject {
  readonly content: CertificateContent;
  /** The private key of the public key, when the group has it. */
  readonly ownKey: ManagedObject | undefined;
  /** The policies of the operator for the authorities above. */
  readonly policies: readonly NamingPolicy[];
}

/**
 * Returns the content of a certificate within what its key permits: an authority below one with policies has
 * their names as Name Constraints.
 * @throws {KmipError} IncompatibleCryptographicUsageMask for the key of an authority without CertificateSign,
 *   which could sign data; PermissionDenied where a policy allows no such authority
 */
export async function limitAuthority(
  { content, ownKey, policies }: Subject,
  { issuerCertificate }: Issuer,
  { crypto, protection }: Context,
): Promise<CertificateContent> {
  if (!content.authority) return content;
  const mask = ownKey?.attributes.get('CryptographicUsageMask') ?? 0;
  // Unrestricted is not enough: only the bit itself keeps the key from data.
  if (ownKey !== undefined && (mask & CryptographicUsageMask.bit('CertificateSign')) === 0)
    fail(
      'IncompatibleCryptographicUsageMask',
      'an authority needs a private key whose Cryptographic Usage Mask contains CertificateSign',
    );
  if (issuerCertificate === undefined || policies.length === 0) return content;
  if (!policies.every(({ subordinates }) => subordinates))
    fail(
      'PermissionDenied',
      'the naming policy of an authority allows no authorities below it: subordinates = true in its section of kmipd.toml permits them',
    );
  if (ownKey === undefined || protection === 'kmip' || !isKept(ownKey))
    fail(
      'PermissionDenied',
      'below a naming policy an authority needs a key pair of the server under strict protection: Sensitive and not Extractable from the start, with no usage but CertificateSign and CRLSign, and named by the request',
    );
  const nameConstraints = await crypto.certification.encodeNameConstraints(policies);
  const { nameConstraints: previous = nameConstraints } = content;
  if (!isSameBytes(previous, nameConstraints))
    fail(
      'PermissionDenied',
      'the authority had other Name Constraints than its policies give now: certify another key pair',
    );
  return { ...content, nameConstraints };
}

/** Whether the value of a key was made here, has not left, and cannot leave under `strict` protection. */
function isKept({ attributes, provenance: { born, shown, masks, alwaysSensitive } }: ManagedObject): boolean {
  const isLocked = attributes.get('Sensitive') === true && attributes.get('Extractable') === false;
  return (
    isLocked && isBornHere(born) && shown === 'never' && alwaysSensitive && (masks & ~authorityBits) === 0
  );
}
