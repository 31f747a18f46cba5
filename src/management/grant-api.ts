import type { AddedGrant } from '../protocol/grant-directory.ts';

/** The methods of the management service about grants of single objects. */

/** Who gets a grant: one of them. */
export interface GranteeChoice {
  readonly client?: string | undefined;
  readonly group?: string | undefined;
}

/** Names who gets a grant, for operators. */
export const nameGrantee = ({ client, group }: GranteeChoice): string =>
  client === undefined ? `group ${group}` : `client ${client}`;

/** A grant as operators see it. */
export interface GrantSummary {
  /** Unique Identifier. */
  readonly object: string;
  /** The group of the object. */
  readonly owner: string;
  /** The client that has the grant; null where it is one to a group. */
  readonly client: string | null;
  /** The group that has the grant; null where it is one to a client. */
  readonly group: string | null;
  /** KMIP names of operations. */
  readonly operations: readonly string[];
  /** POSIX seconds at which it ends; null: never. */
  readonly until: number | null;
  /** POSIX seconds. */
  readonly grantedAt: number;
  /**
   * `ended`: its time is over; `unused`: the client is not enrolled any more as it was then, or no client is
   * in the group.
   */
  readonly state: 'active' | 'ended' | 'unused';
}

export interface GrantApi {
  /**
   * Grants operations on an object, until a time (POSIX seconds) or forever. The result names operations that
   * the role of the client does not permit, so that the grant gives nothing there.
   */
  'grant.add': {
    readonly params: GranteeChoice & {
      readonly object: string;
      readonly operations: readonly string[];
      readonly until?: number | undefined;
    };
    readonly result: AddedGrant & { readonly unpermitted: readonly string[] };
  };
  /** The grants of one object, or all. */
  'grant.list': {
    readonly params: { readonly object?: string | undefined };
    readonly result: readonly GrantSummary[];
  };
  'grant.remove': { readonly params: GranteeChoice & { readonly object: string }; readonly result: object };
}
