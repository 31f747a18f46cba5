import type { Test } from 'tap';
import { QuotaDirectory } from '../../../src/protocol/quota-directory.ts';
import { quotaKind } from '../../../src/protocol/unit-of-work/quotas.ts';
import { openDatabase } from '../../../src/store/open.ts';
import type { SqlRow as Row } from '../../../src/store/sql-driver.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';
import { recordKey } from '../../row-index.ts';
import type { ForeignDatabase, OpenForeign } from '../clients/altered-clients-suite.ts';
import { createAesPayload2x, TestService } from '../service.ts';

/**
 * Whoever writes to the database lifts no quota by its row: after each change of the row the group makes no
 * object, whatever the row allowed before, and other groups go on.
 */

interface Opened extends ForeignDatabase {
  readonly service: TestService;
  readonly quotas: QuotaDirectory;
  /** Key and row of the quota: at first, and as it is. */
  readonly key: string;
  readonly first: Row;
  readonly row: Row;
  /** The row of another group, which may have more objects. */
  readonly other: Row;
}

async function open(t: Test, openForeign: OpenForeign): Promise<Opened> {
  const database = await openForeign(t);
  const service = await TestService.open({ store: database.store });
  t.teardown(() => service.close());
  const quotas = new QuotaDirectory(service.store, service.vault);
  const rowOf = async (group: string) => {
    const key = recordKey(service.vault, quotaKind, group);
    return (await database.run('select * from sealed_record where key = $1', key))[0] as Row;
  };
  await quotas.set('g', 100);
  await quotas.set('other', 100);
  const first = await rowOf('g');
  await quotas.set('g', 1);
  await service.database.protectRecords(service.vault);
  const [row, other] = [await rowOf('g'), await rowOf('other')];
  return { ...database, service, quotas, key: String(row.key), first, row, other };
}

/** What becomes of the row of the quota. */
const changes: Readonly<Record<string, (opened: Opened) => Promise<unknown>>> = {
  deleted: ({ run, key }) => run('delete from sealed_record where key = $1', key),
  'that of before': ({ put, first }) => put(first),
  'the box of before': ({ put, first, row }) => put({ ...row, box: first.box ?? null }),
  'that of another group': ({ put, other, key, row }) => put({ ...other, key, seq: row.seq ?? null }),
  'the box of another group': ({ put, other, row }) => put({ ...row, box: other.box ?? null }),
  'in another group': ({ put, row }) => put({ ...row, grp: 'other' }),
  'of another kind': ({ put, row }) => put({ ...row, kind: 'ticket' }),
  'of another version': ({ put, row }) => put({ ...row, version: Number(row.version) + 1 }),
  'with an end': ({ put, row }) => put({ ...row, expires: 1 }),
  'without a box': ({ put, row }) => put({ ...row, box: new Uint8Array() }),
};

/** Tests on an engine. */
export async function alteredQuotasSuite(t: Test, openForeign: OpenForeign): Promise<void> {
  for (const [what, apply] of Object.entries(changes))
    await t.test(`a group makes no object when the row of its quota is ${what}`, async (t) => {
      const opened = await open(t, openForeign);
      const { service, quotas, store, put, row, run, key } = opened;
      const create = async (group: string) => {
        const { reason, status } = await service.call('2.1', 'Create', createAesPayload2x(), group);
        return reason ?? status;
      };
      t.equal(await create('g'), 'Success');
      t.equal(await create('g'), 'ServerLimitExceeded');
      await apply(opened);
      t.equal(await create('g'), 'GeneralFailure');
      t.equal(await create('other'), 'Success', 'of another group');
      t.equal(await create('third'), 'Success', 'of one without a quota');
      await t.rejects(quotas.list(), SealBrokenError, 'an operator is told');
      const started = await openDatabase(store);
      t.teardown(() => started.close());
      t.match(await started.protectRecords(service.vault), /quota|clients and policies/, 'at a start, too');
      await run('delete from sealed_record where key = $1', key);
      await put(row);
      t.equal(await create('g'), 'ServerLimitExceeded', 'the right row is served again');
    });

  await t.test('a quota that the operator has removed does not come back', async (t) => {
    const { service, quotas, put, row } = await open(t, openForeign);
    await quotas.remove('g');
    await put(row);
    const { reason } = await service.call('2.1', 'Create', createAesPayload2x());
    t.equal(reason, 'GeneralFailure');
  });
}
