import { exactInteger } from '../cells.ts';
import { objectColumns } from '../columns.ts';
import { hasOwnNumber, isNumberAfter, isNumberBefore } from '../row-numbers.ts';
import type { Dialect, SqlValue } from '../sql-driver.ts';
import type { Filter, SoughtTerm } from '../store.ts';
import type { ColumnRange } from './search-starts.ts';

/**
 * Compiles `Filter` to SQL over `managed_object o` and `object_term`. Every value becomes a parameter, never
 * text.
 */

/** SQL text with `$1` placeholders and their values. */
export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Collects parameters and returns their placeholders. */
class Parameters {
  readonly values: SqlValue[] = [];
  /** See `Dialect`. */
  readonly apart: string;

  constructor({ apart }: Pick<Dialect, 'apart'> = { apart: '' }) {
    this.apart = apart;
  }

  add(value: SqlValue): string {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new RangeError(`a search needs whole numbers, not ${value}`);
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** The objects that a search examines, newest first. */
export type Candidates =
  /** All objects of the group, those with a term, or the one with an identifier. */
  | {
      readonly of: 'group' | { readonly term: SoughtTerm } | { readonly id: string };
      readonly before: number;
    }
  /** Objects by `seq`. */
  | { readonly seqs: readonly number[] };

/** Of a page: what `toLoadedObject` needs beside identifier and version. */
const loadedColumns = ['object_type', 'box', 'value'] as const;

/**
 * Compiles one page of a search: of the next `rows` candidates those that satisfy `filter` (`seq`, `id`,
 * `version`, and the other fields of `toLoadedObject` if they are to be loaded), in any order, and a row
 * without `id` with the lowest `seq` of the candidates and, as `candidates`, their number.
 */
export function compilePage(
  {
    group,
    filter,
    candidates,
    rows,
    isLoaded = false,
  }: {
    readonly group: string;
    readonly filter: Filter;
    readonly candidates: Candidates;
    readonly rows: number;
    readonly isLoaded?: boolean;
  },
  dialect: Dialect,
): CompiledSql {
  const parameters = new Parameters(dialect);
  const source = compileCandidates(candidates, rows, group, parameters, dialect);
  // Most candidates are of the group already. Compared as it stands, its index could be read for each.
  const ofGroup = `o.grp || '' = ${parameters.add(group)}`;
  const objects = dialect.each('c', 'managed_object', 'o', 'o.seq = c.seq');
  const more = isLoaded ? loadedColumns : [];
  const loaded = more.map((column) => `, o.${column}`).join('');
  return {
    sql:
      `with c as materialized (${source})` +
      ` select o.seq, o.id, ${exactInteger('o.version')} as version, null as candidates${loaded} from ${objects} and ${ofGroup} and ${compile(filter, parameters)}` +
      ` union all select min(c.seq), null, null, count(*)${', null'.repeat(more.length)} from c`,
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
  const { of } = candidates;
  // As it stands the number could be looked up in the index of the group, without the identifier.
  if (of !== 'group' && 'id' in of)
    return `select o.seq from managed_object o where o.grp = ${parameters.add(group)} and o.id = ${parameters.add(of.id)} and ${hasOwnNumber('o.seq + 0')}`;
  const before = parameters.add(candidates.before);
  const limit = parameters.add(rows);
  if (of !== 'group') {
    const parts = [of.term]
      .flat()
      .map(
        (term) =>
          `select distinct i.object as seq from object_term i where i.term = ${parameters.add(term)} and ${isNumberBefore('i.object', before)} order by i.object desc limit ${limit}`,
      );
    // Each part begins at the index.
    return parts.length === 1
      ? parts.join('')
      : `select seq from (${unite(parts, 'union')}) as every order by seq desc limit ${limit}`;
  }
  const place = dialect.before(['o.grp', 'o.seq'], [parameters.add(group), before]);
  return `select o.seq from managed_object o where ${place} limit ${limit}`;
}

/** Compiles a count of the rows of a term, up to `max` in each index. */
export function compileCount(term: SoughtTerm, max: number): CompiledSql {
  const terms = [term].flat();
  const parts = terms.map((_, at) => `select 1 as one from object_term i where i.term = $${at + 2} limit $1`);
  return {
    sql: `select count(*) as total from (${unite(parts, 'union all')}) as few`,
    parameters: [max, ...terms],
  };
}

function unite(parts: readonly string[], word: 'union' | 'union all'): string {
  return parts.map((part, at) => `select * from (${part}) as part${at}`).join(` ${word} `);
}

/** A place in the index of a column: the value of an object and its `seq`. */
export interface RangePlace {
  readonly number: number;
  readonly seq: number;
}

/**
 * Compiles the next `rows` objects of a group (`number`, `seq`) after a place, in the order of the index;
 * the database examines twice as many. Compared as a pair, SQLite would begin at the first of many objects
 * with the same value.
 */
export function compileRange(
  group: string,
  { column, to }: ColumnRange,
  after: RangePlace,
  rows: number,
): CompiledSql {
  const value = `o.${objectColumns[column]}`;
  const part = (name: string, where: string) =>
    `select * from (select ${value} as number, o.seq from managed_object o where o.grp = $1 and ${where}` +
    ` order by ${value}, o.seq limit $5) as ${name}`;
  return {
    sql:
      `${part('same', `${value} = $3 and ${isNumberAfter('o.seq', '$4')}`)} union all` +
      ` ${part('later', `${value} > $3 and ${value} <= $2 and ${hasOwnNumber('o.seq')}`)} order by number, seq limit $5`,
    parameters: [group, to, after.number, after.seq, rows],
  };
}

function compile(filter: Filter, parameters: Parameters): string {
  const inside = (part: Filter) => compile(part, parameters);
  if ('all' in filter) return join(filter.all.map(inside), ' and ', '1 = 1');
  if ('any' in filter) return join(filter.any.map(inside), ' or ', '1 = 0');
  if ('not' in filter) return `not (${inside(filter.not)})`;
  if ('id' in filter) return `o.id = ${parameters.add(filter.id)}`;
  if ('terms' in filter) return compileTerms(filter.terms, parameters);
  if ('present' in filter) return `o.${objectColumns[filter.present]} is not null`;
  return compileComparison(filter, parameters);
}

function join(parts: readonly string[], word: string, none: string): string {
  return parts.length === 0 ? none : `(${parts.join(word)})`;
}

/** The first term on the row itself, the others on rows of the same instance. */
function compileTerms([first, ...others]: readonly SoughtTerm[], parameters: Parameters): string {
  if (first === undefined) throw new RangeError('a condition on terms needs one');
  const { apart } = parameters;
  const same = others.map(
    (term) =>
      ` and exists (select 1 from object_term j where ${isTerm('j', term, parameters)} and j.object = i.object and j.instance = i.instance${apart})`,
  );
  return `exists (select 1 from object_term i where ${isTerm('i', first, parameters)} and i.object = o.seq${same.join('')}${apart})`;
}

function isTerm(alias: string, term: SoughtTerm, parameters: Parameters): string {
  if (typeof term === 'number') return `${alias}.term = ${parameters.add(term)}`;
  return `${alias}.term in (${term.map((each) => parameters.add(each)).join(', ')})`;
}

/** Null, which "not" would not turn, never is the result. */
function compileComparison(
  { column, op, value }: Extract<Filter, { column: unknown }>,
  parameters: Parameters,
): string {
  const name = `o.${objectColumns[column]}`;
  const number = parameters.add(value);
  const compared = op === 'bits' ? `(${name} & ${number}) = ${number}` : `${name} ${op} ${number}`;
  return `(${name} is not null and ${compared})`;
}
