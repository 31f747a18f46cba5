import { fail } from '../../common/errors.ts';
import type { DelegatedRight, Principal } from '../../identity/principal.ts';
import type { AttributeFilter } from '../../object/attribute-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { openFilter } from '../../object/roles/role-filters.ts';
import type { Context } from '../../operations/context.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import { isMember, RestrictedWork, reachedBy } from './restricted-work.ts';

/**
 * Whether the right names the operation. Rights come with a ticket of Delegated Login (KMIP 2.1 §9.19).
 */
export function grants({ operations }: DelegatedRight, operation: string): boolean {
  return operations?.includes(operation) ?? true;
}

/** Whether the right includes the object. */
export function reaches(right: DelegatedRight, object: ManagedObject): boolean {
  return isUnlimited(right) || (right.objects?.includes(object.id) ?? false) || isMember(right, object);
}

const isUnlimited = ({ objects, groups }: DelegatedRight): boolean =>
  objects === undefined && groups === undefined;

/**
 * The objects whose values a client may fetch by Get in the clear at `now` (POSIX seconds), as far as its
 * role and its Rights decide, without the approval of an administrator.
 */
export function fetchableBy(
  principal: Pick<Principal, 'rights' | 'may' | 'restrictions' | 'needsApproval'>,
  now: number,
): AttributeFilter {
  if (!principal.may('Get') || principal.needsApproval?.('Get') === true) return { any: [] };
  const granted = principal.rights?.filter((right) => grants(right, 'Get'));
  const byRights: AttributeFilter =
    granted === undefined || granted.some(isUnlimited) ? { all: [] } : { any: reachedBy(granted) };
  const restrictions = principal.restrictions?.();
  return restrictions === undefined ? byRights : { all: [byRights, openFilter(restrictions, now)] };
}

/** The views of an item under Rights. */
export interface RestrictedViews extends Pick<Context, 'server' | 'work'> {
  /**
   * Checks what the handler has done.
   * @throws {KmipError} NotAuthorised
   */
  checkResult(): void;
}

/**
 * Returns the views of the server and of the unit of work that a handler of the operation gets under these
 * Rights. `operations`: all operations of the server.
 * @throws {KmipError} NotAuthorised when no right includes the operation.
 */
export function restrictToRights(
  { server, work }: Pick<Context, 'server' | 'work'>,
  rights: readonly DelegatedRight[],
  operation: AnyOperation,
  operations: ReadonlyMap<unknown, AnyOperation>,
): RestrictedViews {
  const granted = rights.filter((right) => includes(right, operation));
  if (granted.length === 0)
    fail('NotAuthorised', `the Rights of the ticket do not include ${operation.name}`);
  const views = {
    ...server,
    operations: (version: Context['version']) =>
      server.operations(version).filter((name) => {
        const named = operations.get(name);
        return named !== undefined && rights.some((right) => includes(right, named));
      }),
  };
  if (granted.some(isUnlimited)) return { server: views, work, checkResult() {} };
  const restricted = new RestrictedWork(work, granted, operation.limitedRight);
  return { server: views, work: restricted, checkResult: () => restricted.requireGroupsUnchanged() };
}

function includes(right: DelegatedRight, { name, limitedRight }: AnyOperation): boolean {
  if (!grants(right, name)) return false;
  if (isUnlimited(right)) return true;
  return limitedRight === 'new-objects' ? (right.groups ?? []).length > 0 : limitedRight !== 'nothing';
}
