import type { AttributeValue } from '../../codec/attribute-table.ts';
import type { AttributeSet } from './attribute-set.ts';

/*
 * A client may bring about by attributes what an operation of its own does: an Activation Date activates an
 * object, and it does so a second later when it lies a second ahead (docs/decisions/40).
 */

/** An operation that a change of attributes may stand for. */
export type EquivalentOperation = 'Activate' | 'Revoke' | 'GetUsageAllocation';

/** A date that bounds the use of an object. */
interface Bound {
  /** The date at which an object without the attribute has the bound. */
  readonly absent: number;
  /** The operation that moving the date back stands for, and the one that moving it on stands for. */
  readonly earlier: EquivalentOperation;
  readonly later: EquivalentOperation;
}

const start = { earlier: 'Activate', later: 'Revoke' } as const;
const end = { absent: Number.POSITIVE_INFINITY, earlier: 'Revoke', later: 'Activate' } as const;

/** Every date that clients may change: sooner or longer use is Activate, later or shorter use is Revoke. */
const bounds = {
  ActivationDate: { ...start, absent: Number.POSITIVE_INFINITY },
  ProcessStartDate: { ...start, absent: Number.NEGATIVE_INFINITY },
  ProtectStopDate: end,
  DeactivationDate: end,
} as const satisfies Readonly<Record<string, Bound>>;

type DateName = keyof typeof bounds;

/** The attributes of an object that bound its use. */
export interface UseBounds {
  readonly dates: Readonly<Record<DateName, number | undefined>>;
  readonly limits: AttributeValue<'UsageLimits'> | undefined;
}

/** Reads the bounds of an object, so that they can be compared after a change. */
export function useBoundsOf(attributes: AttributeSet): UseBounds {
  const dates = {} as Record<DateName, number | undefined>;
  for (const name of Object.keys(bounds) as DateName[]) dates[name] = attributes.get(name);
  return { dates, limits: attributes.get('UsageLimits') };
}

/**
 * Returns the operations that a change of the bounds stands for, each once; none when no bound has changed.
 * Fewer remaining uses are what Get Usage Allocation takes; more uses are, as more time is, Activate.
 */
export function equivalentOperations(before: UseBounds, after: UseBounds): ReadonlySet<EquivalentOperation> {
  const operations = new Set<EquivalentOperation>();
  for (const [name, { absent, earlier, later }] of Object.entries(bounds) as [DateName, Bound][]) {
    const [from, to] = [before.dates[name] ?? absent, after.dates[name] ?? absent];
    if (to < from) operations.add(earlier);
    if (to > from) operations.add(later);
  }
  if (hasFewer(before.limits, after.limits)) operations.add('GetUsageAllocation');
  if (hasFewer(after.limits, before.limits)) operations.add('Activate');
  return operations;
}

type Limits = UseBounds['limits'];

/** Whether `after` allows uses that `before` does not; numbers of another unit cannot be compared. */
function hasFewer(before: Limits, after: Limits): boolean {
  if (after === undefined) return false;
  if (before === undefined) return true;
  if (before.UsageLimitsUnit !== after.UsageLimitsUnit) return true;
  return remaining(after) < remaining(before);
}

function remaining({ UsageLimitsCount, UsageLimitsTotal }: NonNullable<Limits>): bigint {
  return UsageLimitsCount ?? UsageLimitsTotal;
}
