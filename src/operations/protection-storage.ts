import { ProtectionStorageMask } from '../../codec/masks.ts';
import type { ProtectionStorageMasks } from '../../codec/structures/query.ts';
import { fail, type Reason } from '../common/errors.ts';

/** Keys are stored encrypted by software on a system of the operator; the server cannot guarantee more. */
export const offeredStorage = ProtectionStorageMask.bit('Software');

/**
 * Refuses a creation when none of its alternatives is offered (KMIP 2.1 §7.29).
 * @throws {KmipError} with `reason`
 */
export function requireStorage(masks: ProtectionStorageMasks | undefined, reason: Reason): void {
  const alternatives = masks?.ProtectionStorageMask ?? [];
  if (alternatives.length === 0 || alternatives.some((mask) => (mask & ~offeredStorage) === 0)) return;
  fail(reason, 'keys are protected by software only');
}
