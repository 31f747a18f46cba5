import type { ManagedAudit } from '../../management/managed-audit.ts';
import { openBlock } from '../../store/audit/audit-blocks.ts';
import { chainCutKind, openCut } from '../../store/audit/chain-cuts.ts';
import { nodeOf } from '../../store/lanes/open-lane.ts';
import type { Database } from '../../store/open.ts';
import { recordKeys } from '../../store/record-boxes.ts';
import type { Vault } from '../../vault/vault.ts';

/** What is read of a database. */
type AuditDatabase = Pick<Database, 'auditBlocks' | 'resealBlock' | 'listLanes' | 'store'>;

/** Returns the audit log of a database as methods read it. `node`: name of this node, where it has one. */
export function createManagedAudit(
  { auditBlocks: blocks, resealBlock, listLanes, store }: AuditDatabase,
  vault: Vault,
  node: string | undefined,
): ManagedAudit {
  const firstOf = async (chain: string) => {
    let first = 0;
    for (const key of recordKeys(vault, chainCutKind, chain)) {
      const row = await store.record(chainCutKind, key);
      if (row !== undefined) first = openCut(row, vault)?.first ?? first;
    }
    return first;
  };
  return {
    async read(row, isBackward) {
      const rows = await (isBackward ? blocks.before(row) : blocks.after(row));
      return rows.map((block) => {
        const { seq, time, chain, first } = block;
        return { row: seq, time, chain, first, open: () => openBlock(block, vault) };
      });
    },
    async chains() {
      const lanes = (await listLanes(vault)).filter(({ name }) => nodeOf(name) === node);
      const chains = lanes.flatMap(({ content: { audit } }) => audit ?? []);
      return Promise.all(
        chains.map(async ({ id, count }) => ({ chain: id, first: await firstOf(id), next: count })),
      );
    },
    async rowBefore(chain, entry) {
      const block = await blocks.find(chain, entry);
      return block === undefined ? 0 : block.seq - 1;
    },
    reseal: (row) => resealBlock(row, vault),
  };
}
