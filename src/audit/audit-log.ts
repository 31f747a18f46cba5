import {
  type AppendedEntries,
  type AuditEntry,
  type AuditItem,
  type AuditOutlet,
  type AuditRecorder,
  AuditUnavailableError,
  type JournalPart,
  type LaneJournal,
  toChainEntry,
} from './audit.ts';
import { AuditJournal } from './journal.ts';

export interface AuditLogOptions {
  /** Directory of the journal. */
  readonly directory: string;
  /** Name of the node. */
  readonly node: string;
  readonly hasNames: boolean;
  /** Whether `append` waits for the disk. */
  readonly isStrict: boolean;
  /** What becomes of a request that cannot be recorded: it is refused, or answered all the same. */
  readonly onFailure: 'refuse' | 'alarm';
  /** Why a sink demands that nothing is done now; undefined when none does. */
  readonly sinkRefusal?: () => string | undefined;
  readonly outlet?: AuditOutlet;
  /** Is awaited by `close` when no entry waits any more, and the store is still open. */
  readonly closing?: () => Promise<void>;
  readonly observer: AuditLogObserver;
}

/** Is told what is wrong with the log. */
export interface AuditLogObserver {
  /** Entries cannot be recorded, from now on. */
  failed(reason: string): void;
  /** They can again; so many were not. */
  recovered(lost: number): void;
  /** Lines of a journal file were damaged. */
  damaged(event: { readonly file: string; readonly lines: number }): void;
}

/** How long entries wait in the journal, unless many do or something else is committed. */
const maxWaitMilliseconds = 1_000;
const manyEntries = 512;
/** After a commit that has failed. */
const retryMilliseconds = 5_000;

/** The audit log of the daemon: entries go through the journal, or with their changes, into one chain. */
export class AuditLog implements AuditRecorder, LaneJournal {
  readonly node: string;
  readonly hasNames: boolean;
  readonly #options: AuditLogOptions;
  readonly #journal: AuditJournal;
  #move: (() => Promise<unknown>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isMoving = false;
  /** Entries that could not be recorded since the log has failed; undefined while it works. */
  #lost: number | undefined;

  /** @throws the system's error, when the journal cannot be read */
  constructor(options: AuditLogOptions) {
    const { directory, node, hasNames, observer } = options;
    this.#options = options;
    this.node = node;
    this.hasNames = hasNames;
    this.#journal = new AuditJournal(directory, {
      damaged: (event) => {
        observer.damaged(event);
        this.record({ operation: 'JournalDamaged', result: 'Success', details: { lines: event.lines } });
      },
      notDurable: (error) => this.#fail(error),
    });
  }

  get refusal(): string | undefined {
    return this.#options.sinkRefusal?.();
  }

  /** Entries that are not in the store yet. */
  get pending(): number {
    return this.#journal.pending;
  }

  append(entry: AuditEntry): Promise<void> | undefined {
    try {
      this.#journal.append(toChainEntry(entry));
    } catch (error) {
      this.#fail(error as Error);
      if (this.#options.onFailure === 'alarm') return undefined;
      throw new AuditUnavailableError(`the audit log cannot be written: ${(error as Error).message}`);
    }
    if (this.#lost !== undefined) this.#recover(this.#lost);
    this.#moveLater(this.#journal.pending >= manyEntries ? 0 : maxWaitMilliseconds);
    return this.#options.isStrict ? this.#journal.synchronise() : undefined;
  }

  /** Begins to move entries into the store; `move` commits the lane of the process. */
  start(move: () => Promise<unknown>): void {
    this.#move = move;
    if (this.#journal.pending > 0) this.#moveLater(0);
  }

  resume(last: number): void {
    this.#journal.resume(last);
    if (this.#journal.pending > 0) this.#moveLater(0);
  }

  peek(): JournalPart | undefined {
    return this.#journal.peek();
  }

  appended({ chain, first, entries, journal }: AppendedEntries): void {
    this.#journal.move(journal);
    this.#options.outlet?.accept(entries.map(({ text }, at) => ({ chain, number: first + at, text })));
  }

  /** Moves what is left, as far as the store takes it, and closes the journal. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const move = this.#move;
    this.#move = undefined;
    for (let left = this.#journal.pending; move !== undefined && left > 0; ) {
      if (!(await isResolved(move()))) break;
      const { pending } = this.#journal;
      if (pending >= left) break;
      left = pending;
    }
    await this.#options.closing?.();
    await this.#journal.close();
  }

  #moveLater(milliseconds: number): void {
    if (this.#move === undefined || this.#isMoving) return;
    if (this.#timer !== undefined && milliseconds > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#moveNow(), milliseconds).unref();
  }

  async #moveNow(): Promise<void> {
    this.#timer = undefined;
    const move = this.#move;
    if (move === undefined || this.#journal.pending === 0) return;
    this.#isMoving = true;
    const isMoved = await isResolved(move());
    this.#isMoving = false;
    const { pending } = this.#journal;
    if (!isMoved) this.#moveLater(retryMilliseconds);
    else if (pending > 0) this.#moveLater(pending >= manyEntries ? 0 : maxWaitMilliseconds);
  }

  #fail(error: Error): void {
    if (this.#lost === undefined) this.#options.observer.failed(error.message);
    this.#lost = (this.#lost ?? 0) + (this.#options.onFailure === 'alarm' ? 1 : 0);
  }

  #recover(lost: number): void {
    this.#lost = undefined;
    this.#options.observer.recovered(lost);
    this.record({ operation: 'EntriesLost', result: 'Success', count: lost });
  }

  /** Records what happened to the log itself; where that fails, the observer is told. */
  record(item: AuditItem): void {
    if (item.count === 0) return;
    try {
      this.#journal.append(toChainEntry({ time: Date.now(), kind: 'audit', node: this.node, items: [item] }));
    } catch (error) {
      this.#fail(error as Error);
    }
  }
}

async function isResolved(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}
