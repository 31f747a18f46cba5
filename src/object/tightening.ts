import { fail } from '../common/errors.ts';
import type { Protection } from '../common/protection.ts';
import type { ManagedObject } from './managed-object.ts';
import { isSameValue } from './values.ts';

/**
 * Runs a client's change of attributes. Under `strict` protection a client may tighten Sensitive and
 * Extractable and never loosens them, by whatever operation, and the Cryptographic Parameters, which bind the
 * uses of a key, stay as they are from activation on. `now` in POSIX seconds.
 * @throws {KmipError} PermissionDenied when the change has done otherwise; the caller drops the object then
 */
export function withoutLoosening<T>(
  object: ManagedObject,
  { protection, now }: { readonly protection: Protection; readonly now: number },
  change: () => T,
): T {
  const { attributes } = object;
  const wasSensitive = attributes.get('Sensitive') === true;
  const wasLocked = attributes.get('Extractable') === false;
  const isBound = object.state(now) !== 'PreActive';
  const parameters = attributes.values('CryptographicParameters');
  const result = change();
  if (protection === 'kmip') return result;
  if (wasSensitive && attributes.get('Sensitive') !== true) refuse('Sensitive cannot become false again');
  if (wasLocked && attributes.get('Extractable') !== false) refuse('Extractable cannot become true again');
  const isSame = isSameValue({ value: parameters }, { value: attributes.values('CryptographicParameters') });
  if (isBound && !isSame) refuse('Cryptographic Parameters cannot change after activation');
  return result;
}

function refuse(what: string): never {
  fail('PermissionDenied', `${what}: crypto.protection of the server is "strict"`);
}
