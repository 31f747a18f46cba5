import type { ChainRange, SinkGap } from './audit-log-reader.ts';

interface Position {
  /** Entries below this number were delivered, or are gaps that were reported. */
  delivered: number;
  /** The next entry to deliver; those between `delivered` and it were given up. */
  next: number;
  /** The log has entries below this number. */
  end: number;
}

/** Entries that wait, from `next` on to the one before `end`. */
export interface WaitingEntries {
  readonly chain: string;
  readonly next: number;
  readonly end: number;
}

/** How far a sink has come in each chain. */
export class ChainPositions {
  readonly #chains = new Map<string, Position>();
  /** Chains that began to be seen before the log was asked for all of them. */
  readonly #provisional = new Set<string>();
  #isStarted = false;
  /** False: the sink is new, and gets what comes after its start. */
  readonly #isKnown: boolean;
  #backlog = 0;
  #arrived = 0;
  #confirmed = 0;

  /** `cursors`: the number that comes next in each chain; undefined for a new sink. */
  constructor(cursors: ReadonlyMap<string, number> | undefined) {
    this.#isKnown = cursors !== undefined;
    for (const [chain, next] of cursors ?? []) this.#add(chain, next);
  }

  /** Entries that wait. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Entries that have ever waited. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Entries that were delivered, counted again when they were delivered again. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** What was delivered of each chain whose beginning is known: the number that comes next. */
  get cursors(): ReadonlyMap<string, number> {
    const known = [...this.#chains].filter(([chain]) => !this.#provisional.has(chain));
    return new Map(known.map(([chain, { delivered }]) => [chain, delivered]));
  }

  /** Takes durable entries of a chain: those from `first` on to the one before `end`. */
  extend(chain: string, first: number, end: number): void {
    if (!this.#chains.has(chain) && !this.#isStarted) this.#provisional.add(chain);
    this.#setEnd(this.#chains.get(chain) ?? this.#add(chain, first), end);
  }

  /**
   * Takes what the log says of its chains. The first time it decides where chains begin: where the sink has
   * stopped, at the first entry of chains that began meanwhile, and for a new sink at what comes next.
   * Returns chains of which more was delivered than the log has; these are delivered from their first entry.
   */
  update(ranges: readonly ChainRange[]): readonly string[] {
    const wrong = ranges.filter((range) => !this.#take(range)).map(({ chain }) => chain);
    const known = new Set(ranges.map(({ chain }) => chain));
    // Of these chains everything was delivered, and the log has forgotten them.
    for (const [chain, { delivered, end }] of this.#chains)
      if (!known.has(chain) && delivered === end) this.#chains.delete(chain);
    // Chains of processes that have ended come before those that go on.
    for (const chain of this.#provisional) {
      const position = this.#chains.get(chain);
      this.#chains.delete(chain);
      if (position !== undefined) this.#chains.set(chain, position);
    }
    this.#isStarted = true;
    this.#provisional.clear();
    return wrong;
  }

  /** Returns the entries to deliver next, of one chain; those of older chains come first. */
  head(): WaitingEntries | undefined {
    for (const [chain, { next, end }] of this.#chains) if (next < end) return { chain, next, end };
    return undefined;
  }

  /** Delivers entries again, from a number on but at most `limit` of them; returns whether there are any. */
  rewind(chain: string, from: number, limit: number): boolean {
    const position = this.#chains.get(chain);
    const begin = Math.max(from, (position?.next ?? 0) - limit);
    if (position === undefined || begin >= position.next) return false;
    this.#count(position.next - begin);
    position.next = begin;
    position.delivered = Math.min(position.delivered, begin);
    return true;
  }

  /** Gives the oldest waiting entries up, so that at most `count` wait. */
  trim(count: number): void {
    for (let head = this.head(); head !== undefined && this.#backlog > count; head = this.head())
      this.skip(head.chain, Math.min(head.end, head.next + this.#backlog - count));
  }

  /** Gives the waiting entries of a chain up that come before a number. */
  skip(chain: string, number: number): void {
    const position = this.#chains.get(chain);
    if (position === undefined || number <= position.next) return;
    const next = Math.min(number, position.end);
    this.#backlog -= next - position.next;
    position.next = next;
  }

  /**
   * Takes note that entries were delivered: those of the chain from `from` on to the one before `to`. Returns
   * what was given up before; it is returned once.
   */
  confirm(chain: string, from: number, to: number): readonly SinkGap[] {
    const gaps: SinkGap[] = [];
    this.#confirmed += to - from;
    for (const [name, position] of this.#chains) {
      const before = name === chain ? Math.max(from, position.delivered) : position.next;
      if (before > position.delivered) gaps.push({ chain: name, from: position.delivered, to: before - 1 });
      position.delivered = Math.max(position.delivered, before);
      if (name !== chain) continue;
      this.skip(chain, to);
      position.delivered = Math.max(position.delivered, Math.min(to, position.next));
    }
    return gaps;
  }

  /** Returns whether the position of the chain is possible. */
  #take({ chain, first, next }: ChainRange): boolean {
    const begin = this.#isKnown || this.#isStarted ? first : next;
    const position = this.#chains.get(chain) ?? this.#add(chain, begin);
    const isProvisional = this.#provisional.has(chain);
    const isWrong = !this.#isStarted && !isProvisional && position.delivered > next;
    if (isWrong) Object.assign(position, { delivered: first, next: first, end: first });
    else if (isProvisional && this.#isKnown && first < position.next) {
      this.#count(position.next - first);
      position.delivered = position.next = first;
    }
    this.#setEnd(position, next);
    return !isWrong;
  }

  #add(chain: string, next: number): Position {
    const position = { delivered: next, next, end: next };
    this.#chains.set(chain, position);
    return position;
  }

  #setEnd(position: Position, end: number): void {
    if (end <= position.end) return;
    this.#count(end - position.end);
    position.end = end;
  }

  #count(entries: number): void {
    this.#backlog += entries;
    this.#arrived += entries;
  }
}
