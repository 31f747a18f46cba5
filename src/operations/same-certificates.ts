import type { Attribute } from '../../codec/attribute.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import { fail, MissingPermissionError } from '../common/errors.ts';
import type { AttributeFilter } from '../object/attribute-filter.ts';
import { locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';
import { certificateIn } from './key-pairs.ts';
import { findIssued } from './revocation-records.ts';

/** Objects of a group that hold one certificate. */

/** Archived certificates count like others. */
export const storedAnywhere =
  StorageStatusMask.bit('OnLineStorage') | StorageStatusMask.bit('ArchivalStorage');

/** Objects with one certificate whose Rights are asked. */
const maxAsked = 100;

/** Builds the filter for objects with the same certificate, by the digest, which outlives the value. */
export function filterSameCertificate(
  certificate: Uint8Array,
  storageStatusMask: number,
  { crypto, now }: Pick<Context, 'crypto' | 'now'>,
): AttributeFilter {
  const DigestValue = crypto.digest('SHA_256', certificate);
  const attributes: Attribute[] = [
    { name: 'ObjectType', value: 'Certificate' },
    { name: 'Digest', value: { HashingAlgorithm: 'SHA_256', DigestValue } },
  ];
  return locateFilter({ attributes, storageStatusMask, now });
}

/**
 * Refuses the end of a certificate under limited Rights, unless the server issued it as this object: others
 * may hold the same certificate outside the Rights, and the end would be theirs.
 * @throws {KmipError} NotAuthorised
 */
export async function requireMayEnd(object: ManagedObject, context: Context): Promise<void> {
  if (!context.work.isLimited || object.type !== 'Certificate') return;
  if ((await findIssued(object, context)) === undefined)
    fail(
      'NotAuthorised',
      'the Rights of the ticket do not include the end of a certificate that was not issued here',
    );
}

/**
 * Refuses a copy of a stored certificate that states its end, unless the client may revoke the certificate:
 * Validate and the issuance of certificates take such an end for that of the certificate itself.
 * @throws {KmipError} PermissionDenied when the role does not include Revoke, or NotAuthorised when the
 *   Rights of the ticket do not
 */
export async function requireMayEndCopies(copy: ManagedObject, context: Context): Promise<void> {
  const certificate = certificateIn(copy);
  const isEnded = copy.attributes.has('DeactivationDate') || copy.attributes.has('CompromiseOccurrenceDate');
  if (certificate === undefined || !isEnded) return;
  await requireMayEnd(copy, context);
  const { work } = context;
  const filter = filterSameCertificate(certificate, storedAnywhere, context);
  const { ids } = await work.find({ filter, offset: 0, limit: maxAsked });
  const others = ids.filter((id) => id !== copy.id);
  if (others.length > 0)
    await requireMayRevoke(
      others.map((id) => ({ id })),
      context,
    );
}

/**
 * Refuses a copy that states the end of objects which the client may not revoke.
 * @throws {KmipError} PermissionDenied when the role does not include Revoke, or NotAuthorised when the
 *   Rights of the ticket do not
 */
export async function requireMayRevoke(
  objects: readonly Pick<ManagedObject, 'id'>[],
  { principal, renewedAccess, approvals }: Context,
): Promise<void> {
  if (!principal.may('Revoke'))
    throw new MissingPermissionError(principal.client, 'Revoke', ', which the end of a copy stands for');
  await renewedAccess.require(
    'Revoke',
    objects.map(({ id }) => ({ id })),
  );
  for (const { id } of objects) approvals.require('Revoke', { id });
}
