import type { StandardAttribute } from '../../codec/attribute.ts';
import type { RevocationReason, UsageLimits } from '../../codec/structures/attribute-values.ts';
import type { ManagedObject } from './managed-object.ts';
import type { StateName } from './state.ts';
import { allocatedUses, everyMaskOf } from './usage.ts';

/** What is known of the copies of one key, also of those that have been destroyed. It is stored as JSON. */
export interface KeyHistory {
  /** Every bit that the Cryptographic Usage Mask of an object of the key has or ever had. */
  readonly masks: number;
  /** Of the first copy that was compromised. */
  readonly compromise?: Compromise | undefined;
  /** Uses that the server has counted on copies, by Usage Limits Unit, as decimal numbers. */
  readonly uses: Readonly<Record<string, string>>;
}

/** Attributes that tell of a compromise. */
interface Compromise {
  /** POSIX seconds. */
  readonly CompromiseDate?: number | undefined;
  /** POSIX seconds. */
  readonly CompromiseOccurrenceDate?: number | undefined;
  readonly RevocationReason?: RevocationReason | undefined;
}

/** The history of a key without copies. */
export const emptyHistory: KeyHistory = { masks: 0, uses: {} };

const compromisedStates: readonly StateName[] = ['Compromised', 'DestroyedCompromised'];

/** Whether the key of an object was compromised, at `now` in POSIX seconds. */
export function isCompromised(object: ManagedObject, now: number): boolean {
  return compromisedStates.includes(object.state(now));
}

/**
 * Adds a copy as it is at `now` (POSIX seconds) to the history of its key. `allocated`: the uses that its
 * Usage Limits showed as allocated when it was made, which were not counted on it.
 */
export function addToHistory(
  history: KeyHistory,
  object: ManagedObject,
  { allocated, now }: { readonly allocated: bigint; readonly now: number },
): KeyHistory {
  const { attributes, provenance } = object;
  const [CompromiseDate, CompromiseOccurrenceDate, RevocationReason] = [
    attributes.get('CompromiseDate'),
    attributes.get('CompromiseOccurrenceDate'),
    attributes.get('RevocationReason'),
  ];
  const own = isCompromised(object, now) && { CompromiseDate, CompromiseOccurrenceDate, RevocationReason };
  return {
    masks: history.masks | everyMaskOf(object) | (provenance.share?.mask ?? 0),
    compromise: history.compromise ?? (own || undefined),
    uses: addUses(history.uses, attributes.get('UsageLimits'), allocated),
  };
}

function addUses(
  uses: KeyHistory['uses'],
  limits: UsageLimits | undefined,
  allocated: bigint,
): KeyHistory['uses'] {
  const counted = limits === undefined ? 0n : allocatedUses(limits) - allocated;
  if (limits === undefined || counted <= 0n) return uses;
  const unit = String(limits.UsageLimitsUnit);
  return { ...uses, [unit]: String(BigInt(uses[unit] ?? 0) + counted) };
}

/**
 * Reduces what is left of Usage Limits by the uses that were counted on copies. Uses in another unit cannot
 * be converted and leave nothing.
 */
export function subtractUses(limits: UsageLimits, { uses }: KeyHistory): UsageLimits {
  const { UsageLimitsUnit: unit, UsageLimitsTotal: total, UsageLimitsCount: count = total } = limits;
  const isConvertible = Object.keys(uses).every((each) => each === String(unit));
  const left = isConvertible ? count - BigInt(uses[String(unit)] ?? 0) : 0n;
  return { ...limits, UsageLimitsCount: left < 0n ? 0n : left };
}

/** Gives a copy the compromise of its key. */
export function keepCompromise({ attributes }: ManagedObject, { compromise }: KeyHistory): void {
  if (compromise === undefined) return;
  attributes.set('State', 'Compromised');
  for (const name of ['CompromiseDate', 'CompromiseOccurrenceDate', 'RevocationReason'] as const) {
    attributes.remove(name);
    const value = compromise[name];
    if (value !== undefined) attributes.add({ name, value } as StandardAttribute);
  }
}
