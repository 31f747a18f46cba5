import type { Test } from 'tap';
import { acceptDatabase } from '../../src/cli/verification/accept-database.ts';
import { verifyRows } from '../../src/cli/verification/verify-rows.ts';
import { clientKind } from '../../src/identity/client-entry.ts';
import { deleteRecord } from '../../src/protocol/unit-of-work/record-boxes.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { openDatabase } from '../../src/store/open.ts';
import { openLocalVault } from '../../src/vault/local.ts';
import { FakeToken } from '../fake-token.ts';
import type { Query } from './renewal-suite.ts';
import { findProblems } from './rewrap-all.ts';
import { TestService } from './service.ts';

const kinds = ['note', clientKind] as const;
type Kind = (typeof kinds)[number];
const now = Math.floor(Date.parse('2026-01-01T00:00:00Z') / 1000);

function unitOf({ store, vault }: Pick<TestService, 'store' | 'vault'>): UnitOfWork {
  return new UnitOfWork(store, vault, { uniqueNames: false, now });
}

async function put(service: TestService, kind: Kind, id: string, value: number, reads = true) {
  const unit = unitOf(service);
  if (reads) await unit.record(kind, id);
  unit.putRecord(kind, id, 'g', Uint8Array.of(value));
  return unit.commit();
}

/** The contents of records of one id, by a look-up and both kinds of lists. */
async function readAll(service: TestService, kind: Kind, id: string): Promise<readonly unknown[]> {
  const unit = unitOf(service);
  unit.actFor('g');
  const lists = [await unit.everyRecord(kind, 100), await unit.layer().records.list(kind, 100)];
  const listed = lists.map((list) => list.filter((each) => each.id === id).map(({ content }) => content[0]));
  return [(await unitOf(service).record(kind, id))?.content[0], ...listed.flat()];
}

/**
 * Processes of one database while index and set secret are renewed: one uses the new epoch at once, another
 * one only because it has seen a row that is sealed under it.
 * @param query runs a statement beside kmipd
 * @param numbered what an insertion that states its number has before `select`
 */
export async function twoEpochsSuite(t: Test, store: string, query: Query, numbered = ''): Promise<void> {
  const token = new FakeToken();
  const openProcess = async (activationDelaySeconds: number) => {
    const service = await TestService.open({ store, token, values: 'envelope', activationDelaySeconds });
    t.teardown(() => service.close());
    await service.database.protectRecords(service.vault);
    return service;
  };
  const slow = await openProcess(3_600);
  const fast = await openProcess(0);
  const keysOf = async (kind: Kind, id: string) => {
    const keys = fast.vault.indexes.map((index) => index.key('record', kind, id));
    const rows = await query(`select key from sealed_record where key in ('${keys.join("', '")}')`);
    return rows.map(({ key }) => keys.indexOf(String(key)));
  };
  for (const kind of kinds)
    for (const id of ['turns', 'removed', 'unread', 'kept'])
      t.equal(await put(slow, kind, id, 1), 'committed');
  const fields = 'kind, key, grp, version, expires, box';
  await query(
    `create table kept as select seq, ${fields} from sealed_record where key in (${kinds
      .map((kind) => `'${fast.vault.indexes[0]?.key('record', kind, 'kept')}'`)
      .join(', ')})`,
  );
  await fast.vault.renewSecrets();
  await slow.vault.refresh();

  for (const kind of kinds)
    await t.test(`a ${kind} that has moved stays in the newer index`, async (t) => {
      for (const id of ['turns', 'removed', 'unread', 'kept'])
        t.equal(await put(fast, kind, id, 2), 'committed');
      t.strictSame(await keysOf(kind, 'turns'), [1]);
      t.equal(await put(slow, kind, 'unread', 3, false), 'conflict', 'one that was not read');
      for (let value = 3; value < 9; value += 1) {
        t.equal(await put(value % 2 === 0 ? fast : slow, kind, 'turns', value), 'committed');
        t.strictSame(await keysOf(kind, 'turns'), [1]);
        for (const service of [slow, fast])
          t.strictSame(await readAll(service, kind, 'turns'), [value, value, value]);
      }
      await deleteRecord(slow.store, slow.vault, kind, 'removed');
      t.strictSame(await keysOf(kind, 'removed'), []);
      for (const service of [slow, fast]) t.strictSame(await readAll(service, kind, 'removed'), [undefined]);
    });
  t.strictSame(await findProblems(fast), []);

  // Of a client, the lanes tell that a row was put back.
  const kept = `select ${fields} from kept where kind = 'note'`;
  const key = fast.vault.indexes[0]?.key('record', 'note', 'kept');
  for (const [where, insertion] of [
    ['before', `(seq, ${fields}) ${numbered} ${kept.replace('select', 'select seq,')}`],
    ['after', `(${fields}) ${kept}`],
  ])
    await t.test(`a row put back ${where} the one that has moved is not served`, async (t) => {
      await query(`delete from sealed_record where key = '${key}'`);
      await query(`insert into sealed_record ${insertion}`);
      t.strictSame((await keysOf('note', 'kept')).toSorted(), [0, 1]);
      const late = await openProcess(0);
      t.strictSame(await readAll(late, 'note', 'kept'), [2, 2, 2]);
    });

  await t.test('it is removed where the database is accepted', async (t) => {
    const database = await openDatabase(store);
    const vault = await openLocalVault({
      ...{ roots: [token], keyrings: database.keyrings, activationDelaySeconds: 0, refreshSeconds: 0 },
    });
    const verify = () => database.snapshot((rows) => verifyRows(rows, vault, async () => {}));
    const found = await verify();
    t.ok(found.problems.includes(`the record "note ${key}" was put back: it has moved to a newer index`));
    const accepted = await acceptDatabase({ ...database, vault }, found, { lane: 'one', uniqueNames: false });
    t.match(accepted, { removed: 1 });
    t.strictSame(await keysOf('note', 'kept'), [1]);
    t.strictSame((await verify()).problems, []);
    await database.close();
    await vault.close();
  });
}
