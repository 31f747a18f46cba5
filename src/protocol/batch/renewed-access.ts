import { fail, type Reason } from '../../common/errors.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import type { Enrolment } from '../../identity/principal.ts';
import { type Bar, barsOf } from '../../object/bars.ts';
import { requireStateAllowed } from '../../object/roles/role-limits.ts';
import { disclosingOperations, eraseAnswersWith } from '../../operations/asynchronous/held-objects.ts';
import type { AnsweredObject, Context, RenewedAccess } from '../../operations/context.ts';
import { isInForce } from '../../operations/enrolment.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import { restrictViews } from '../authentication/restricted-views.ts';

const refusals: Readonly<Record<Bar, readonly [reason: Reason, message: string]>> = {
  archived: ['ObjectArchived', 'an object of the answer has been archived since'],
  destroyed: ['ObjectDestroyed', 'an object of the answer has been destroyed since'],
  compromised: [
    'WrongKeyLifecycleState',
    'an object of the answer has been compromised since: send the request again',
  ],
  sensitive: ['Sensitive', 'an object of the answer has become Sensitive since'],
  notExtractable: ['NotExtractable', 'an object of the answer has become not Extractable since'],
};

/** The parts of the server that are asked. */
export interface AccessOptions {
  readonly operations: ReadonlyMap<unknown, AnyOperation>;
  /**
   * Whether the client that made an object is enrolled since then, disabled or not. Every one counts as
   * enrolled when left out.
   */
  readonly isEnrolled?: (maker: Enrolment) => Promise<boolean>;
}

/**
 * Asks the role, the Rights and the objects anew before an answer to earlier work is handed out: meanwhile
 * the role may have changed, or an object have left the Object Groups of a Right, or been archived, destroyed
 * or protected.
 */
export function createRenewedAccess(
  { principal, now, ...views }: Pick<Context, 'principal' | 'work' | 'server' | 'now'>,
  { operations, isEnrolled }: AccessOptions,
): RenewedAccess {
  return {
    isInForce: (authority) =>
      isInForce(authority, principal, (kind, id) => views.work.records.load(kind, id)),
    isEnrolled: async (maker) => (await isEnrolled?.(maker)) ?? true,
    eraseAnswersWith: (id) => eraseAnswersWith(id, views.work.records),
    async require(name, objects) {
      const operation = operations.get(name);
      if (operation === undefined) fail('OperationNotSupported', 'the operation is not offered any more');
      const { work } = restrictViews(views, principal, operation, operations) ?? views;
      if (objects === undefined) return requireUnlimited(work === views.work);
      // The group keeps its objects, so that only role and Rights withdraw identifiers.
      if (work === views.work && operation.target.kind !== 'object') return;
      const eventLoop = new EventLoopYield();
      for (const object of objects) {
        await requireObject(object, operation, { work, principal, now });
        if (eventLoop.isDue) await eventLoop.yield();
      }
    },
  };
}

/** An older kmipd has stored the answer without its objects. */
function requireUnlimited(isUnlimited: boolean): void {
  if (!isUnlimited) fail('NotAuthorised', 'the objects of the answer are not known: send the request again');
}

async function requireObject(
  { id, bars }: AnsweredObject,
  { name, target }: AnyOperation,
  context: Pick<Context, 'work' | 'principal' | 'now'>,
): Promise<void> {
  const object = await context.work.load(id);
  if (object === undefined) fail('ObjectNotFound', 'an object of the answer is not there any more');
  if (target.kind !== 'object' || bars === undefined) return;
  const isDisclosing = disclosingOperations.has(name);
  if (isDisclosing) requireStateAllowed(object, context);
  const accepted: Readonly<Record<Bar, boolean>> = {
    archived: target.archived === true,
    // Of a destroyed object Export answers with the attributes, and not with the value that it had.
    destroyed: target.destroyed === true && !isDisclosing,
    compromised: !isDisclosing,
    sensitive: !isDisclosing,
    notExtractable: !isDisclosing,
  };
  for (const bar of barsOf(object)) if (!accepted[bar] && !bars.includes(bar)) fail(...refusals[bar]);
}
