import type { AuditItem, ChainedEntry } from '../audit/audit.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditLogReader } from '../audit/sinks/delivery/audit-log-reader.ts';
import type { ManagedAudit } from '../management/managed-audit.ts';

/** The log whose entries are delivered. */
export interface DeliveredLog extends AuditLogReader {
  /** Records what happened to a sink as an entry of kind `audit`. Must neither wait nor throw. */
  record(item: AuditItem): void;
}

/** Where a chain was read last: the next read mostly goes on there. */
interface ReadPosition {
  /** Number of the entry that follows. */
  readonly next: number;
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
          row = block.row;
          if (block.chain !== chain || found.length >= limit) continue;
          const entries = (block.entries ?? []).map(({ text }, at) => ({
            chain,
            number: block.first + at,
            text,
          }));
          found.push(...entries.filter((entry) => entry.number >= number));
          const last = found.at(-1);
          if (last !== undefined) positions.set(chain, { next: last.number + 1, row });
          if (found.length >= limit) break;
        }
      }
      if (positions.size > maxPositions) positions.clear();
      const part = found.slice(0, limit);
      // The rest of the block is read again.
      if (part.length < found.length) positions.delete(chain);
      return part;
    },
    record(item) {
      audit?.report({ time: Date.now(), kind: 'audit', node: audit.node, items: [item] });
    },
  };
}
