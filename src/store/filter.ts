import { createHash } from 'node:crypto';
import type { Dialect, SqlValue } from './sql-driver.ts';
import type { Comparison, Filter } from './store.ts';

/**
 * Compiles `Filter` to SQL over `object o` and `object_index`. Every value becomes a parameter, never text.
 */

/**
 * Returns the form of a text in the index: long texts as their SHA-256, because PostgreSQL refuses index
 * entries over 2,704 bytes and searches compare whole values only. A short text that looks like a digest is
 * digested too, so that it cannot match a long one.
 */
export function toIndexText(value: string): string {
  if (value.length <= 256 && !value.startsWith('sha256:')) return value;
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}

/** SQL text with `$1` placeholders and their values. */
export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** A condition on one attribute, with which a search may start. */
export type Condition = Extract<Filter, { attribute: string }>;

/** Collects parameters and returns their placeholders. */
class Parameters {
  readonly values: SqlValue[] = [];
  /** See `Dialect`. */
  readonly apart: string;

  constructor({ apart }: Pick<Dialect, 'apart'> = { apart: '' }) {
    this.apart = apart;
  }

  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/**
 * Returns the conditions that every result must meet and that the index can look up: those outside `any` and
 * `not` with at least one comparison to a value or range (`bits` has neither), the most selective first.
 */
export function startConditions(filter: Filter): readonly Condition[] {
  return requiredConditions(filter)
    .filter((condition) => selectivityRank(condition) < unindexed)
    .toSorted((a, b) => selectivityRank(a) - selectivityRank(b));
}

function requiredConditions(filter: Filter): readonly Condition[] {
  if ('all' in filter) return filter.all.flatMap(requiredConditions);
  return 'attribute' in filter ? [filter] : [];
}

const ranges = 2;
const unindexed = 4;

/**
 * Few objects share a text, many share a number (a state, an algorithm), more are in a range; `bits` needs
 * all.
 */
function selectivity({ op, value }: Comparison): number {
  if (op === 'bits') return unindexed;
  if (op === '=') return typeof value === 'string' ? 0 : 1;
  return ranges;
}

function selectivityRank(condition: Condition): number {
  return Math.min(unindexed, ...condition.fields.map(selectivity));
}

/** Whether the index finds the objects of a condition in the order of a number, not newest first. */
export function isRange(condition: Condition): boolean {
  return selectivityRank(condition) === ranges;
}

/** Removes repeated conditions, of which a client may send any number. */
export function simplify(filter: Filter): Filter {
  if ('not' in filter) return { not: simplify(filter.not) };
  if ('all' in filter) return { all: distinct(filter.all.map(simplify)) };
  return 'any' in filter ? { any: distinct(filter.any.map(simplify)) } : filter;
}

function distinct(parts: readonly Filter[]): readonly Filter[] {
  return [...new Map(parts.map((part) => [JSON.stringify(part), part])).values()];
}

/** Number of conditions in a filter: each costs a look-up for each object that is examined. */
export function countConditions(filter: Filter): number {
  if ('not' in filter) return countConditions(filter.not);
  const parts = 'all' in filter ? filter.all : 'any' in filter ? filter.any : undefined;
  return parts?.reduce((sum, part) => sum + countConditions(part), 0) ?? 1;
}

/** The objects that a search examines, newest first. */
export type Candidates =
  /** All objects of the group, or those that meet a condition which is no range. */
  | { readonly of: 'group' | Condition; readonly before: number }
  /** Objects by `seq`. */
  | { readonly seqs: readonly number[] };

/**
 * Compiles one page of a search: of the next `rows` candidates those that satisfy `filter` (`seq`, `id`,
 * `version`), in any order, and a row without `id` with the lowest `seq` of the candidates and, as `version`,
 * their number.
 */
export function compilePage(
  {
    group,
    filter,
    candidates,
    rows,
  }: {
    readonly group: string;
    readonly filter: Filter;
    readonly candidates: Candidates;
    readonly rows: number;
  },
  dialect: Dialect,
): CompiledSql {
  const parameters = new Parameters(dialect);
  const source = compileCandidates(candidates, rows, group, parameters, dialect);
  // Candidates are of the group already. Compared as it stands, its index could be read for each of them.
  const ofGroup = `o.grp || '' = ${parameters.add(group)}`;
  // A cross join fixes the order in SQLite, which has no statistics.
  return {
    sql:
      `with c as materialized (${source})` +
      ` select o.seq, o.id, o.version from c cross join object o where o.seq = c.seq and ${ofGroup} and ${compile(filter, group, parameters)}` +
      ' union all select min(c.seq), null, count(*) from c',
    parameters: parameters.values,
  };
}

function compileCandidates(
  candidates: Candidates,
  rows: number,
  group: string,
  parameters: Parameters,
  dialect: Dialect,
): string {
  if ('seqs' in candidates) return dialect.numbers(parameters.add(JSON.stringify(candidates.seqs)));
  const before = parameters.add(candidates.before);
  const limit = parameters.add(rows);
  if (candidates.of === 'group')
    return `select o.seq from object o where o.grp = ${parameters.add(group)} and o.seq < ${before} order by o.seq desc limit ${limit}`;
  const where = compileRows(candidates.of, 'found', group, parameters);
  return `select distinct i.object as seq from object_index i where ${where} and i.object < ${before} order by i.object desc limit ${limit}`;
}

/** Compiles a count of the objects that satisfy `condition`, up to `max`. */
export function compileCount(group: string, condition: Condition, max: number): CompiledSql {
  const parameters = new Parameters();
  const where = compileRows(condition, 'found', group, parameters);
  const limit = parameters.add(max);
  return {
    sql: `select count(*) as total from (select 1 from object_index i where ${where} limit ${limit}) as few`,
    parameters: parameters.values,
  };
}

/** A place in the index of numbers: the row of an object and its number. */
export interface RangePlace {
  readonly number: number;
  readonly object: number;
}

/**
 * Compiles the next `rows` rows (`number`, `object`) after a place that meet a range, in the order of the
 * index.
 */
export function compileRange(
  group: string,
  condition: Condition,
  after: RangePlace,
  rows: number,
): CompiledSql {
  const parameters = new Parameters();
  const where = compileRows(condition, 'paged', group, parameters);
  const place = `(${parameters.add(after.number)}, ${parameters.add(after.object)})`;
  return {
    sql:
      `select i.number, i.object from object_index i where ${where} and (i.number, i.object) > ${place}` +
      ` order by i.number, i.object limit ${parameters.add(rows)}`,
    parameters: parameters.values,
  };
}

const always = '1 = 1';

function compile(filter: Filter, group: string, parameters: Parameters): string {
  const inside = (part: Filter) => compile(part, group, parameters);
  if ('all' in filter) return join(filter.all.map(inside), ' and ', always);
  if ('any' in filter) return join(filter.any.map(inside), ' or ', '1 = 0');
  if ('not' in filter) return `not (${inside(filter.not)})`;
  return `exists (select 1 from object_index i where i.object = o.seq and ${compileRows(filter, 'tested', group, parameters)}${parameters.apart})`;
}

function join(parts: readonly string[], word: string, none: string): string {
  return parts.length === 0 ? none : `(${parts.join(word)})`;
}

/**
 * How rows are found: by their value, page by page in the order of their number, or as those of a given
 * object, of which they are only tested. A comparison that must not choose the index gets a unary plus: for a
 * test SQLite would scan the index of numbers once per object, and a page would begin where the range does.
 */
type RowUse = 'found' | 'paged' | 'tested';

/**
 * Compiles a condition on rows `i`: the first comparison and others of its field on the row itself, the rest
 * on rows of the same instance, so that a name's value and type never come from two names.
 */
function compileRows(
  { attribute, fields }: Condition,
  use: RowUse,
  group: string,
  parameters: Parameters,
): string {
  const ofAttribute = `t.grp = ${parameters.add(group)} and t.attribute = ${parameters.add(toIndexText(attribute))}`;
  const [first, ...others] = fields.toSorted((a, b) => selectivity(a) - selectivity(b));
  if (first === undefined) return `i.term in (select t.id from term t where ${ofAttribute})`;
  const isField = (row: 'i' | 'j', field: string) =>
    `${row}.term = (select t.id from term t where ${ofAttribute} and t.field = ${parameters.add(field)})`;
  const same = others.map((comparison) =>
    comparison.field === first.field
      ? compileComparison('i', comparison, use, parameters)
      : 'exists (select 1 from object_index j where j.object = i.object and j.instance = i.instance' +
        ` and ${isField('j', comparison.field)} and ${compileComparison('j', comparison, 'tested', parameters)}${parameters.apart})`,
  );
  return [isField('i', first.field), compileComparison('i', first, use, parameters), ...same].join(' and ');
}

function compileComparison(
  row: 'i' | 'j',
  { op, value }: Comparison,
  use: RowUse,
  parameters: Parameters,
): string {
  if (typeof value === 'string') return `${row}.text = ${parameters.add(toIndexText(value))}`;
  if (!Number.isSafeInteger(value)) throw new RangeError(`a search needs whole numbers, not ${value}`);
  const number = parameters.add(value);
  if (op === '=') return `${row}.number = ${number}`;
  if (op === 'bits') return `(${row}.number & ${number}) = ${number}`;
  const isLookedUp = use === 'found' || (use === 'paged' && op === '<=');
  return `${isLookedUp ? '' : '+'}${row}.number ${op} ${number}`;
}
