import { limitsReach } from '../../common/role-restrictions.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Context } from '../../operations/context.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import { type RestrictedViews, restrictToRights } from './rights.ts';
import { RoleWork } from './role-work.ts';

/**
 * Returns the views of the server and of the unit of work that a handler of the operation gets for a client
 * whose role or Rights limit the objects; undefined when nothing does, at no cost. `operations`: all
 * operations of the server.
 * @throws {KmipError} NotAuthorised when no Right includes the operation
 */
export function restrictViews(
  { server, work }: Pick<Context, 'server' | 'work'>,
  { rights, restrictions }: Pick<Principal, 'rights' | 'restrictions'>,
  operation: AnyOperation,
  operations: ReadonlyMap<unknown, AnyOperation>,
): RestrictedViews | undefined {
  const ofRole = restrictions?.();
  const reached = ofRole !== undefined && limitsReach(ofRole) ? new RoleWork(work, ofRole) : undefined;
  if (rights === undefined)
    return reached && { server, work: reached, checkResult: () => reached.requireStillReached() };
  const views = restrictToRights({ server, work: reached ?? work }, rights, operation, operations);
  return {
    server: views.server,
    work: views.work,
    checkResult() {
      reached?.requireStillReached();
      views.checkResult();
    },
  };
}
