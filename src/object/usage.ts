import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { UsageLimits } from '../../codec/structures/attribute-values.ts';
import type { CertificationRules } from '../common/certification-rules.ts';
import { fail, type Reason } from '../common/errors.ts';
import { usageMaskOf } from '../crypto/default-usage-mask.ts';
import type { ManagedObject } from './managed-object.ts';
import { type Restricted, requireStateAllowed } from './roles/role-limits.ts';
import type { StateName } from './state.ts';

type UsageBit = (typeof CryptographicUsageMask)['members'][number];

/**
 * `protect`: produces protected data, which needs an Active key before Protect Stop Date. `process`: reads
 * protected data, from Process Start Date on, also after deactivation, so that old data stays readable.
 * `divide`: makes parts of the key, also before it is Active, as long as it may protect data.
 */
type Direction = 'protect' | 'process' | 'divide';

const allowedStates: Readonly<Record<Direction, readonly StateName[]>> = {
  protect: ['Active'],
  process: ['Active', 'Deactivated', 'Compromised'],
  divide: ['PreActive', 'Active'],
};

/** Usage bit and direction of each use of a key (KMIP 2.1 §4.14 and §11.52, 1.4 §3.19). */
const uses = {
  Encrypt: { bit: 'Encrypt', direction: 'protect' },
  Decrypt: { bit: 'Decrypt', direction: 'process' },
  Sign: { bit: 'Sign', direction: 'protect' },
  SignatureVerify: { bit: 'Verify', direction: 'process' },
  MAC: { bit: 'MACGenerate', direction: 'protect' },
  MACVerify: { bit: 'MACVerify', direction: 'process' },
  // A key that authenticates wrapped keys need not compute MACs for clients: HMAC keys may have only these.
  AuthenticateKey: { bit: 'MACGenerate', orBit: 'WrapKey', direction: 'protect' },
  VerifyKey: { bit: 'MACVerify', orBit: 'UnwrapKey', direction: 'process' },
  DeriveKey: { bit: 'DeriveKey', direction: 'protect' },
  AgreeKey: { bit: 'DeriveKey', orBit: 'KeyAgreement', direction: 'protect' },
  WrapKey: { bit: 'WrapKey', direction: 'protect' },
  UnwrapKey: { bit: 'UnwrapKey', direction: 'process' },
  // Under `kmip` protection a key that may wrap may also unwrap: TC-WRAP-2 has a key with no other bit.
  UnwrapWithEitherBit: { bit: 'UnwrapKey', orBit: 'WrapKey', direction: 'process' },
  Certify: { bit: 'CertificateSign', direction: 'protect' },
  CreateSplitKey: { bit: 'Export', direction: 'divide' },
} as const satisfies Record<string, UsageRequirement>;

interface UsageRequirement {
  readonly bit: UsageBit;
  /** Another bit that also allows the use. */
  readonly orBit?: UsageBit;
  readonly direction: Direction;
}

/** A use of a key that the rules distinguish. */
export type Use = keyof typeof uses;

/** What a use is judged by, beside the object. */
export interface UsageContext {
  /** POSIX seconds. */
  readonly now: number;
  readonly certification: Pick<CertificationRules, 'authorityKeysForData'>;
  readonly principal: Restricted;
}

/**
 * Refuses a use that the state, the role of the client, the dates or the usage mask of the object do not
 * allow.
 *
 * @throws {KmipError} ObjectArchived, WrongKeyLifecycleState or IncompatibleCryptographicUsageMask (1.x:
 * PermissionDenied, for the mask `legacyReason`), also for a key of an authority on data.
 */
