import type { SinkGap } from './audit-log-reader.ts';

/** Is notified of changes of the state of a sink, once each; `sink` is its name. */
export interface SinkObserver {
  /** An attempt to deliver has failed; others follow. `reason` is one line. */
  sinkFailed(event: { readonly sink: string; readonly reason: string }): void;
  /** Entries wait for longer, or more of them, than the settings allow. */
  sinkOverdue(event: OverdueSink): void;
  /** A sink that had failed, and was not overdue, delivers again. */
  sinkWorks(event: { readonly sink: string }): void;
  /** A sink that was overdue has delivered what waited. */
  sinkRecovered(event: RecoveredSink): void;
  /** The log was cut before entries were delivered, or more waited than the settings allow. */
  sinkGap(event: SinkGap & { readonly sink: string }): void;
  /** A checkpoint was dropped because too many wait; once until the sink delivers again. */
  checkpointsDropped(event: { readonly sink: string }): void;
  /** The position of a sink is beyond the end of a chain; all that the log has of it is delivered again. */
  positionWrong(event: { readonly sink: string; readonly chain: string }): void;
}

export interface OverdueSink {
  readonly sink: string;
  /** Arrival of the oldest entry that waits. */
  readonly since: Date;
  readonly reason: string;
  /** Whether kmipd refuses service meanwhile. */
  readonly isServiceRefused: boolean;
}

export interface RecoveredSink {
  readonly sink: string;
  /** As in `OverdueSink`. */
  readonly since: Date;
  /** Entries that were delivered late. */
  readonly entries: number;
}
