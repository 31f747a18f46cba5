import type { ChainEntry } from '../../common/audit-chain.ts';
import { SealBrokenError, type SealedKey, type Vault } from '../../vault/vault.ts';
import { cellBytes, cellText, exactInteger, isCount } from '../cells.ts';
import { hasOwnNumber, isNumberAfter, isNumberBefore } from '../row-numbers.ts';
import type { Read, SqlRow } from '../sql-driver.ts';
import { type BlockPlace, decodeBlock } from './audit-block.ts';

/** A row with a block of the audit log. */
export interface BlockRow extends BlockPlace {
  /** Number of the row, in the order of insertion. */
  readonly seq: number;
  readonly box: SealedKey;
}

/** Size of the log in the database. */
export interface LogSize {
  readonly blocks: number;
  /** Of the boxes. */
  readonly bytes: number;
}

/** Reads blocks in the order in which they were inserted. */
export interface AuditBlocks {
  /** Some blocks with a number above `after`, in their order. */
  after(after: number): Promise<readonly BlockRow[]>;
  /** Some blocks with a number below `before`, the newest first. */
  before(before: number): Promise<readonly BlockRow[]>;
  /** The newest block of a chain whose first entry is at most that one; undefined for none. */
  find(chain: string, entry: number): Promise<BlockRow | undefined>;
  size(): Promise<LogSize>;
}

/** Rows of one read: a box has up to some hundred KiB. */
const pageRows = 16;

/** The columns of `toBlockRow`. */
export const blockFields = `seq, chain, ${exactInteger('first')} as first, ${exactInteger('count')} as count, ${exactInteger('time')} as time, box`;
const selectAfter = `select ${blockFields} from audit_block where ${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
const selectBefore = `select ${blockFields} from audit_block where ${isNumberBefore('seq', '$1')} order by seq desc limit ${pageRows}`;
const selectChain = `select ${blockFields} from audit_block where chain = $1 and first <= $2 and ${hasOwnNumber('seq')} order by seq desc limit 1`;
const selectSize = 'select count(*) as blocks, coalesce(sum(length(box)), 0) as bytes from audit_block';

/** Creates the reader over statements that only read. */
export function createAuditBlocks(read: Read): AuditBlocks {
  return {
    after: async (after) => (await read(selectAfter, [after])).map(toBlockRow),
    before: async (before) => (await read(selectBefore, [before])).map(toBlockRow),
    async find(chain, entry) {
      const [row] = await read(selectChain, [chain, entry]);
      return row && toBlockRow(row);
    },
    async size() {
      const [row] = await read(selectSize, []);
      return { blocks: Number(row?.blocks), bytes: Number(row?.bytes) };
    },
  };
}

/** Types a row; cells of another type, which somebody else has written, become values of no box. */
export function toBlockRow({ seq, chain, first, count, time, box }: SqlRow): BlockRow {
  const number = (cell: unknown) => (isCount(cell) ? cell : -1);
  return {
    ...{ seq: seq as number, chain: cellText(chain) },
    ...{ first: number(first), count: number(count), time: number(time) },
    box: cellBytes(box) as SealedKey,
  };
}

/**
 * Opens a block; undefined when it is not as it was written.
 * @throws {VaultUnavailableError} when the vault is sealed, or the epoch is not known yet
 */
export function openBlock(block: BlockRow, vault: Vault): readonly ChainEntry[] | undefined {
  try {
    const entries = decodeBlock(openBlockBox(block, vault));
    return entries?.length === block.count ? entries : undefined;
  } catch (error) {
    if (error instanceof SealBrokenError) return undefined;
    throw error;
  }
}

/**
 * Returns the content of the box of a block.
 * @throws {SealBrokenError} when it is not as it was written
 */
export function openBlockBox({ chain, first, count, time, box }: BlockRow, vault: Vault): Uint8Array {
  return vault.open({ kind: 'audit', chain, first, count, time }, box);
}
