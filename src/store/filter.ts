import { createHash } from 'node:crypto';
import type { SqlValue } from './sql-driver.ts';
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

  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/**
 * Returns the conditions that every result must meet and that the index can look up: those outside `any` and
 * `not` with at least one comparison to a value or range (`bits` has neither).
 */
export function startConditions(filter: Filter): readonly Condition[] {
  if ('all' in filter) return filter.all.flatMap(startConditions);
  return 'attribute' in filter && selectivityRank(filter) < unindexed ? [filter] : [];
}

const unindexed = 4;

/**
 * Few objects share a text, many share a number (a state, an algorithm), more are in a range; `bits` needs
 * all.
 */
function selectivity({ op, value }: Comparison): number {
  if (op === 'bits') return unindexed;
  if (op === '=') return typeof value === 'string' ? 0 : 1;
  return 2;
}

/** Rank of a condition as the start of a search: the lower, the fewer results are likely. */
export function selectivityRank(condition: Condition): number {
  return Math.min(unindexed, ...condition.fields.map(selectivity));
}

/**
 * Compiles the `where` clause for the objects of `group` that satisfy `filter`, looked up by `start` if
 * given.
 */
export function compileWhere(group: string, filter: Filter, start: Condition | undefined): CompiledSql {
  const parameters = new Parameters();
  const ofGroup = `o.grp = ${parameters.add(group)}`;
  const first =
    start &&
    ` and o.seq in (select i.object from object_index i where ${compileRows(start, 'found', group, parameters)})`;
  const rest = compile(filter, start, group, parameters);
  return {
    sql: `${ofGroup}${first ?? ''}${rest === always ? '' : ` and ${rest}`}`,
    parameters: parameters.values,
  };
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

const always = '1 = 1';

function compile(filter: Filter, done: Condition | undefined, group: string, parameters: Parameters): string {
  if (filter === done) return always;
  if ('all' in filter) {
    const parts = filter.all.map((part) => compile(part, done, group, parameters));
    return join(
      parts.filter((part) => part !== always),
      ' and ',
      always,
    );
  }
  const inside = (part: Filter) => compile(part, undefined, group, parameters);
  if ('any' in filter) return join(filter.any.map(inside), ' or ', '1 = 0');
  if ('not' in filter) return `not (${inside(filter.not)})`;
  return `exists (select 1 from object_index i where i.object = o.seq and ${compileRows(filter, 'tested', group, parameters)})`;
}

function join(parts: readonly string[], word: string, none: string): string {
  return parts.length === 0 ? none : `(${parts.join(word)})`;
}

/**
 * Whether rows are looked up by their value, or belong to a given object and are only tested. For a test
 * SQLite would scan the index of numbers once per object when there is a range; a unary plus prevents that.
 */
type RowUse = 'found' | 'tested';

/**
 * Compiles a condition on rows `i`: the first comparison on the row itself, the others on rows of the same
 * instance, so that a name's value and type never come from two names.
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
  const same = others.map(
    (comparison) =>
      ' and exists (select 1 from object_index j where j.object = i.object and j.instance = i.instance' +
      ` and ${compileComparison('j', comparison, 'tested', ofAttribute, parameters)})`,
  );
  return `${compileComparison('i', first, use, ofAttribute, parameters)}${same.join('')}`;
}

function compileComparison(
  row: 'i' | 'j',
  { field, op, value }: Comparison,
  use: RowUse,
  ofAttribute: string,
  parameters: Parameters,
): string {
  const term = `${row}.term = (select t.id from term t where ${ofAttribute} and t.field = ${parameters.add(field)})`;
  if (typeof value === 'string') return `${term} and ${row}.text = ${parameters.add(toIndexText(value))}`;
  if (!Number.isSafeInteger(value)) throw new RangeError(`a search needs whole numbers, not ${value}`);
  const number = parameters.add(value);
  if (op === '=') return `${term} and ${row}.number = ${number}`;
  if (op !== 'bits') return `${term} and ${use === 'tested' ? '+' : ''}${row}.number ${op} ${number}`;
  return `${term} and (${row}.number & ${number}) = ${number}`;
}
