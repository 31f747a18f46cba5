import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { UsageLimits } from '../../codec/structures/attribute-values.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import { useOf } from '../crypto/algorithms.ts';
import type { ManagedObject } from './managed-object.ts';
import type { StateName } from './state.ts';

type UsageBit = (typeof CryptographicUsageMask)['members'][number];

/**
 * `protect`: makes protected data, so only an Active key may, until Protect Stop Date. `process`: reads what was
 * protected before, from Process Start Date on; old data must stay readable after the key's time is over.
 */
type Direction = 'protect' | 'process';

const allowedStates: Readonly<Record<Direction, readonly StateName[]>> = {
  protect: ['Active'],
  process: ['Active', 'Deactivated', 'Compromised'],
};

/** What each use of a key needs (KMIP 2.1 §4.14 and §11.52, 1.4 §3.19). */
const uses = {
  Encrypt: { bit: 'Encrypt', direction: 'protect' },
  Decrypt: { bit: 'Decrypt', direction: 'process' },
  Sign: { bit: 'Sign', direction: 'protect' },
  SignatureVerify: { bit: 'Verify', direction: 'process' },
  MAC: { bit: 'MACGenerate', direction: 'protect' },
  MACVerify: { bit: 'MACVerify', direction: 'process' },
  DeriveKey: { bit: 'DeriveKey', direction: 'protect' },
  AgreeKey: { bit: 'DeriveKey', orBit: 'KeyAgreement', direction: 'protect' },
  WrapKey: { bit: 'WrapKey', direction: 'protect' },
  // A key that may wrap reads what it wrapped: so TC-WRAP-2 has it, whose key has no other bit.
  UnwrapKey: { bit: 'UnwrapKey', orBit: 'WrapKey', direction: 'process' },
  Certify: { bit: 'CertificateSign', direction: 'protect' },
} as const satisfies Record<string, UsageRequirement>;

interface UsageRequirement {
  readonly bit: UsageBit;
  /** Allows the use as well. */
  readonly orBit?: UsageBit;
  readonly direction: Direction;
}

export type Use = keyof typeof uses;

/**
 * Refuses a use that the object's state, dates or usage mask do not allow, in this order. Fails with ObjectArchived,
 * WrongKeyLifecycleState or IncompatibleCryptographicUsageMask (1.x: PermissionDenied, for the mask `classic`).
 */
export function requireUsage(object: ManagedObject, use: Use, now: number, legacyReason?: Reason): void {
  const { bit, orBit = bit, direction }: UsageRequirement = uses[use];
  if (object.archived) fail('ObjectArchived', 'the object is archived: recover it first');
  requireTime(object, direction, use, now);
  const mask = object.attributes.get('CryptographicUsageMask') ?? 0;
  if (![bit, orBit].some((each) => hasUsageBits(mask, CryptographicUsageMask.bit(each)))) {
    fail(
      'IncompatibleCryptographicUsageMask',
      `the Cryptographic Usage Mask does not contain ${bit}`,
      legacyReason,
    );
  }
}

/** Refuses what comes in the wrong state, before Process Start Date or from Protect Stop Date on. `classic`: as of `fail`. */
function requireTime(
  object: ManagedObject,
  direction: Direction,
  what: string,
  now: number,
  legacyReason?: Reason,
): void {
  const state = object.state(now);
  const refuse = (why: string): never => fail('WrongKeyLifecycleState', why, legacyReason);
  if (!allowedStates[direction].includes(state)) {
    refuse(`${what} needs an object that is ${allowedStates[direction].join(' or ')}; it is ${state}`);
  }
  const start = object.attributes.get('ProcessStartDate');
  if (direction === 'process' && start !== undefined && now < start) {
    refuse(`${what} is not allowed before the Process Start Date`);
  }
  const stop = object.attributes.get('ProtectStopDate');
  if (direction === 'protect' && stop !== undefined && now >= stop) {
    refuse(`${what} is not allowed after the Protect Stop Date`);
  }
}

/** Whether `mask` has every bit of `needed`; Unrestricted (2.0 on) has them all. */
export function hasUsageBits(mask: number, needed: number): boolean {
  return (mask & CryptographicUsageMask.bit('Unrestricted')) !== 0 || (mask & needed) === (needed | 0);
}

function usageMaskOf(...bits: UsageBit[]): number {
  return bits.reduce((mask, bit) => mask | CryptographicUsageMask.bit(bit), 0);
}

