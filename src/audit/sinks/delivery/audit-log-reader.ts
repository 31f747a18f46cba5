import type { ChainedEntry } from '../../audit.ts';

/** Reads back what the log holds; entries that a sink has missed are delivered from there. */
export interface AuditLogReader {
  /** Resolves to every chain of this node of which the log knows, also those of processes that have ended. */
  chains(): Promise<readonly ChainRange[]>;
  /**
   * Resolves to at most `limit` entries of a chain that the log still has, in their order, from that number
   * on. The first one has a higher number where the log was cut.
   */
  readFrom(chain: string, number: number, limit: number): Promise<readonly ChainedEntry[]>;
}

/** The durable entries of a chain. */
export interface ChainRange {
  readonly chain: string;
  /** Number of the first entry that the log still has; `next` where it has none. */
  readonly first: number;
  /** Number of the entry that comes next. */
  readonly next: number;
}

/** Entries of a chain that a sink did not get. */
export interface SinkGap {
  readonly chain: string;
  /** Numbers of the first and the last one. */
  readonly from: number;
  readonly to: number;
}
