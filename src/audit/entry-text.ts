import { type ChainEntry, createSalt } from '../common/audit-chain.ts';
import type { AuditEntry, AuditItem } from './audit.ts';

/** The longest entry: a block has one at least, and whoever opens it holds it in memory. */
const maxCharacters = 1_048_576;
/** Objects, and characters of a text, that are left of an item which is too long. */
const [keptObjects, keptCharacters] = [1_024, 256];

/**
 * Returns an entry as the chain takes it. One that is too long becomes several, each with some of its items,
 * so that nothing is left out but what a single item has too much of: the details of its objects, and objects
 * beyond the first 1,024, which are counted.
 */
export function toChainEntries(entry: AuditEntry): readonly ChainEntry[] {
  const text = JSON.stringify(entry);
  if (text.length <= maxCharacters) return [{ salt: createSalt(), text }];
  const { items } = entry;
  if (items.length < 2) return [{ salt: createSalt(), text: JSON.stringify(shorten(entry)) }];
  const half = Math.ceil(items.length / 2);
  return [items.slice(0, half), items.slice(half)].flatMap((part) =>
    toChainEntries({ ...entry, items: part }),
  );
}

function shorten({ time, kind, node, actor, connection, version, items }: AuditEntry): AuditEntry {
  return {
    ...{ time, kind, node },
    ...(actor && { actor }),
    ...(connection && { connection }),
    ...(version !== undefined && { version }),
    items: items.map(shortenItem),
  };
}

function shortenItem({ objects = [], more = 0, details: _, ...item }: AuditItem): AuditItem {
  const texts = Object.entries(item).map(([name, value]) => [name, cut(value)]);
  const kept = objects.slice(0, keptObjects).map(({ id }) => ({ id: cut(id) }));
  const left = more + objects.length - kept.length;
  return { ...Object.fromEntries(texts), objects: kept, ...(left > 0 && { more: left }) };
}

function cut<Value>(value: Value): Value | string {
  return typeof value === 'string' ? value.slice(0, keptCharacters) : value;
}

/** Fields of an entry, and of those of their parts that are texts or numbers; each may be absent. */
const texts: Readonly<Record<'entry' | 'actor' | 'connection' | 'item' | 'object', readonly string[]>> = {
  entry: ['version', 'clientCorrelation', 'serverCorrelation'],
  actor: ['client', 'group', 'role', 'bearer', 'administrator'],
  connection: ['peer', 'id'],
  item: ['format', 'job', 'reason', 'rule'],
  object: ['type', 'state', 'algorithm'],
};
const [itemNumbers, objectNumbers] = [['more', 'found', 'count'], ['length']];

/** Reads an entry; undefined for a text that no kmipd has written: whoever writes the journal, writes any. */
export function readEntry(text: string): AuditEntry | undefined {
  const value = parse(text);
  return isEntry(value) ? (value as unknown as AuditEntry) : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Fields {
  return (
    hasTexts(value, ['kind', 'node'], texts.entry) &&
    typeof value.time === 'number' &&
    isAbsentOr(value.actor, (actor) => hasTexts(actor, [], texts.actor)) &&
    isAbsentOr(value.connection, (connection) => hasTexts(connection, [], texts.connection)) &&
    isListOf(value.items, isItem)
  );
}

function isItem(item: unknown): boolean {
  return (
    hasTexts(item, ['operation', 'result'], texts.item) &&
    hasNumbers(item, itemNumbers) &&
    isAbsentOr(item.wrapped, (value) => typeof value === 'boolean') &&
    isAbsentOr(item.objects, (objects) => isListOf(objects, isObject)) &&
    isAbsentOr(item.details, isPlain)
  );
}

const isObject = (object: unknown) =>
  hasTexts(object, ['id'], texts.object) &&
  hasNumbers(object, objectNumbers) &&
  isAbsentOr(object.names, (names) => isListOf(names, (name) => typeof name === 'string'));

const hasNumbers = (value: Fields, names: readonly string[]) =>
  names.every((name) => isAbsentOr(value[name], (field) => typeof field === 'number'));

const isListOf = (value: unknown, isElement: (element: unknown) => boolean) =>
  Array.isArray(value) && value.every(isElement);

const isAbsentOr = (value: unknown, isValid: (value: unknown) => boolean) =>
  value === undefined || isValid(value);

/** Whether a value has fields, all of which are scalar. */
const isPlain = (value: unknown) =>
  isFields(value) && Object.values(value).every((each) => typeof each !== 'object' || each === null);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasTexts(value: unknown, required: readonly string[], optional: readonly string[]): value is Fields {
  const isText = (field: unknown) => typeof field === 'string';
  return (
    isFields(value) &&
    required.every((name) => isText(value[name])) &&
    optional.every((name) => isAbsentOr(value[name], isText))
  );
}
