import { addBlock, type ChainEntry, chainStart } from '../../common/audit-chain.ts';
import { type KeyBeginning, readNotice } from './notices.ts';
import { ProblemList } from './problem-list.ts';
import type { StatedChain, StatedEnd, StatedPositions } from './stated-positions.ts';

/** A block as it was found. */
export interface FoundBlock {
  readonly chain: string;
  /** Number of its first entry, and how many it has, as stated beside it. */
  readonly first: number;
  readonly count: number;
  /** Undefined for a block that does not open. */
  readonly entries: readonly ChainEntry[] | undefined;
  /** Where it stands, such as `row 17`. */
  readonly place: string;
}

/** Where a chain begins that was cut. */
export interface ChainCut {
  /** Number of the first entry that was kept. */
  readonly first: number;
  /** Head before it, 32 bytes. */
  readonly head: Uint8Array;
}

/** What a log is compared with. */
export interface ExpectedLog {
  /** Chains that do not begin with entry 0. */
  readonly starts: ReadonlyMap<string, ChainCut>;
  readonly ends: readonly StatedEnd[];
  readonly checkpoints: StatedPositions;
  /** Whether it ends before the log does: what is stated of later entries is not compared. */
  readonly isPart: boolean;
}

/** What a verification has read and found. */
export interface LogVerification {
  readonly chains: number;
  readonly entries: number;
  readonly blocks: number;
  /** What is wrong, a line each. */
  readonly problems: readonly string[];
  /** Problems beyond those that are listed. */
  readonly unlisted: number;
  /** Beginnings of chains of signing keys, in the order of their entries. */
  readonly keyBeginnings: readonly KeyBeginning[];
  /** What entries say about the ends of chains. */
  readonly ended: readonly StatedEnd[];
}

/** How far a chain was read. */
interface ChainState {
  readonly start: number;
  count: number;
  /** Undefined after something that is missing or does not open: what follows cannot be computed. */
  head: Uint8Array | undefined;
  /** Whether a difference was reported, so that later ones tell nothing new. */
  hasDiffered: boolean;
  readonly positions: StatedChain;
}

/**
 * Verifies the audit log block by block, in the order in which blocks were inserted. It needs no key: that
 * blocks open, and that checkpoints are signed, was found out before. It holds one position for each chain,
 * and those that are stated by checkpoints.
 */
export class LogVerifier {
  readonly #expected: ExpectedLog;
  readonly #problems = new ProblemList();
  readonly #states = new Map<string, ChainState>();
  readonly #ended: StatedEnd[] = [];
  readonly #keyBeginnings: KeyBeginning[] = [];
  #entries = 0;
  #blocks = 0;

  constructor(expected: ExpectedLog) {
    this.#expected = expected;
  }

