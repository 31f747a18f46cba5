import { ProtectionStorageMask } from '../../codec/masks.ts';
import type { ProtectionStorageMasks } from '../../codec/structures/query.ts';
import { fail, type Reason } from '../common/errors.ts';

/** Keys rest sealed in software on a system of the operator: what the daemon can vouch for by itself. */
export const offeredStorage = ProtectionStorageMask.bit('Software');

/** Refuses a creation whose every alternative asks for protection that is not offered (KMIP 2.1 §7.29). */
export function requireStorage(masks: ProtectionStorageMasks | undefined, reason: Reason): void {
  const alternatives = masks?.ProtectionStorageMask ?? [];
  if (alternatives.length === 0 || alternatives.some((mask) => (mask & ~offeredStorage) === 0)) return;
  fail(reason, 'keys are protected by software only');
}
