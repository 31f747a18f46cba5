import { createHash } from 'node:crypto';
import type { SqlValue } from './sql-driver.ts';
import type { Comparison, Filter } from './store.ts';

/** Compiles `Filter` to SQL over `object o` and `object_index`. Every value becomes a parameter, never text. */

/**
 * Long values are kept as their digest: PostgreSQL refuses index entries over 2,704 bytes, and nobody searches a part
 * of one. A short value that looks like a digest is digested too, so that it cannot pass for another.
 */
export function toIndexText(value: string): string {
  if (value.length <= 256 && !value.startsWith('sha256:')) return value;
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}

export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** One attribute condition that the index can answer by itself: a place where a search may start. */
export type Condition = Extract<Filter, { attribute: string }>;

/** Collects parameters and hands out their placeholders. */
class Parameters {
  readonly values: SqlValue[] = [];

  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/**
 * The conditions every answer must meet and the index can look up: those that stand in no `any` and no `not`, with a
 * comparison first that names a value (`bits` names none).
 */
export function startConditions(filter: Filter): readonly Condition[] {
  if ('all' in filter) return filter.all.flatMap(startConditions);
  return 'attribute' in filter && selectivityRank(filter) < unindexed ? [filter] : [];
}

const unindexed = 4;

/** Equal text has few holders, an equal number (a state, an algorithm) many, a range more; `bits` needs every row. */
function selectivity({ op, value }: Comparison): number {
  if (op === 'bits') return unindexed;
  if (op === '=') return typeof value === 'string' ? 0 : 1;
  return 2;
}

/** How promising a condition is to start from: the lower, the fewer answers are likely. */
export function selectivityRank(condition: Condition): number {
  return Math.min(unindexed, ...condition.fields.map(selectivity));
}

/** `where` of the objects of `group` that meet `filter`, found from `start` when there is one. */
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

/** How many objects `condition` has, counted no further than `most`. */
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
 * Whether rows are looked up by their value, or belong to an object at hand and are only tested. Then a range must not
 * tempt the planner to walk the index of numbers once per object: SQLite would, a unary plus keeps it away.
 */
type RowUse = 'found' | 'tested';

/**
 * Conditions on rows `i`: the first comparison on the row itself, the others on rows of the same instance, so that a
 * name's value and its type are not taken from two names.
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