export function requireUsage(
  object: ManagedObject,
  use: Use,
  context: UsageContext,
  legacyReason?: Reason,
): void {
  const { now, certification } = context;
  const { bit, orBit = bit, direction }: UsageRequirement = uses[use];
  if (object.archived) fail('ObjectArchived', 'the object is archived: recover it first');
  requireTime(object, direction, use, now);
  requireStateAllowed(object, context);
  const mask = object.attributes.get('CryptographicUsageMask') ?? 0;
  if (![bit, orBit].some((each) => hasUsageBits(mask, CryptographicUsageMask.bit(each)))) {
    fail(
      'IncompatibleCryptographicUsageMask',
      `the Cryptographic Usage Mask does not contain ${bit}`,
      legacyReason,
    );
  }
  if (!certification.authorityKeysForData) requireNoAuthorityKey(object, use);
}

/**
 * Returns every bit that the Cryptographic Usage Mask of the object has or ever had; of a copy those of the
 * object it is a copy of, too.
 */
export function everyMaskOf({
  attributes,
  provenance,
}: Pick<ManagedObject, 'attributes' | 'provenance'>): number {
  return (attributes.get('CryptographicUsageMask') ?? 0) | provenance.masks;
}

/** Bits of keys whose signature others trust as that of an authority. */
const authorityBits = usageMaskOf('CertificateSign', 'CRLSign');

/** Uses that put no key on data of a client: the server decides what is signed, and parts say nothing. */
const usesOfAuthorities: readonly Use[] = ['Certify', 'CreateSplitKey'];

/**
 * Refuses to put the private key of an authority, now or ever, on data of a client: the data may be a
 * certificate without the limits of Certify, or a digest of one. Only bits that are stated count, as for
 * issuers: Unrestricted makes no authority.
 */
function requireNoAuthorityKey(object: ManagedObject, use: Use): void {
  if (object.type !== 'PrivateKey' || usesOfAuthorities.includes(use)) return;
  if ((everyMaskOf(object) & authorityBits) === 0) return;
  fail(
    'IncompatibleCryptographicUsageMask',
    'a key with CertificateSign or CRLSign, now or before, serves certificates only, unless the operator sets certification.authorityKeysForData',
  );
}

/**
 * Refuses a use in the wrong state, before Process Start Date or from Protect Stop Date on. `legacyReason`:
 * see `fail`.
 */
function requireTime(
  object: ManagedObject,
  direction: Direction,
  use: string,
  now: number,
  legacyReason?: Reason,
): void {
  const state = object.state(now);
  const refuse = (why: string): never => fail('WrongKeyLifecycleState', why, legacyReason);
  if (!allowedStates[direction].includes(state)) {
    refuse(`${use} needs an object that is ${allowedStates[direction].join(' or ')}; it is ${state}`);
  }
  const start = object.attributes.get('ProcessStartDate');
  if (direction === 'process' && start !== undefined && now < start) {
    refuse(`${use} is not allowed before the Process Start Date`);
  }
  const stop = object.attributes.get('ProtectStopDate');
  if (direction !== 'process' && stop !== undefined && now >= stop) {
    refuse(`${use} is not allowed after the Protect Stop Date`);
  }
}

/** Whether `mask` has every bit of `needed`; Unrestricted (since 2.0) includes all bits. */
export function hasUsageBits(mask: number, needed: number): boolean {
  return (mask & CryptographicUsageMask.bit('Unrestricted')) !== 0 || (mask & needed) === (needed | 0);
}

/**
 * Returns the limits of a client with the count set to the total, whatever the client states (KMIP 2.1
 * §4.60).
 */
export function resetUsageCount(limits: UsageLimits): UsageLimits {
  return { ...limits, UsageLimitsCount: limits.UsageLimitsTotal };
}

/** Whether nothing has been allocated yet, so that a client may still change or delete the limits. */
export function isUnallocated({ UsageLimitsTotal, UsageLimitsCount }: UsageLimits): boolean {
  return UsageLimitsCount === undefined || UsageLimitsCount === UsageLimitsTotal;
}

/** Returns how much of the total has been allocated. */
export function allocatedUses({
  UsageLimitsTotal: total,
  UsageLimitsCount: left = total,
}: UsageLimits): bigint {
  return left < total ? total - left : 0n;
}

/** What one use deducts from limits of either unit; undefined: it cannot be told in that unit. */
export type UseAmounts = Readonly<Record<'Byte' | 'Object', bigint | undefined>>;