  /** Reads the next block. */
  add(block: FoundBlock): void {
    this.#blocks += 1;
    const { chain, first, count, entries, place } = block;
    if (entries === undefined) {
      this.#problems.add(
        `${place}: the block of chain ${chain} from entry ${first} was altered outside kmipd`,
      );
      const state = this.#states.get(chain);
      if (state?.count === first && count > 0) this.#skip(state, first + count);
      return;
    }
    const state = this.#stateAt(block);
    if (first < state.count) return void this.#problems.add(describeRepetition(block, state));
    if (first > state.count) {
      this.#problems.add(`chain ${chain}: ${range(state.count, first)} missing in front of ${place}`);
      this.#skip(state, first);
    }
    this.#entries += entries.length;
    for (const entry of entries) this.#notice(entry);
    if (state.head === undefined) return this.#skip(state, first + entries.length);
    const next = addBlock({ count: first, head: state.head }, entries);
    [state.count, state.head] = [next.count, next.head];
    this.#comparePositions(chain, state);
  }

  /** How far a chain was read, without a head after something missing; undefined before its first block. */
  positionOf(chain: string): { readonly count: number; readonly head: Uint8Array | undefined } | undefined {
    return this.#states.get(chain);
  }

  /** Compares the ends of all chains; to be called once, after the last block. */
  finish(): LogVerification {
    const isReached = ({ chain, count }: StatedEnd) => count <= (this.#states.get(chain)?.count ?? 0);
    const ended = this.#expected.isPart ? this.#ended.filter(isReached) : this.#ended;
    const ends = Map.groupBy([...this.#expected.ends, ...ended], ({ chain }) => chain);
    const named = [...this.#states.keys(), ...ends.keys(), ...this.#expected.checkpoints.chains];
    for (const chain of new Set(named)) this.#finishChain(chain, ends.get(chain) ?? []);
    return {
      ...{ chains: this.#states.size, entries: this.#entries, blocks: this.#blocks },
      ...{ problems: this.#problems.listed, unlisted: this.#problems.unlisted },
      ...{ keyBeginnings: this.#keyBeginnings, ended: this.#ended },
    };
  }

  /** Returns the state of a chain in front of a block of it; of a new chain, where it begins. */
  #stateAt({ chain, first, place }: FoundBlock): ChainState {
    const known = this.#states.get(chain);
    if (known !== undefined) return known;
    const state = this.#begin(chain);
    this.#states.set(chain, state);
    if (first < state.start) {
      this.#problems.add(
        `chain ${chain}: ${place} has entry ${first}; the cut has kept none before ${state.start}`,
      );
    } else if (first > state.start && state.start === 0) {
      this.#problems.add(`chain ${chain} begins with entry ${first} (${place}), which no cut explains`);
      this.#skip(state, first);
    }
    return state;
  }

  #begin(chain: string): ChainState {
    const cut = this.#expected.starts.get(chain);
    const positions = this.#expected.checkpoints.of(chain);
    const start = cut?.first ?? 0;
    const state = { start, count: start, head: cut?.head ?? chainStart.head, hasDiffered: false, positions };
    positions.begin(start);
    this.#comparePositions(chain, state);
    return state;
  }

  /** Goes on at a count without a head, and takes up one that a checkpoint states. */
  #skip(state: ChainState, count: number): void {
    [state.count, state.head] = [count, undefined];
    for (
      let next = state.positions.next;
      next !== undefined && next.count <= count;
      next = state.positions.next
    ) {
      if (next.count === count) state.head = Uint8Array.fromHex(next.head);
      state.positions.pass('differs');
    }
  }

  /** Compares what checkpoints state up to the position of a chain. */
  #comparePositions(chain: string, state: ChainState): void {
    const { positions } = state;
    for (let next = positions.next; next !== undefined && next.count <= state.count; next = positions.next) {
      const isSame = next.count === state.count && next.head === state.head?.toHex();
      positions.pass(isSame ? 'agrees' : 'differs');
      if (isSame || state.hasDiffered) continue;
      state.hasDiffered = true;
      this.#problems.add(
        next.count === state.count
          ? `chain ${chain}: the first ${next.count} entries are not those of the checkpoint of ${next.time}`
          : `chain ${chain}: no block ends after ${next.count} entries, where the checkpoint of ${next.time} was made`,
      );
    }
  }

  /** Takes what entries about the log itself say. */
  #notice(entry: ChainEntry): void {
    const notice = readNotice(entry.text);
    if (notice?.kind === 'ended') this.#ended.push(notice.end);
    else if (notice?.kind === 'key') this.#keyBeginnings.push(notice.beginning);
  }

  #finishChain(chain: string, stated: readonly StatedEnd[]): void {
    const seen = this.#states.get(chain);
    const state = seen ?? this.#begin(chain);
    const { isPart } = this.#expected;
    if (stated.length === 0 && seen !== undefined && !isPart)
      this.#problems.add(`chain ${chain} is of no lane, and no entry says that it has ended`);
    // Two that state the same tell nothing new.
    const ends = new Map(stated.map((end) => [`${end.count} ${end.head}`, end]));
    for (const end of ends.values()) this.#compareEnd(end, state, seen !== undefined);
    const beyond = state.positions.last;
    if (beyond === undefined || isPart) return;
    const found = seen === undefined && state.start === 0 ? 'it is not there' : `it has ${state.count}`;
    this.#problems.add(
      `chain ${chain} had ${beyond.count} entries at the checkpoint of ${beyond.time}; ${found}: its end is missing, or the database was put back`,
    );
  }

  #compareEnd({ chain, count, head, by }: StatedEnd, { head: found, ...state }: ChainState, isSeen: boolean) {
    if (count > state.count) {
      const what = isSeen ? `${range(state.count, count)} missing at its end` : 'it is not there';
      this.#problems.add(`chain ${chain}: ${what}; ${by} states ${count} entries`);
    } else if (count < state.count) {
      this.#problems.add(
        `chain ${chain} goes on after its end: ${by} states ${count} entries, it has ${state.count}`,
      );
    } else if (found !== undefined && found.toHex() !== head) {
      this.#problems.add(`chain ${chain}: its ${count} entries are not those that ${by} states`);
    }
  }
}

function describeRepetition({ chain, first, count, place }: FoundBlock, state: ChainState): string {
  const what = count === 1 ? `entry ${first} stands` : `entries ${first} to ${first + count - 1} stand`;
  return `chain ${chain}: ${what} in ${place} after entry ${state.count - 1}: again, or in another order`;
}

/** Names the entries from one number up to another, which is not among them. */
function range(first: number, end: number): string {
  return end - first === 1 ? `entry ${first} is` : `entries ${first} to ${end - 1} are`;
}
