/** Whose destroyed objects are kept for a while: `[destroy]` of the configuration. */
export interface WaitingPeriod {
  /** Days for which they can be restored; 0: none is kept. */
  readonly waitingDays: number;
  /** Roles and groups of the clients whose objects are kept; of every client where both are empty. */
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

const daySeconds = 86_400;

/** Returns for how many seconds the objects are kept that a client destroys; 0: they are gone at once. */
export function waitingSeconds(
  { waitingDays, roles, groups }: WaitingPeriod,
  { role, group }: { readonly role?: string; readonly group: string },
): number {
  const isEverybody = roles.length === 0 && groups.length === 0;
  const isNamed = groups.includes(group) || (role !== undefined && roles.includes(role));
  return isEverybody || isNamed ? waitingDays * daySeconds : 0;
}
