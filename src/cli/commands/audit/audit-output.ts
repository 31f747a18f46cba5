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

/** The newest items that are looked for, the oldest first, and the row of the newest block; 0 for none. */
export interface NewestItems {
  readonly items: readonly FlatItem[];
  readonly row: number;
}

/** Returns at most `limit` items. */
export async function readNewest(
  call: ManagementCall,
  filter: EntryFilter,
  limit: number,
): Promise<NewestItems> {
  const items: FlatItem[] = [];
  const end = Number.MAX_SAFE_INTEGER;
  let row: number | undefined;
  for (let place = end; items.length < limit; ) {
    const page = await call('audit.list', { from: place, isBackward: true, filter });
    row ??= page.start === end ? 0 : page.start;
    warnOfUnreadable(page);
    items.push(...itemsOf({ ...page, entries: page.entries.toReversed() }, filter).toReversed());
    place = page.next;
    if (page.isLast) break;
  }
  return { items: items.slice(0, limit).reverse(), row: row ?? 0 };
}

/** In the order of the page; the items of one entry in theirs. */
function itemsOf({ entries }: AuditPage, filter: EntryFilter): readonly FlatItem[] {
  return entries.flatMap((entry) => flattenEntry(entry).filter((item) => matchesItem(item, filter)));
}

function warnOfUnreadable({ unreadable }: AuditPage): void {
  if (unreadable > 0)
    printError(
      `${unreadable} blocks or entries of the log cannot be read and are left out: see kmipd audit verify`,
    );
}

/** Prints items, one on each line. */
export function printItems(items: readonly FlatItem[], isJson: boolean): void {
  for (const item of items) print(isJson ? JSON.stringify(item) : formatItem(item));
}

function formatItem(item: FlatItem): string {
  const { time, client, administrator, kind, operation, result, reason, objects, rule, count } = item;
  const who = client ?? administrator ?? (kind === 'management' ? 'nameless' : '-');
  const outcome = reason === null ? quote(result) : `${quote(result)} (${quote(reason)})`;
  const rest = [
    ...objects.slice(0, 4).map(quote),
    objects.length > 4 && `and ${objects.length - 4} more`,
    item.found !== undefined && `found ${item.found}`,
    item.wrapped !== undefined && (item.wrapped ? 'wrapped' : 'not wrapped'),
    rule !== undefined && `by ${quote(rule)}`,
    count !== undefined && `${count} times`,
    item.peer !== undefined && `from ${quote(item.peer)}`,
    ...Object.entries(item.details ?? {}).map(([name, value]) => `${quote(name)}=${quote(String(value))}`),
  ];
  const parts = [time, quote(who), quote(operation), outcome, ...rest.filter((part) => part !== false)];
  return parts.join('  ');
}

/** A text that could be taken for something else, or for the end of the line, is shown as JSON, in ASCII. */
function quote(text: string): string {
  if (/^[!-~]+( [!-~]+)*$/.test(text) && !text.startsWith('"')) return text;
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
