import { EventLoopYield } from '../../common/event-loop-yield.ts';
import type { FairQueue } from '../../common/fair-queue.ts';
import { currentRequester } from '../../common/requester.ts';
import type { SqlDriver, SqlRow } from '../sql-driver.ts';
import { loadObjects, toLoadedObject } from '../sql-objects.ts';
import {
  type Filter,
  type FoundObjects,
  type LoadedObject,
  type ObjectQuery,
  SearchEndedError,
  type SoughtTerm,
} from '../store.ts';
import {
  type Candidates,
  type CompiledSql,
  compileCount,
  compilePage,
  compileRange,
  type RangePlace,
} from './filter.ts';
import { type ColumnRange, countConditions, type Starts, simplify, startsOf } from './search-starts.ts';

/**
 * Searches of objects, page by page of bounded statements, newest first. What a statement finds is loaded in
 * slices and matched before it is answered. Between two statements or slices other accounts have their turn,
 * and a search ends when its time is used up or when its client has left.
 */

/** Bounds of searches. */
export interface SearchLimits {
  /** Rows of objects and conditions that one statement examines. */
  readonly searchRows: number;
  /** Milliseconds that the statements and slices of one search take together. */
  readonly searchMilliseconds: number;
}

/** Where searches run. */
interface SearchContext {
  readonly driver: SqlDriver;
  readonly queue: FairQueue;
  readonly limits: SearchLimits;
}

type Match = (row: LoadedObject) => boolean;

/** A client that has closed its side may still read the answer of a search that takes no longer. */
const maxHalfOpenMilliseconds = 2_000;
/** Objects of one page at the least, however many conditions there are. */
const minPageObjects = 100;
/** Conditions whose objects are counted before a long search goes on: more cost more than they save. */
const maxCompared = 8;
/** Objects of a range that are sorted in memory; a range with more is no start of a search. */
const maxRangeObjects = 10_000;
/** Objects that are loaded and matched in one turn. */
const sliceObjects = 16;

/** An object that the index finds, and the version that it had then. */
interface IndexedObject {
  readonly id: string;
  readonly version: number;
  /** Read by the same statement; undefined where it is still to be loaded. */
  readonly row: LoadedObject | undefined;
}

interface Page {
  /** Newest first. */
  readonly objects: readonly IndexedObject[];
  /** The lowest `seq` of the candidates; the next page begins below it. */
  readonly lowest: number;
  readonly isLast: boolean;
  /** Number of candidates that were asked for. */
  readonly rows: number;
}

/** What decides where a search begins. */
interface Start {
  readonly candidates: Candidates;
  /** Objects to examine, as far as they were counted. */
  readonly objects: number;
}

/** Finds one page of the objects that satisfy a filter; see `Store.find`. */
export function findObjects(context: SearchContext, query: ObjectQuery, match: Match): Promise<FoundObjects> {
  return new ObjectSearch(context, query, match).run();
}

class ObjectSearch {
  readonly #driver: SqlDriver;
  readonly #queue: FairQueue;
  readonly #limits: SearchLimits;
  readonly #query: ObjectQuery;
  readonly #match: Match;
  readonly #filter: Filter;
  readonly #pageObjects: number;
  readonly #eventLoop = new EventLoopYield();
  readonly #found: LoadedObject[] = [];
  /** Matching objects so far, those of the page included. */
  #total = 0;
  /** Whether an object of the page has changed since the index was read, and matches no more. */
  #isOutdated = false;
  #milliseconds = 0;

