import type { AuditEntry } from './audit.ts';
import type { FlatItem } from './sinks/formats/flatten.ts';

/** What is looked for in the log; what is absent does not matter. */
export interface EntryFilter {
  /** Name of a client, of the client that showed its ticket, or of an administrator. */
  readonly client?: string | undefined;
  /** Unique Identifier. */
  readonly object?: string | undefined;
  readonly operation?: string | undefined;
  /** Whether it succeeded. */
  readonly isSuccess?: boolean | undefined;
  /** From then on, and until then: milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

const successes: readonly string[] = ['Success', 'OperationPending'];

/** What has only begun has neither succeeded nor failed. */
function hasResult(result: string, isSuccess: boolean): boolean {
  return result !== 'Begun' && successes.includes(result) === isSuccess;
}

/** Whether an entry has an item that is looked for. */
export function matchesEntry({ time, actor, items }: AuditEntry, filter: EntryFilter): boolean {
  const { client, object, operation, isSuccess, since, until } = filter;
  if ((since !== undefined && time < since) || (until !== undefined && time > until)) return false;
  const actors = [actor?.client, actor?.bearer, actor?.administrator];
  if (client !== undefined && !actors.includes(client)) return false;
  return items.some(
    (item) =>
      (object === undefined || (item.objects ?? []).some(({ id }) => id === object)) &&
      (operation === undefined || item.operation === operation) &&
      (isSuccess === undefined || hasResult(item.result, isSuccess)),
  );
}

/** Whether an item of an entry that matches is looked for. */
export function matchesItem(
  { objects, operation, result }: FlatItem,
  { object, operation: sought, isSuccess }: EntryFilter,
): boolean {
  return (
    (object === undefined || objects.includes(object)) &&
    (sought === undefined || operation === sought) &&
    (isSuccess === undefined || hasResult(result, isSuccess))
  );
}
