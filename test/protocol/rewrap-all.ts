import { verifyRows } from '../../src/cli/verification/verify-rows.ts';
import { type RewrappedPage, rewrapPage } from '../../src/protocol/rewrap.ts';
import { numberedTables } from '../../src/store/store.ts';
import type { TestService } from './service.ts';

/** Seals all rows of older epochs anew, page by page; a dry run counts them. */
export async function rewrapAll(
  { store, vault, database, now }: TestService,
  epoch: number,
  dryRun = false,
): Promise<Pick<RewrappedPage, 'older' | 'rewrapped' | 'broken'>> {
  let [older, rewrapped] = [0, 0];
  const broken: string[] = [];
  const audit = { reseal: (row: number) => database.resealBlock(row, vault) };
  const rows = { store, vault, sealedRows: database.sealedRows, audit };
  const options = { epoch, now: Math.floor(now / 1000), dryRun };
  for (const table of numberedTables)
    for (let after: number | null = 0; after !== null; ) {
      const done: RewrappedPage = await rewrapPage(rows, table, after, options);
      older += done.older;
      rewrapped += done.rewrapped;
      broken.push(...done.broken);
      after = done.next;
    }
  return { older, rewrapped, broken };
}

/** Resolves to what a verification of all rows finds wrong. */
export async function findProblems({ snapshot, vault }: TestService): Promise<readonly string[]> {
  return (await snapshot((rows) => verifyRows(rows, vault, async () => {}))).problems;
}
