import { toChainEntries } from '../../audit/entry-text.ts';
import { addBlock, type ChainPosition, chainStart } from '../../common/audit-chain.ts';
import type { Vault } from '../../vault/vault.ts';
import { joinSealed, type RecordWrite, recordKeys, sealRecordBox } from '../record-boxes.ts';
import type { SqlDriver, SqlStep, SqlUnit } from '../sql-driver.ts';
import { readRecord, recordUnit } from '../sql-records.ts';
import type { StoredRecord } from '../store.ts';
import { type AuditBlocks, type BlockRow, openBlock } from './audit-blocks.ts';
import { chainCutKind, openCut } from './chain-cuts.ts';

/**
 * Removal of the oldest blocks of the log. One transaction removes some blocks and says of each of their
 * chains where what is left begins: in a sealed record, and in an entry of the log.
 */

/** Name of the act. */
export const chainCut = 'ChainCut';

/** Records of chains belong to no group of clients. */
const group = '';
const deleteBlock = 'delete from audit_block where seq = $1 and box = $2';

/** What is removed: blocks that are both among the oldest and too old, or too many. */
export interface LogBounds {
  /** Blocks that were written before: milliseconds since 1970. */
  readonly before: number;
  /** Bytes of all boxes, beyond which the oldest blocks are removed. */
  readonly maxBytes: number;
}

/** `AUDIT_ALTERED`: blocks that are to be removed are not as they were written, so nothing is removed. */
export class AuditAlteredError extends Error {
  override readonly name = 'AuditAlteredError';
  readonly code = 'AUDIT_ALTERED';
}

/** The log and what writes it. */
export interface CutLog {
  readonly driver: Pick<SqlDriver, 'read' | 'commit'>;
  readonly blocks: AuditBlocks;
  readonly vault: Vault;
  /** Name of the node. */
  readonly node: string;
}

/**
 * Removes some blocks; resolves to how many, 0 when nothing is left to be removed.
 * @throws {AuditAlteredError} when one of them is not as it was written
 * @throws {StoreUnavailableError} when the database does not answer
 */
export async function cutOldest(log: CutLog, { before, maxBytes }: LogBounds): Promise<number> {
  const { blocks } = log;
  let excess = Number.isFinite(maxBytes) ? (await blocks.size()).bytes - maxBytes : 0;
  const removed: BlockRow[] = [];
  for (const block of await blocks.after(0)) {
    if (block.time >= before && excess <= 0) break;
    removed.push(block);
    excess -= block.box.length;
  }
  if (removed.length === 0) return 0;
  const cuts: Cut[] = [];
  for (const [chain, ofChain] of Map.groupBy(removed, (block) => block.chain))
    cuts.push(await cutOf(chain, ofChain, log));
  const result = await log.driver.commit(unitOf(removed, cuts, log));
  // Another node has removed them.
  return result === 'committed' ? removed.length : 0;
}

interface Cut {
  readonly chain: string;
  readonly start: ChainPosition;
  readonly record: RecordWrite;
}

async function cutOf(chain: string, removed: readonly BlockRow[], { driver, vault }: CutLog): Promise<Cut> {
  const row = await findCut(chain, { driver, vault });
  let start = row === undefined ? chainStart : readCut(row, vault);
  for (const block of removed) {
    const entries = openBlock(block, vault);
    if (entries === undefined || block.first !== start.count)
      throw new AuditAlteredError(
        `the audit log is not shortened: block ${block.first} of chain ${chain} is not as it was written; see kmipd audit verify`,
      );
    start = addBlock(start, entries);
  }
  const content = new TextEncoder().encode(JSON.stringify({ first: start.count, head: start.head.toHex() }));
  const kind = { kind: chainCutKind, group, expires: null };
  return { chain, start, record: sealRecordBox(vault, kind, { id: chain, content }, row) };
}

async function findCut(
  chain: string,
  { driver, vault }: Pick<CutLog, 'driver' | 'vault'>,
): Promise<StoredRecord | undefined> {
  let found: StoredRecord | undefined;
  for (const key of recordKeys(vault, chainCutKind, chain))
    found = (await readRecord(driver, chainCutKind, key)) ?? found;
  return found;
}

/** Returns where what is left of a chain begins. @throws {AuditAlteredError} when the record is forged */
function readCut(row: StoredRecord, vault: Vault): ChainPosition {
  const cut = openCut(row, vault);
  if (cut === undefined)
    throw new AuditAlteredError(
      'the audit log is not shortened: a record of where a chain begins was altered; see kmipd audit verify',
    );
  return { count: cut.first, head: cut.head };
}

function unitOf(removed: readonly BlockRow[], cuts: readonly Cut[], { node }: CutLog): SqlUnit {
  const recorded = recordUnit({ expects: [], ...joinSealed(cuts.map(({ record }) => record)) });
  const deletions = removed.map(
    ({ seq, box }): SqlStep => ({ sql: deleteBlock, parameters: [seq, box], rows: 1 }),
  );
  const items = cuts.map(({ chain, start }) => ({
    operation: chainCut,
    result: 'Success',
    details: { chain, first: start.count, head: start.head.toHex() },
  }));
  return {
    objects: [],
    records: recorded.records,
    reserves: recorded.reserves ?? [],
    changes: recorded.changes,
    audit: toChainEntries({ time: Date.now(), kind: 'audit', node, items }),
    steps: [...deletions, ...recorded.steps],
  };
}
