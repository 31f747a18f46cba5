import { fail } from '../common/errors.ts';
import type { Protection } from '../common/protection.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * Runs a client's change of attributes. Under `strict` protection a client may tighten Sensitive and
 * Extractable and never loosens them, by whatever operation.
 * @throws {KmipError} PermissionDenied when the change has loosened one; the caller drops the object then
 */
export function withoutLoosening<T>(
  { attributes }: ManagedObject,
  protection: Protection,
  change: () => T,
): T {
  const wasSensitive = attributes.get('Sensitive') === true;
  const wasLocked = attributes.get('Extractable') === false;
  const result = change();
  if (protection === 'kmip') return result;
  if (wasSensitive && attributes.get('Sensitive') !== true) refuse('Sensitive', false);
  if (wasLocked && attributes.get('Extractable') !== false) refuse('Extractable', true);
  return result;
}

function refuse(name: string, value: boolean): never {
  fail(
    'PermissionDenied',
    `${name} cannot become ${value} again: crypto.protection of the server is "strict"`,
  );
}
