import type { Test } from 'tap';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { granteeId, granteeKind, grantKind } from '../../../src/operations/grants.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { GrantDirectory } from '../../../src/protocol/grant-directory.ts';
import { openDatabase } from '../../../src/store/open.ts';
import type { SqlRow as Row } from '../../../src/store/sql-driver.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';
import { recordKey } from '../../row-index.ts';
import type { ForeignDatabase, OpenForeign } from '../clients/altered-clients-suite.ts';
import { newClient } from '../clients/clients-suite.ts';
import { outcome } from '../operations/ask.ts';
import { active, counted, mask, register, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';

/**
 * Whoever writes to the database gains nothing by the rows of grants: after each change of a row the grantee
 * is refused at once, whatever the row granted before, and the group of the object goes on.
 */

const enrolled = { client: 'grantee', group: 'grantees', enrolledAt: 1_700_000_000 };

interface Opened extends ForeignDatabase {
  readonly service: TestService;
  /** The object, and key and row of its grants: at first, and as they are. */
  readonly object: string;
  readonly key: string;
  /** Key of the record that the grantee has a grant of the object. */
  readonly grantee: string;
  readonly first: Row;
  readonly row: Row;
  /** Key of the grants of another object, which permit everything. */
  readonly other: string;
  readonly rowOf: (key: string) => Promise<Row>;
  readonly grants: GrantDirectory;
}

async function open(t: Test, openForeign: OpenForeign): Promise<Opened> {
  const database = await openForeign(t);
  const service = await TestService.open({ store: database.store });
  t.teardown(() => service.close());
  const { client: name, group, enrolledAt } = enrolled;
  await service.clients.add(newClient(name, { group, enrolledAt }));
  service.sender = { client: 'owner', group: 'owners' };
  const make = () => register(service, symmetric(counted(16)), active, mask('Encrypt'));
  const [object, second] = [await make(), await make()];
  const grants = new GrantDirectory(service.store, service.vault);
  const grant = (id: string, ...operations: string[]) =>
    grants.add(id, { to: { client: name }, operations }, 0);
  const keyOf = (id: string) => recordKey(service.vault, grantKind, id);
  const rowOf = async (key: string) =>
    (await database.run('select * from sealed_record where key = $1', key))[0] as Row;
  await grant(object, 'Get', 'Encrypt');
  await grant(second, 'Get', 'Encrypt');
  const first = await rowOf(keyOf(object));
  await grant(object, 'Encrypt');
  await service.database.protectRecords(service.vault);
  service.sender = enrolled;
  const key = keyOf(object);
  const row = await rowOf(key);
  const grantee = recordKey(service.vault, granteeKind, granteeId(object, { client: name }));
  return { ...database, service, object, key, grantee, first, row, other: keyOf(second), rowOf, grants };
}

/** What becomes of the row of the grants. */
const changes: Readonly<Record<string, (opened: Opened) => Promise<unknown>>> = {
  deleted: ({ run, key }) => run('delete from sealed_record where key = $1', key),
  'that of before': ({ put, first }) => put(first),
  'removed by the operator, then put back': async ({ put, row, grants, object }) => {
    await grants.remove(object, { client: enrolled.client });
    await put(row);
  },
  'removed by the operator, then that of before': async ({ put, first, grants, object }) => {
    await grants.remove(object, { client: enrolled.client });
    await put(first);
  },
  'removed by the operator, then put back with that of the grantee': async (opened) => {
    const { put, row, rowOf, grantee, grants, object } = opened;
    const ofGrantee = await rowOf(grantee);
    await grants.remove(object, { client: enrolled.client });
    for (const each of [row, ofGrantee]) await put(each);
  },
  'the box of before': ({ put, first, row }) => put({ ...row, box: first.box ?? null }),
  'that of another object': async ({ put, rowOf, other, key, row }) =>
    put({ ...(await rowOf(other)), key, seq: row.seq ?? null }),
  'the box of another object': async ({ put, rowOf, other, row }) =>
    put({ ...row, box: (await rowOf(other)).box ?? null }),
  'without the record that the grantee has one': ({ run, grantee }) =>
    run('delete from sealed_record where key = $1', grantee),
  'in another group': ({ put, row }) => put({ ...row, grp: 'grantees' }),
  'of another kind': ({ put, row }) => put({ ...row, kind: 'ticket' }),
  'of another version': ({ put, row }) => put({ ...row, version: Number(row.version) + 1 }),
  'with another end': ({ put, row }) => put({ ...row, expires: 4_000_000_000 }),
  'without a box': ({ put, row }) => put({ ...row, box: new Uint8Array() }),
};

/** Whether the row that says that the grantee has a grant is gone, as the operator has left it. */
const saysNoGrants = (what: string) => /^removed .*(put back|of before)$/.test(what);

/** Tests on an engine. */
export async function alteredGrantsSuite(t: Test, openForeign: OpenForeign): Promise<void> {
  const ask = ({ service, object }: Opened, operation: typeof Get | typeof Encrypt) =>
    outcome(service, '2.1', operation, { UniqueIdentifier: object, Data: counted(16) } as never);
  for (const [what, apply] of Object.entries(changes))
    await t.test(`a grantee is refused at once when the row of the grants is ${what}`, async (t) => {
      const opened = await open(t, openForeign);
      const { service, store, put, row, run } = opened;
      t.equal(await ask(opened, Get), 'ObjectNotFound');
      t.equal(await ask(opened, Encrypt), 'Success');
      await apply(opened);
      const reason = saysNoGrants(what) ? 'ObjectNotFound' : 'GeneralFailure';
      for (const operation of [Get, Encrypt]) t.equal(await ask(opened, operation), reason);
      if (!/^without the record/.test(what))
        await t.rejects(opened.grants.list(), SealBrokenError, 'an operator is told');
      service.sender = { client: 'owner', group: 'owners' };
      for (const operation of [Get, Encrypt])
        t.equal(await ask(opened, operation), 'Success', 'of the group');
      t.equal(await service.clients.remove(enrolled.client), true, 'and the client can be removed');
      const started = await openDatabase(store);
      t.teardown(() => started.close());
      t.match(await started.protectRecords(service.vault), /grant|clients and policies/, 'at a start, too');
      if (/^(removed|without the record)/.test(what)) return;
      await run('delete from sealed_record where key = $1', opened.key);
      await put(row);
      service.sender = enrolled;
      t.equal(await ask(opened, Encrypt), 'Success', 'the right row is served again');
    });
}
