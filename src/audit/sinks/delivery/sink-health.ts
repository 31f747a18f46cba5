import type { AuditSinkSettings } from '../../../common/audit-sink-settings.ts';
import { Arrivals } from './arrivals.ts';
import type { ChainPositions } from './chain-positions.ts';
import type { SinkObserver } from './sink-observer.ts';

type Settings = Pick<AuditSinkSettings, 'name' | 'onFailure' | 'deadlineSeconds' | 'maxBacklog'>;

/** A time in which entries waited for too long. */
interface Overdue {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Entries that had been delivered before it. */
  readonly confirmedBefore: number;
  /** It ends when so many entries are delivered or given up. */
  goal: number;
  /** Whether a failure was reported. */
  hasFailed: boolean;
}

/** Decides whether a sink works, fails, or has entries that wait for too long. */
export class SinkHealth {
  readonly #settings: Settings;
  readonly #positions: ChainPositions;
  readonly #observer: SinkObserver;
  readonly #changed: () => void;
  readonly #arrivals: Arrivals;
  #timer: NodeJS.Timeout | undefined;
  /** Why the last attempt has failed; undefined after one that has not. */
  #failure: string | undefined;
  #overdue: Overdue | undefined;
  #refusal: string | undefined;
  /** Entries that waited before the process began are late at once, but an attempt comes first. */
  #hasTried = false;
  readonly #startedAt = performance.now();

  /** `changed` is called when `refusal` may have changed. */
  constructor(settings: Settings, positions: ChainPositions, observer: SinkObserver, changed: () => void) {
    this.#settings = settings;
    this.#positions = positions;
    this.#observer = observer;
    this.#changed = changed;
    this.#arrivals = new Arrivals(settings.deadlineSeconds * 1_000, () => performance.now());
  }

  /** Why kmipd must refuse service, one line; undefined when the sink is no reason. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Whether the last attempt has not failed and nothing waits for too long. */
  get isUp(): boolean {
    return this.#failure === undefined && this.#overdue === undefined;
  }

  /** When the oldest entry that waits has arrived, in milliseconds since 1970; undefined when none waits. */
  get since(): number | undefined {
    const { oldest } = this.#arrivals;
    return oldest === undefined ? undefined : Math.round(Date.now() - (performance.now() - oldest));
  }

  /** Takes note of entries that wait; `before` had arrived before them, at a time since 1970 or now. */
  arrived(before: number, since = Date.now()): void {
    const age = Math.max(0, Date.now() - since);
    this.#arrivals.arrive(before, performance.now() - age);
    if (this.#timer === undefined || this.#positions.backlog > this.#settings.maxBacklog) this.#check();
  }

  /** Takes note of an attempt that has failed. */
  failed(reason: string): void {
    const isNew = this.#failure === undefined;
    this.#hasTried = true;
    this.#failure = reason;
    // While it is behind, a sink may fail again and again.
    if (isNew && !this.#overdue?.hasFailed) this.#observer.sinkFailed({ sink: this.#settings.name, reason });
    if (this.#overdue !== undefined)
      Object.assign(this.#overdue, { goal: this.#positions.arrived, hasFailed: true });
    this.#check();
    this.#updateRefusal();
  }

  /** Takes note that entries were delivered or given up; `wasSent`: something was. */
  delivered(wasSent: boolean): void {
    this.#arrivals.leave(this.#done, this.#positions.arrived);
    if (wasSent) {
      this.#hasTried = true;
      if (this.#failure !== undefined && this.#overdue === undefined)
        this.#observer.sinkWorks({ sink: this.#settings.name });
      this.#failure = undefined;
    }
    this.#check();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Entries that were delivered or given up. */
  get #done(): number {
    return this.#positions.arrived - this.#positions.backlog;
  }

  /** What the observer does with an event may bring further entries, so the timer is set last. */
  #check(): void {
    const isExceeded = this.#isLate && this.#awaited <= performance.now();
    if (isExceeded && this.#overdue === undefined) this.#begin();
    // With nothing left to deliver no attempt would be made that could show that the sink works.
    const isWorking = this.#failure === undefined || this.#arrivals.oldest === undefined;
    if (!isExceeded && isWorking && this.#done >= (this.#overdue?.goal ?? 0)) this.#end();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#overdue !== undefined || this.#arrivals.oldest === undefined) return;
    // A timer may fire a millisecond early.
    const milliseconds = Math.max(this.#deadline, this.#awaited) - performance.now() + 2;
    this.#timer = setTimeout(() => this.#check(), Math.max(milliseconds, 2)).unref();
  }

  get #isLate(): boolean {
    return this.#deadline <= performance.now() || this.#positions.backlog > this.#settings.maxBacklog;
  }

  /** When the oldest waiting entry is late. */
  get #deadline(): number {
    return (this.#arrivals.oldest ?? Number.POSITIVE_INFINITY) + this.#settings.deadlineSeconds * 1_000;
  }

  /** Nothing is late before. */
  get #awaited(): number {
    return this.#hasTried ? 0 : this.#startedAt + this.#settings.deadlineSeconds * 1_000;
  }

  #begin(): void {
    const { name, onFailure } = this.#settings;
    const since = this.since ?? Date.now();
    const hasFailed = this.#failure !== undefined;
    this.#overdue = {
      since,
      confirmedBefore: this.#positions.confirmed,
      goal: this.#positions.arrived,
      hasFailed,
    };
    this.#observer.sinkOverdue({
      ...{ sink: name, since: new Date(since), reason: this.#reason },
      isServiceRefused: onFailure === 'refuse',
    });
    this.#updateRefusal();
  }

  #end(): void {
    if (this.#overdue === undefined) return;
    const { since, confirmedBefore } = this.#overdue;
    this.#overdue = undefined;
    const entries = this.#positions.confirmed - confirmedBefore;
    this.#observer.sinkRecovered({ sink: this.#settings.name, since: new Date(since), entries });
    this.#updateRefusal();
  }

  get #reason(): string {
    return this.#failure ?? `it is slow, ${this.#positions.backlog} entries wait`;
  }

  #updateRefusal(): void {
    const { name, onFailure } = this.#settings;
    const since = this.#overdue?.since;
    this.#refusal =
      since === undefined || onFailure !== 'refuse'
        ? undefined
        : `the audit sink "${name}" has not taken entries since ${new Date(since).toISOString()}: ${this.#reason}`;
    this.#changed();
  }
}
