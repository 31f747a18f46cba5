import type { ManagedAudit } from '../../management/managed-audit.ts';
import { openBlock } from '../../store/audit/audit-blocks.ts';
import type { Database } from '../../store/open.ts';
import type { Vault } from '../../vault/vault.ts';

/** Returns the audit log of a database as methods read it. */
export function createManagedAudit(
  { auditBlocks: blocks, resealBlock }: Pick<Database, 'auditBlocks' | 'resealBlock'>,
  vault: Vault,
): ManagedAudit {
  return {
    async read(row, isBackward) {
      const rows = await (isBackward ? blocks.before(row) : blocks.after(row));
      return rows.map((block) => {
        const { seq, time, chain, first } = block;
        return { row: seq, time, chain, first, entries: openBlock(block, vault) };
      });
    },
    reseal: (row) => resealBlock(row, vault),
  };
}
