import { type ChainEntry, createSalt } from '../common/audit-chain.ts';
import { beforeFlush } from '../common/flush-barrier.ts';
import {
  type AppendedEntries,
  type AuditEntry,
  type AuditItem,
  type AuditOutlet,
  type AuditRecorder,
  AuditUnavailableError,
  type JournalPart,
  type LaneJournal,
} from './audit.ts';
import { toChainEntries } from './entry-text.ts';
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
  /** Is told how many entries have become durable. */
  readonly appended?: (entries: number) => void;
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
  #outlet: AuditOutlet | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isMoving = false;
  /** Whether the part that was moved last was not all that waited. */
  #hasMore = false;
  /** Entries of this turn of the event loop. */
  #unwritten: ChainEntry[] = [];
  #turn = Promise.resolve();
  /** Why the last entries were not written; undefined while the log works. */
  #failure: Error | undefined;
  /** Entries that were not written since then. */
  #unrecorded = 0;
  /** Entries that were not written and of which no entry in the store tells. */
  #lost = 0;
  /** Tells of some of them in the part that was returned last. */
  #notice: { readonly entry: ChainEntry; readonly lost: number } | undefined;

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
      notDurable: (error) => this.#fail(error, 0),
    });
  }

  get refusal(): string | undefined {
    return this.#outlet?.refusal();
  }

  /** Entries that are not in the store yet. */
  get pending(): number {
    return this.#journal.pending + (this.#lost > 0 ? 1 : 0);
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.#add(entry);
    const failure = this.#failure;
    const { onFailure, directory } = this.#options;
    if (failure !== undefined && onFailure === 'refuse')
      throw new AuditUnavailableError(`the audit log cannot be written to ${directory}: ${failure.message}`);
    if (this.#options.isStrict) await this.#journal.synchronise();
  }

  /** Resolves when everything that was reported so far has been written to the journal, or could not be. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  report(entry: AuditEntry): void {
    void this.#add(entry);
  }

  /** Resolves when the entries of this turn have been written, or could not be. */
  #add(entry: AuditEntry): Promise<void> {
    if (this.#unwritten.length === 0) this.#turn = beforeFlush(() => this.#write());
    this.#unwritten.push(...toChainEntries(entry));
    return this.#turn;
  }

  /** Writes the entries of this turn. */
  #write(): void {
    const entries = this.#unwritten;
    if (entries.length === 0) return;
    this.#unwritten = [];
    try {
      this.#journal.append(entries);
    } catch (error) {
      this.#fail(error as Error, entries.length);
      this.#moveLater(maxWaitMilliseconds);
      return;
    }
    if (this.#failure !== undefined) this.#recover();
    this.#moveLater(this.#journal.pending >= manyEntries ? 0 : maxWaitMilliseconds);
  }

  /** Begins to move entries into the store; `move` commits the lane of the process. */
  start(move: () => Promise<unknown>): void {
    this.#move = move;
    if (this.pending > 0) this.#moveLater(0);
  }

  /** Hands a checkpoint on to the outlet. */
  passCheckpoint(text: string): void {
    this.#outlet?.acceptCheckpoint(text);
  }

  /** From now on an outlet gets what has become durable, and may demand that nothing is done. */
  deliverTo(outlet: AuditOutlet): void {
    this.#outlet = outlet;
  }

  /** A journal that cannot be numbered anew is moved with the numbers that it has. */
  resume(last: number): void {
    try {
      this.#journal.resume(last);
    } catch (error) {
      this.#fail(error as Error, 0);
    }
    if (this.pending > 0) this.#moveLater(0);
  }

  /** What waits in the journal, and behind it how many entries are missing, which no journal has to take. */
  peek(): JournalPart | undefined {
    const part = this.#peekJournal();
    if (this.#lost === 0) return part;
    const lost = this.#lost;
    const text = JSON.stringify(this.#entryOf({ operation: 'EntriesLost', result: 'Success', count: lost }));
    const entry = { salt: createSalt(), text };
    this.#notice = { entry, lost };
    return { entries: [...(part?.entries ?? []), entry], last: part?.last ?? this.#journal.moved };
  }

  /** Without an error: what changes rows must not wait for the journal. */
  #peekJournal(): JournalPart | undefined {
    try {
      return this.#journal.peek();
    } catch (error) {
      this.#fail(error as Error, 0);
      return undefined;
    }
  }

  appended(appended: AppendedEntries): void {
    const { entries, journal } = appended;
    this.#hasMore = this.#journal.hasMore;
    this.#journal.move(journal);
    if (this.#notice !== undefined && entries.at(-1) === this.#notice.entry) {
      this.#lost -= this.#notice.lost;
      this.#notice = undefined;
    }
    this.#options.appended?.(entries.length);
    this.#outlet?.accept(appended);
  }

  /** Moves what is left, as far as the store takes it, and closes the journal. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#write();
    const move = this.#move;
    this.#move = undefined;
    for (let left = this.pending; move !== undefined && left > 0; ) {
      if (!(await isResolved(move()))) break;
      const { pending } = this;
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
    if (move === undefined || this.pending === 0) return;
    this.#isMoving = true;
    const isMoved = await isResolved(move());
    this.#isMoving = false;
    if (!isMoved) this.#moveLater(retryMilliseconds);
    else if (this.pending > 0) {
      const isMuch = this.#hasMore || this.#journal.pending >= manyEntries;
      this.#moveLater(isMuch ? 0 : maxWaitMilliseconds);
    }
  }

  #fail(error: Error, lost: number): void {
    if (this.#failure === undefined) this.#options.observer.failed(error.message);
    this.#failure = error;
    this.#unrecorded += lost;
    this.#lost += lost;
  }

  #recover(): void {
    this.#failure = undefined;
    this.#options.observer.recovered(this.#unrecorded);
    this.#unrecorded = 0;
  }

  /** Records what happened to the log itself. */
  record(item: AuditItem): void {
    this.report(this.#entryOf(item));
  }

  #entryOf(item: AuditItem): AuditEntry {
    return { time: Date.now(), kind: 'audit', node: this.node, items: [item] };
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
