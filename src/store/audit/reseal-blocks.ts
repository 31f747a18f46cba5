import type { Vault } from '../../vault/vault.ts';
import type { Read, SqlDriver, SqlStep } from '../sql-driver.ts';
import { blockFields, openBlockBox, toBlockRow } from './audit-blocks.ts';

const selectBlock = `select ${blockFields} from audit_block where seq = $1`;
const resealBlock = 'update audit_block set box = $2 where seq = $1 and box = $3';

/**
 * Seals a block under the epoch in use, unchanged; false when it was removed meanwhile.
 * @throws {SealBrokenError} when it is not as it was written
 */
export async function resealOne(
  driver: { readonly read: Read; readonly commit: SqlDriver['commit'] },
  row: number,
  vault: Vault,
): Promise<boolean> {
  const [found] = await driver.read(selectBlock, [row]);
  if (found === undefined) return false;
  const block = toBlockRow(found);
  const { chain, first, count, time, box } = block;
  const sealed = vault.seal({ kind: 'audit', chain, first, count, time }, openBlockBox(block, vault));
  const step: SqlStep = { sql: resealBlock, parameters: [row, sealed, box], rows: 1 };
  return (await driver.commit({ objects: [], changes: [], steps: [step] })) === 'committed';
}
