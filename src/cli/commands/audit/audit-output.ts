import { type EntryFilter, matchesItem } from '../../../audit/entry-filter.ts';
import { type FlatItem, flattenEntry } from '../../../audit/sinks/formats/flatten.ts';
import type { ManagementCall } from '../../../management/api.ts';
import type { AuditPage } from '../../../management/managed-audit.ts';
import { print, printError } from '../../command.ts';

/** How items of the audit log are read and printed. */

/** Calls `found` for each page of the log with what is looked for, from a row on; returns the row behind. */
export async function readForward(
  call: ManagementCall,
  filter: EntryFilter,
  from: number,
  found: (items: readonly FlatItem[]) => void,
): Promise<number> {
  for (let place = from; ; ) {
    const page = await call('audit.list', { from: place, isBackward: false, filter });
    warnOfUnreadable(page);
    found(itemsOf(page, filter));
    place = page.next;
    if (page.isLast) return place;
  }
}

/** Returns the newest items that are looked for, at most `limit`, the oldest first. */
export async function readNewest(
  call: ManagementCall,
  filter: EntryFilter,
  limit: number,
): Promise<readonly FlatItem[]> {
  const items: FlatItem[] = [];
  for (let place = Number.MAX_SAFE_INTEGER; items.length < limit; ) {
    const page = await call('audit.list', { from: place, isBackward: true, filter });
    warnOfUnreadable(page);
    items.push(...itemsOf({ ...page, entries: page.entries.toReversed() }, filter).toReversed());
    place = page.next;
    if (page.isLast) break;
  }
  return items.slice(0, limit).reverse();
}

/** In the order of the page; the items of one entry in theirs. */
function itemsOf({ entries }: AuditPage, filter: EntryFilter): readonly FlatItem[] {
  return entries.flatMap((entry) => flattenEntry(entry).filter((item) => matchesItem(item, filter)));
}

function warnOfUnreadable({ unreadable }: AuditPage): void {
  if (unreadable > 0)
    printError(`${unreadable} blocks of the log do not open and are left out: see kmipd audit verify`);
}

/** Prints items, one on each line. */
export function printItems(items: readonly FlatItem[], isJson: boolean): void {
  for (const item of items) print(isJson ? JSON.stringify(item) : formatItem(item));
}

function formatItem(item: FlatItem): string {
  const { time, client, administrator, kind, operation, result, reason, objects, rule, count } = item;
  const who = client ?? administrator ?? (kind === 'management' ? 'nameless' : '-');
  const outcome = reason === null ? result : `${result} (${reason})`;
  const rest = [
    ...objects.slice(0, 4),
    objects.length > 4 && `and ${objects.length - 4} more`,
    item.found !== undefined && `found ${item.found}`,
    item.wrapped !== undefined && (item.wrapped ? 'wrapped' : 'not wrapped'),
    rule !== undefined && `by ${rule}`,
    count !== undefined && `${count} times`,
    item.peer !== undefined && `from ${item.peer}`,
    ...Object.entries(item.details ?? {}).map(([name, value]) => `${name}=${value}`),
  ];
  return [time, who, operation, outcome, ...rest.filter((part) => part !== false)].join('  ');
}
