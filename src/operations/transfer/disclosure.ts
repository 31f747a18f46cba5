import { fail } from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Shown } from '../../object/provenance.ts';
import type { Context } from '../context.ts';

/**
 * Records in the provenance of an object that its value leaves the server in this answer, as a lasting
 * change: an undone item may have shown it too. The object changes only when its value leaves more openly
 * than before, so fetching a key again and again writes nothing.
 * @throws {ApprovalMissingError} when it leaves in the clear, which is under the two-person rule
 */
export function recordDisclosure(object: ManagedObject, shown: Shown, { work, approvals }: Context): void {
  if (shown === 'clear') approvals.requireDisclosure(object);
  work.applyLasting(object, (each) => each.recordShown(shown));
}

/**
 * Refuses objects whose value may not leave the server in the clear.
 * @throws {KmipError} NotExtractable or Sensitive
 */
export function refuseSecret(object: ManagedObject): void {
  requireExtractable(object);
  requireNotSensitive(object);
}

export function requireExtractable({ attributes }: ManagedObject): void {
  if (attributes.get('Extractable') === false) fail('NotExtractable', 'the object is not extractable');
}

export function requireNotSensitive(object: ManagedObject): void {
  if (isSensitiveObject(object)) refuseSensitive();
}

export function refuseSensitive(): never {
  fail('Sensitive', 'the object is sensitive: it leaves the server only wrapped');
}

export function isSensitiveObject({ attributes }: ManagedObject): boolean {
  return attributes.get('Sensitive') === true;
}
