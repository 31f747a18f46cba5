/** The methods of the management service about quotas of groups. */

/** A quota as operators see it. */
export interface QuotaSummary {
  readonly group: string;
  /** The most objects that the group may have. */
  readonly limit: number;
  /** The objects that count: those that are not destroyed. */
  readonly objects: number;
  /** POSIX seconds. */
  readonly setAt: number;
}

/** What `quota.set` has changed, and what the group has. */
export interface SetQuota {
  /** Whether it took the place of an older one. */
  readonly isReplaced: boolean;
  /** As in `QuotaSummary`. */
  readonly objects: number;
  /** Whether a client of the group is enrolled. */
  readonly hasClients: boolean;
}

export interface QuotaApi {
  /** Sets how many objects a group may have; a group with more keeps them. */
  'quota.set': {
    readonly params: { readonly group: string; readonly objects: number };
    readonly result: SetQuota;
  };
  'quota.remove': { readonly params: { readonly group: string }; readonly result: object };
  'quota.list': { readonly params: object; readonly result: readonly QuotaSummary[] };
}