const cipherMask = usageMaskOf('Encrypt', 'Decrypt');
const authenticationMask = usageMaskOf('MACGenerate', 'MACVerify');

/** What the halves of a pair are for whose algorithm does one thing; RSA and the rest both sign and encrypt. */
const pairUsageMasks = {
  signature: { PrivateKey: usageMaskOf('Sign'), PublicKey: usageMaskOf('Verify') },
  agreement: { PrivateKey: usageMaskOf('KeyAgreement'), PublicKey: usageMaskOf('KeyAgreement') },
  // Decapsulation is asked for as Decrypt, encapsulation as Encrypt.
  encapsulation: { PrivateKey: usageMaskOf('Decrypt'), PublicKey: usageMaskOf('Encrypt') },
} as const;

/**
 * Cryptographic Usage Mask of an object whose client gave none: what its kind is made for. Undefined for types that
 * have no mask.
 */
export function defaultUsageMask(
  type: ObjectTypeName,
  algorithm: CryptographicAlgorithm | undefined,
): number | undefined {
  const use = algorithm === undefined ? undefined : useOf(algorithm);
  switch (type) {
    case 'SymmetricKey':
    case 'SplitKey':
      return typeof algorithm === 'string' && algorithm.startsWith('HMAC_') ? authenticationMask : cipherMask;
    case 'PrivateKey':
      if (use !== undefined) return pairUsageMasks[use][type];
      return algorithm === 'EC' ? usageMaskOf('Sign', 'KeyAgreement') : usageMaskOf('Sign', 'Decrypt');
    case 'PublicKey':
      if (use !== undefined) return pairUsageMasks[use][type];
      return algorithm === 'EC' ? usageMaskOf('Verify', 'KeyAgreement') : usageMaskOf('Verify', 'Encrypt');
    case 'Certificate':
      return usageMaskOf('Verify');
    case 'SecretData':
      return usageMaskOf('DeriveKey');
    default:
      return undefined;
  }
}

/** Limits as a client gives them: the count starts at the total, whatever the client says (KMIP 2.1 §4.60). */
export function resetUsageCount(limits: UsageLimits): UsageLimits {
  return { ...limits, UsageLimitsCount: limits.UsageLimitsTotal };
}

/** Whether nothing has been allocated yet: from then on a client may no longer change or delete the limits. */
export function isUnallocated({ UsageLimitsTotal, UsageLimitsCount }: UsageLimits): boolean {
  return UsageLimitsCount === undefined || UsageLimitsCount === UsageLimitsTotal;
}

/**
 * Takes `amount` (bytes or objects, as the limits' unit says) off the limits for Get Usage Allocation. Fails with
 * AttributeNotFound (1.x: IllegalOperation) where there are no limits, with WrongKeyLifecycleState (1.x:
 * IllegalOperation) when the object may not protect data, with UsageLimitExceeded where too little is left.
 */
export function allocateUsage(object: ManagedObject, amount: bigint, now: number): void {
  const limits = object.attributes.get('UsageLimits');
  if (limits === undefined) fail('AttributeNotFound', 'the object has no Usage Limits', 'IllegalOperation');
  requireTime(object, 'protect', 'a usage allocation', now, 'IllegalOperation');
  if (amount < 0n) fail('InvalidField', 'the Usage Limits Count asked for is negative');
  if (!decrementLimits(object, limits, amount, now))
    fail('UsageLimitExceeded', 'not enough is left of the Usage Limits');
}

/**
 * Counts one use of a key on `bytes` bytes of data: Encrypt, Sign and the like. Nothing happens without limits. Fails with
 * PermissionDenied when the limits are used up: so the test cases want it, in every version.
 */
export function countUse(object: ManagedObject, bytes: number, now: number): void {
  const limits = object.attributes.get('UsageLimits');
  if (limits === undefined) return;
  const amount = limits.UsageLimitsUnit === 'Object' ? 1n : BigInt(bytes);
  if (!decrementLimits(object, limits, amount, now)) fail('PermissionDenied', 'the Usage Limits are used up');
}

function decrementLimits(object: ManagedObject, limits: UsageLimits, amount: bigint, now: number): boolean {
  const left = limits.UsageLimitsCount ?? limits.UsageLimitsTotal;
  if (amount > left) return false;
  object.attributes.set('UsageLimits', { ...limits, UsageLimitsCount: left - amount });
  object.touch(now);
  return true;
}