/** Port: counts uses of keys against the Usage Limits of the ticket that the client shows, if any. */
export interface TicketUses {
  /**
   * As a lasting change.
   * @throws {KmipError} UsageLimitExceeded when too little is left, or the use cannot be told in its unit
   */
  count(object: ManagedObject, amounts: UseAmounts): void;
}

/** What a use is counted with. */
interface UseCounting {
  readonly work: {
    /** Applies a change that outlives its batch item; the unit of work implements it. */
    applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void;
  };
  readonly ticketUses: TicketUses;
  /** POSIX seconds. */
  readonly now: number;
}

/** As `UseCounting`, for an allocation. */
interface Allocation extends UseCounting {
  readonly principal: Restricted;
}

/**
 * Subtracts `amount` (bytes or objects, by the unit of the limits) from the Usage Limits, for Get Usage
 * Allocation, and from those of the ticket, as a lasting change. An allocation of bytes is one use there.
 *
 * @throws {KmipError} AttributeNotFound (1.x: IllegalOperation) without limits, WrongKeyLifecycleState (1.x:
 * IllegalOperation) when the object may not protect data, or in a state that the role of the client does not
 * allow, InvalidField for a negative amount, UsageLimitExceeded when too little is left.
 */
export function allocateUsage(object: ManagedObject, amount: bigint, context: Allocation): void {
  const { work, ticketUses, now } = context;
  const limits = object.attributes.get('UsageLimits');
  if (limits === undefined) fail('AttributeNotFound', 'the object has no Usage Limits', 'IllegalOperation');
  requireTime(object, 'protect', 'a usage allocation', now, 'IllegalOperation');
  requireStateAllowed(object, context);
  if (amount < 0n) fail('InvalidField', 'the requested Usage Limits Count is negative');
  if (amount > remaining(limits))
    fail('UsageLimitExceeded', 'the requested amount exceeds the remaining Usage Limits');
  if (amount > 0n) {
    const isBytes = limits.UsageLimitsUnit === 'Byte';
    ticketUses.count(object, { Byte: isBytes ? amount : undefined, Object: isBytes ? 1n : amount });
  }
  work.applyLasting(object, (each) => decrementLimits(each, () => amount, now));
}

/**
 * Subtracts one use of a key on `bytes` bytes of data (Encrypt, Sign and others) from its Usage Limits and
 * from those of the ticket, as far as there are any, as a lasting change.
 *
 * @throws {KmipError} PermissionDenied when the limits of the key are exhausted, as the test cases of every
 * version expect; UsageLimitExceeded when those of the ticket are.
 */
export function countUse(object: ManagedObject, bytes: number, { work, ticketUses, now }: UseCounting): void {
  const limits = object.attributes.get('UsageLimits');
  const amountOf = ({ UsageLimitsUnit: unit }: UsageLimits) => (unit === 'Object' ? 1n : BigInt(bytes));
  if (limits !== undefined && amountOf(limits) > remaining(limits))
    fail('PermissionDenied', 'the Usage Limits are exhausted');
  ticketUses.count(object, { Byte: BigInt(bytes), Object: 1n });
  // Without limits as well: they may have been deleted by an item of the batch that is undone.
  work.applyLasting(object, (each) => decrementLimits(each, amountOf, now));
}

function remaining({ UsageLimitsCount, UsageLimitsTotal }: UsageLimits): bigint {
  return UsageLimitsCount ?? UsageLimitsTotal;
}

/** Subtracts the amount that counts under the limits of the object, if it has any; not below 0. */
function decrementLimits(
  object: ManagedObject,
  amountOf: (limits: UsageLimits) => bigint,
  now: number,
): void {
  const limits = object.attributes.get('UsageLimits');
  if (limits === undefined) return;
  const left = remaining(limits) - amountOf(limits);
  object.attributes.set('UsageLimits', { ...limits, UsageLimitsCount: left < 0n ? 0n : left });
  object.touch(now);
}
