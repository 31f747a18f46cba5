import { fail, KmipError } from '../common/errors.ts';
import type { Context } from './context.ts';
import type { GroupView } from './work.ts';

/**
 * What reading the objects and records of a group needs. What binds a client is looked up in the whole group,
 * whatever the Rights of its ticket (docs/decisions/32-limited-rights.md).
 */
export interface WholeGroup extends Pick<Context, 'crypto' | 'now'> {
  readonly work: GroupView;
  readonly principal: Pick<Context['principal'], 'group'>;
}

/** Returns the context in which limits, records and revocations are looked up. */
export function inWholeGroup({ work, crypto, now, principal }: Context): WholeGroup {
  return { work: work.wholeGroup, crypto, now, principal };
}

/**
 * Looks up in the whole group whether a certificate may be issued. Under limited Rights a refusal gives no
 * reason, because it may be about objects outside them.
 * @throws {KmipError} PermissionDenied under limited Rights, else what `check` throws
 */
export async function checkIssuance<T>(
  context: Context,
  check: (group: WholeGroup) => Promise<T>,
): Promise<T> {
  try {
    return await check(inWholeGroup(context));
  } catch (error) {
    if (context.work.isLimited && error instanceof KmipError)
      fail('PermissionDenied', 'the authority may not issue this certificate');
    throw error;
  }
}
