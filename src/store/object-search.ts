import type { FairQueue } from '../common/fair-queue.ts';
import { currentRequester } from '../common/requester.ts';
import {
  type Candidates,
  type Condition,
  compileCount,
  compilePage,
  compileRange,
  countConditions,
  isRange,
  type RangePlace,
  simplify,
  startConditions,
} from './filter.ts';
import type { SqlDriver, SqlRow, SqlValue } from './sql-driver.ts';
import { type Filter, type FoundObjects, type ObjectQuery, SearchEndedError } from './store.ts';

/**
 * Searches of objects, page by page of bounded statements, newest first. Between two statements other
 * accounts have their turn, and a search ends when its time is used up or when its client has left.
 */

/** Bounds of searches. */
export interface SearchLimits {
  /** Rows of objects and conditions that one statement examines. */
  readonly searchRows: number;
  /** Milliseconds that the statements of one search take together. */
  readonly searchMilliseconds: number;
}

/** A client that has closed its side may still read the answer of a search that takes no longer. */
const maxHalfOpenMilliseconds = 2_000;
/** Objects of one page at the least, however many conditions there are. */
const minPageObjects = 100;
/** Conditions whose objects are counted before a long search goes on: more cost more than they save. */
const maxCompared = 8;
/** Objects of a range that are sorted in memory; a range with more is no start of a search. */
const maxRangeObjects = 10_000;

interface Match {
  readonly seq: number;
  readonly id: string;
  readonly version: number;
}

interface Page {
  readonly matches: readonly Match[];
  /** The lowest `seq` of the candidates; the next page begins below it. */
  readonly lowest: number;
  readonly isLast: boolean;
}

/** What decides where a search begins. */
interface Start {
  readonly candidates: Candidates;
  /** Objects to examine, as far as they were counted. */
  readonly objects: number;
}

/** Finds one page of the objects that satisfy a filter; see `Store.find`. */
export function findObjects(
  driver: SqlDriver,
  queue: FairQueue,
  limits: SearchLimits,
  query: ObjectQuery,
): Promise<FoundObjects> {
  return new ObjectSearch(driver, queue, limits, query).run();
}

class ObjectSearch {
  readonly #driver: SqlDriver;
  readonly #queue: FairQueue;
  readonly #limits: SearchLimits;
  readonly #query: ObjectQuery;
  readonly #filter: Filter;
  readonly #pageObjects: number;
  #milliseconds = 0;