  constructor({ driver, queue, limits }: SearchContext, query: ObjectQuery, match: Match) {
    this.#driver = driver;
    this.#queue = queue;
    this.#limits = limits;
    this.#query = query;
    this.#match = match;
    this.#filter = simplify(query.filter);
    const perCondition = Math.floor(limits.searchRows / countConditions(this.#filter));
    this.#pageObjects = Math.max(minPageObjects, Math.min(limits.searchRows, perCondition));
  }

  async run(): Promise<FoundObjects> {
    const starts = startsOf(this.#filter);
    let candidates = firstCandidates(starts);
    let page = await this.#page(candidates);
    // Most searches end with their first page. Others begin where the fewest objects are to be examined.
    if (!page.isLast) {
      const best = await this.#chooseStart(starts, candidates);
      if (best !== candidates) page = await this.#page((candidates = best));
    }
    for (;;) {
      const { isLast, lowest, rows, isComplete } = await this.#takeCurrent(page, candidates);
      if (isLast || this.#isEnough)
        return {
          ids: this.#found.map(({ id }) => id),
          versions: this.#found.map(({ version }) => version),
          total: isLast && isComplete ? this.#total : undefined,
        };
      candidates = nextCandidates(candidates, lowest, rows);
      page = await this.#page(candidates);
    }
  }

  /** Whether nothing is missing but a total that is not wanted, or takes too long. */
  get #isEnough(): boolean {
    const { offset, limit, countedItems = 0 } = this.#query;
    return this.#total >= offset + limit && (this.#total > countedItems || this.#isLate);
  }

  /**
   * Takes a page. When one of its objects has changed before it was loaded and no longer matches, a Name may
   * have moved to an object that the index did not have under it: then the first candidates are taken again,
   * with their rows as the same statement has read them.
   */
  async #takeCurrent(first: Page, candidates: Candidates): Promise<Page & { readonly isComplete: boolean }> {
    const [found, total] = [this.#found.length, this.#total];
    this.#isOutdated = false;
    const isComplete = await this.#take(first.objects);
    if (!this.#isOutdated) return { ...first, isComplete };
    this.#found.length = found;
    this.#total = total;
    const page = await this.#page(candidates, { rows: sliceObjects, isLoaded: true });
    return { ...page, isComplete: await this.#take(page.objects) };
  }

  /**
   * Skips, answers or counts the next objects that the index has found; false when some were left, because
   * it is enough.
   */
  async #take(objects: readonly IndexedObject[]): Promise<boolean> {
    const { offset, limit, isExact } = this.#query;
    for (let at = 0; at < objects.length; ) {
      const skipped = isExact ? Math.min(objects.length - at, Math.max(0, offset - this.#total)) : 0;
      const wanted = isExact ? Math.min(sliceObjects, limit - this.#found.length) : sliceObjects;
      if (skipped > 0) {
        this.#total += skipped;
        at += skipped;
      } else if (wanted > 0) {
        if (!isExact && this.#isEnough) return false;
        await this.#matchSlice(objects.slice(at, at + wanted));
        at += wanted;
      } else {
        this.#total += objects.length - at;
        return true;
      }
    }
    return true;
  }

  /** Loads some objects, and takes those that match. */
  async #matchSlice(objects: readonly IndexedObject[]): Promise<void> {
    const { group, offset, limit } = this.#query;
    const ids = objects.filter(({ row }) => row === undefined).map(({ id }) => id);
    await this.#turn(async () => {
      const rows = ids.length === 0 ? [] : await loadObjects(this.#driver, group, ids);
      const loaded = new Map(rows.map((row) => [row.id, row]));
      for (const { id, version, row = loaded.get(id) } of objects) {
        if (row === undefined || !this.#match(row)) {
          this.#isOutdated ||= row?.version !== version;
          continue;
        }
        if (this.#total >= offset && this.#found.length < limit) this.#found.push(row);
        this.#total += 1;
      }
    });
    if (this.#eventLoop.isDue) await this.#eventLoop.yield();
  }

  /** Chooses the start with the fewest objects; `present` is that of the first term, or of the group. */
  async #chooseStart({ terms, ranges }: Starts, present: Candidates): Promise<Candidates> {
    if (terms.length <= 1 && ranges.length === 0) return present;
    let best: Start = { candidates: present, objects: maxRangeObjects };
    const counts = [
      ...terms.map((term, at) => (fewest: number) => {
        return this.#termStart(term, at === 0 ? present : startOf({ term }), fewest);
      }),
      ...ranges.map((range) => (fewest: number) => this.#rangeStart(range, fewest)),
    ];
    for (const count of counts.slice(0, maxCompared)) {
      const start = await count(best.objects);
      if (start.objects < best.objects) best = start;
      if (best.objects <= this.#pageObjects) break;
    }
    return best.candidates;
  }

  async #termStart(term: SoughtTerm, candidates: Candidates, fewest: number): Promise<Start> {
    const max = Math.min(fewest, this.#limits.searchRows);
    const [row] = await this.#statement(compileCount(term, max));
    const objects = row?.total as number;
    return { candidates, objects: objects < max ? objects : maxRangeObjects };
  }

  /** Reads the objects of a range while they are fewer than `max`. */
  async #rangeStart(range: ColumnRange, max: number): Promise<Start> {
    const seqs: number[] = [];
    const pageRows = Math.ceil(this.#limits.searchRows / 2);
    for (let after: RangePlace | undefined = { number: range.from, seq: 0 }; seqs.length < max; ) {
      const statement = compileRange(this.#query.group, range, after, pageRows);
      const rows = (await this.#statement(statement)) as unknown as readonly RangePlace[];
      seqs.push(...rows.map(({ seq }) => seq));
      after = rows.at(-1);
      if (after === undefined || rows.length < pageRows) break;
    }
    return { candidates: { seqs: seqs.sort((a, b) => b - a) }, objects: seqs.length };
  }

  /** `isLoaded`: whether the statement reads the rows, too. */
  async #page(
    candidates: Candidates,
    { rows = this.#pageObjects, isLoaded = false }: { rows?: number; isLoaded?: boolean } = {},
  ): Promise<Page> {
    const part = 'seqs' in candidates ? { seqs: candidates.seqs.slice(0, rows) } : candidates;
    const { group } = this.#query;
    const request = { group, filter: this.#filter, candidates: part, rows, isLoaded };
    const answer = await this.#statement(compilePage(request, this.#driver.dialect));
    const end = answer.find(({ id }) => id === null);
    const found = answer.filter(({ id }) => id !== null).sort((a, b) => Number(b.seq) - Number(a.seq));
    return {
      objects: found.map((row) => ({
        ...{ id: row.id as string, version: row.version as number },
        row: isLoaded ? toLoadedObject(row, group) : undefined,
      })),
      lowest: (end?.seq ?? 0) as number,
      isLast: 'seqs' in candidates ? candidates.seqs.length <= rows : (end?.candidates as number) < rows,
      rows,
    };
  }

  get #isLate(): boolean {
    return this.#milliseconds > this.#limits.searchMilliseconds;
  }

  #statement({ sql, parameters }: CompiledSql): Promise<readonly SqlRow[]> {
    return this.#turn(() => this.#driver.search(sql, parameters));
  }

  /** Does some work of the search when it is its account's turn, and counts the time. */
  async #turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.#milliseconds > maxHalfOpenMilliseconds && currentRequester().hasEnded?.() === true)
        throw new SearchEndedError('the client has closed its side of the connection');
      if (this.#isLate)
        throw new SearchEndedError(
          `the search needs more than ${this.#limits.searchMilliseconds} milliseconds: state more, or rarer, attributes`,
        );
      const started = performance.now();
      const result = await work();
      this.#milliseconds += performance.now() - started;
      return result;
    });
  }
}

function firstCandidates({ ids: [id], terms: [term] }: Starts): Candidates {
  if (id !== undefined) return startOf({ id });
  return startOf(term === undefined ? 'group' : { term });
}

function startOf(of: Extract<Candidates, { of: unknown }>['of']): Candidates {
  return { of, before: Number.MAX_SAFE_INTEGER };
}

function nextCandidates(candidates: Candidates, lowest: number, rows: number): Candidates {
  return 'seqs' in candidates ? { seqs: candidates.seqs.slice(rows) } : { of: candidates.of, before: lowest };
}
