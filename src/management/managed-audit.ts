import type { ChainedEntry } from '../audit/audit.ts';
import type { EntryFilter } from '../audit/entry-filter.ts';
import type { ChainRange } from '../audit/sinks/delivery/audit-log-reader.ts';
import type { ChainEntry } from '../common/audit-chain.ts';

/** A block of the audit log. */
export interface ReadBlock {
  /** Number of its row. */
  readonly row: number;
  /** When it was written: milliseconds since 1970. */
  readonly time: number;
  readonly chain: string;
  /** Number of its first entry in the chain. */
  readonly first: number;
  /** Returns its entries; undefined when it does not open. */
  open(): readonly ChainEntry[] | undefined;
}

/** The blocks of the log in the order of their rows. */
export interface ManagedAudit {
  /** Some blocks behind a row, or before it, the newest first; none: there are no more. */
  read(row: number, isBackward: boolean): Promise<readonly ReadBlock[]>;
  /** The chains of this node that its lanes state: which of their entries the log still has. */
  chains(): Promise<readonly ChainRange[]>;
  /** The row before the newest block of a chain that begins with that entry or an earlier one; 0 for none. */
  rowBefore(chain: string, entry: number): Promise<number>;
  /** As `RewrappedDatabase.audit`. */
  reseal(row: number): Promise<boolean>;
}

/** Some entries of the log. */
export interface AuditPage {
  readonly entries: readonly ChainedEntry[];
  /** Blocks that do not open, and entries in others that no kmipd has written. */
  readonly unreadable: number;
  /** The row that was read first; where there was none, the one from which the page was asked for. */
  readonly start: number;
  /** The row where the next page begins. */
  readonly next: number;
  /** Whether there is nothing more. */
  readonly isLast: boolean;
}

/** The methods about the log. */
export interface AuditApi {
  /** Some entries with what is looked for: from a row on, or backward from it, the newest first. */
  'audit.list': {
    readonly params: { readonly from: number; readonly isBackward: boolean; readonly filter: EntryFilter };
    readonly result: AuditPage;
  };
}