  constructor(driver: SqlDriver, queue: FairQueue, limits: SearchLimits, query: ObjectQuery) {
    this.#driver = driver;
    this.#queue = queue;
    this.#limits = limits;
    this.#query = query;
    this.#filter = simplify(query.filter);
    const perCondition = Math.floor(limits.searchRows / countConditions(this.#filter));
    this.#pageObjects = Math.max(minPageObjects, Math.min(limits.searchRows, perCondition));
  }

  async run(): Promise<FoundObjects> {
    const conditions = startConditions(this.#filter);
    const first = conditions.find((condition) => !isRange(condition));
    let candidates: Candidates = { of: first ?? 'group', before: Number.MAX_SAFE_INTEGER };
    let page = await this.#page(candidates);
    // Most searches end with their first page. Others begin where the fewest objects are to be examined.
    if (!page.isLast && conditions.length > (first === undefined ? 0 : 1)) {
      const best = await this.#chooseStart(conditions, candidates);
      if (best !== candidates) page = await this.#page((candidates = best));
    }
    return this.#collect(candidates, page);
  }

  async #collect(start: Candidates, firstPage: Page): Promise<FoundObjects> {
    const { offset, limit, countedItems = 0 } = this.#query;
    const found: Match[] = [];
    let total = 0;
    let [candidates, page] = [start, firstPage];
    for (;;) {
      for (const match of page.matches) {
        if (total >= offset && found.length < limit) found.push(match);
        total += 1;
      }
      const isFull = total >= offset + limit;
      const isUncountable = isFull && (total > countedItems || this.#isLate);
      if (page.isLast || isUncountable)
        return {
          ids: found.map(({ id }) => id),
          versions: found.map(({ version }) => version),
          total: page.isLast ? total : undefined,
        };
      candidates = nextCandidates(candidates, page, this.#pageObjects);
      page = await this.#page(candidates);
    }
  }

  /** Chooses the start with the fewest objects among conditions, or keeps `present`. */
  async #chooseStart(conditions: readonly Condition[], present: Candidates): Promise<Candidates> {
    let best: Start = { candidates: present, objects: maxRangeObjects };
    for (const condition of conditions.slice(0, maxCompared)) {
      const start = isRange(condition)
        ? await this.#rangeStart(condition, best.objects)
        : await this.#equalStart(condition, best.objects);
      if (start.objects < best.objects) best = start;
      if (best.objects <= this.#pageObjects) break;
    }
    const isPresent = 'of' in best.candidates && 'of' in present && best.candidates.of === present.of;
    return isPresent ? present : best.candidates;
  }

  async #equalStart(condition: Condition, fewest: number): Promise<Start> {
    const max = Math.min(fewest, this.#limits.searchRows);
    const { sql, parameters } = compileCount(this.#query.group, condition, max);
    const [row] = await this.#statement(sql, parameters);
    const objects = row?.total as number;
    const candidates = { of: condition, before: Number.MAX_SAFE_INTEGER };
    return { candidates, objects: objects < max ? objects : maxRangeObjects };
  }

  /** Reads the objects of a range while they are fewer than `max`. */
  async #rangeStart(condition: Condition, max: number): Promise<Start> {
    const seqs = new Set<number>();
    let after: RangePlace = { number: Number.MIN_SAFE_INTEGER, object: -1 };
    for (const { searchRows } = this.#limits; seqs.size < max; ) {
      const { sql, parameters } = compileRange(this.#query.group, condition, after, searchRows);
      const rows = (await this.#statement(sql, parameters)) as unknown as readonly RangePlace[];
      for (const { object } of rows) seqs.add(object);
      const last = rows.at(-1);
      if (last === undefined || rows.length < searchRows) break;
      after = last;
    }
    return { candidates: { seqs: [...seqs].sort((a, b) => b - a) }, objects: seqs.size };
  }

  async #page(candidates: Candidates): Promise<Page> {
    const rows = this.#pageObjects;
    const part = 'seqs' in candidates ? { seqs: candidates.seqs.slice(0, rows) } : candidates;
    const { group } = this.#query;
    const request = { group, filter: this.#filter, candidates: part, rows };
    const { sql, parameters } = compilePage(request, this.#driver.dialect);
    const answer = await this.#statement(sql, parameters);
    const end = answer.find(({ id }) => id === null);
    const matches = answer.filter(({ id }) => id !== null) as unknown as Match[];
    return {
      matches: matches.sort((a, b) => b.seq - a.seq),
      lowest: (end?.seq ?? 0) as number,
      isLast: 'seqs' in candidates ? candidates.seqs.length <= rows : (end?.version as number) < rows,
    };
  }

  get #isLate(): boolean {
    return this.#milliseconds > this.#limits.searchMilliseconds;
  }

  async #statement(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#queue.run(async () => {
      if (this.#milliseconds > maxHalfOpenMilliseconds && currentRequester().hasEnded?.() === true)
        throw new SearchEndedError('the client has closed its side of the connection');
      if (this.#isLate)
        throw new SearchEndedError(
          `the search needs more than ${this.#limits.searchMilliseconds} milliseconds: state more, or rarer, attributes`,
        );
      const started = performance.now();
      const rows = await this.#driver.search(sql, parameters);
      this.#milliseconds += performance.now() - started;
      return rows;
    });
  }
}

function nextCandidates(candidates: Candidates, page: Page, rows: number): Candidates {
  return 'seqs' in candidates
    ? { seqs: candidates.seqs.slice(rows) }
    : { of: candidates.of, before: page.lowest };
}
