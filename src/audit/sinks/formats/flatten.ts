import type { AuditEntry, AuditedObject, AuditItem, ChainedEntry } from '../../audit.ts';
import { readEntry } from '../../entry-text.ts';

/**
 * One item of an entry with all that is known of it, as a plain object whose JSON is a line of
 * `kmipd audit show --json` and of the sinks. The fields `time`, `client`, `operation`, `objects`, `result`
 * and `reason` are always there, others only where something is known. Chain, number and item identify a
 * line, so a reader recognises those that are delivered twice.
 */
export interface FlatItem {
  readonly chain: string;
  readonly number: number;
  /** Position in the entry, from 0. */
  readonly item: number;
  /** ISO 8601 in UTC, with milliseconds. */
  readonly time: string;
  readonly node: string;
  readonly kind: AuditEntry['kind'];
  readonly client: string | null;
  readonly group?: string;
  readonly role?: string;
  readonly bearer?: string;
  readonly administrator?: string;
  readonly peer?: string;
  readonly connection?: string;
  readonly protocolVersion?: string;
  readonly operation: string;
  /** Unique Identifiers. */
  readonly objects: readonly string[];
  /** Those of the objects of which more than the identifier is known. */
  readonly objectDetails?: readonly AuditedObject[];
  readonly more?: number;
  readonly found?: number;
  readonly format?: string;
  readonly wrapped?: boolean;
  readonly result: string;
  readonly reason: string | null;
  readonly rule?: string;
  readonly count?: number;
  /** Asynchronous Correlation Value, in hexadecimal. */
  readonly job?: string;
  readonly clientCorrelation?: string;
  readonly serverCorrelation?: string;
  readonly details?: AuditItem['details'];
}

/**
 * Returns the items of an entry, in their order.
 * @throws {TypeError} when the text is no entry
 */
export function flattenEntry({ chain, number, text }: ChainedEntry): readonly FlatItem[] {
  const entry = readEntry(text);
  if (entry === undefined) throw new TypeError(`entry ${number} of chain ${chain} is none of kmipd`);
  const { actor = {}, connection = {} } = entry;
  const time = toIsoTime(entry.time);
  return entry.items.map((item, at) =>
    withoutUndefined({
      ...{ chain, number, item: at, time, node: entry.node, kind: entry.kind },
      client: actor.client ?? null,
      ...{ group: actor.group, role: actor.role, bearer: actor.bearer, administrator: actor.administrator },
      ...{ peer: connection.peer, connection: connection.id, protocolVersion: entry.version },
      operation: item.operation,
      ...flattenObjects(item.objects ?? []),
      ...{ more: item.more, found: item.found, format: item.format, wrapped: item.wrapped },
      result: item.result,
      reason: item.reason ?? null,
      ...{ rule: item.rule, count: item.count, job: item.job },
      ...{ clientCorrelation: entry.clientCorrelation, serverCorrelation: entry.serverCorrelation },
      details: item.details,
    }),
  );
}

function flattenObjects(objects: readonly AuditedObject[]) {
  const detailed = objects.filter((object) => Object.keys(object).length > 1);
  return {
    objects: objects.map(({ id }) => id),
    objectDetails: detailed.length > 0 ? detailed : undefined,
  };
}

/** A time that no date can have is that of 1970, because an entry with a wrong clock is delivered too. */
function toIsoTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return (Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString();
}

function withoutUndefined(item: Readonly<Record<keyof FlatItem, unknown>>): FlatItem {
  return Object.fromEntries(
    Object.entries(item).filter(([, value]) => value !== undefined),
  ) as unknown as FlatItem;
}
