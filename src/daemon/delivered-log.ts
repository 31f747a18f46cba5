import type { AuditItem, ChainedEntry } from '../audit/audit.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditLogReader } from '../audit/sinks/delivery/audit-log-reader.ts';
import type { ManagedAudit, ReadBlock } from '../management/managed-audit.ts';

/** The log whose entries are delivered. */
export interface DeliveredLog extends AuditLogReader {
  /** Records what happened to a sink as an entry of kind `audit`. Must neither wait nor throw. */
  record(item: AuditItem): void;
}

/** Where a chain was read last: the next read mostly goes on there. */
interface ReadPosition {
  /** Number of the entry that follows. */
  readonly next: number;
  /** Row of the last block of which all entries were read. */
  readonly row: number;
}

/** Chains that are read back at the same time. */
const maxPositions = 64;

/** Returns the log of a daemon as its sinks read it back; without a log, there is nothing to deliver. */
export function createDeliveredLog(audit: AuditLog | undefined, managed: ManagedAudit): DeliveredLog {
  const positions = new Map<string, ReadPosition>();
  return {
    chains: async () => (audit === undefined ? [] : managed.chains()),
    async readFrom(chain, number, limit) {
      const known = positions.get(chain);
      // A block has the entry itself where nothing was read before it.
      let row = known?.next === number ? known.row : await managed.rowBefore(chain, number);
      const found: ChainedEntry[] = [];
      while (found.length < limit) {
        const blocks = await managed.read(row, false);
        if (blocks.length === 0) break;
        for (const block of blocks) {
          const entries = block.chain === chain ? entriesFrom(block, number) : [];
          found.push(...entries.slice(0, limit - found.length));
          // The rest of a block is read again.
          if (found.length === limit && found.at(-1) !== entries.at(-1)) break;
          row = block.row;
          if (found.length === limit) break;
        }
      }
      const last = found.at(-1);
      if (positions.size >= maxPositions) positions.clear();
      if (last !== undefined) positions.set(chain, { next: last.number + 1, row });
      return found;
    },
    record(item) {
      audit?.report({ time: Date.now(), kind: 'audit', node: audit.node, items: [item] });
    },
  };
}

/** Returns the entries of a block from a number on; none of one that does not open. */
function entriesFrom({ chain, first, ...block }: ReadBlock, from: number): readonly ChainedEntry[] {
  const entries = (block.open() ?? []).map(({ text }, at) => ({ chain, number: first + at, text }));
  return entries.filter(({ number }) => number >= from);
}
