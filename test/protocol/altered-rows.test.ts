import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { Create } from '../../src/operations/creation/create.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { SealBrokenError } from '../../src/vault/vault.ts';
import { having, outcome, succeed } from './operations/ask.ts';
import { attribute } from './operations/certificates/authority.ts';
import { TestService } from './service.ts';

/** Whoever writes to the database makes the server serve no key and no record elsewhere, or for longer. */

interface Opened {
  readonly service: TestService;
  /** Runs SQL in the database of the service, as another program would. */
  alter(sql: string, ...parameters: readonly (string | number)[]): void;
}

async function open(t: Test): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-altered-'));
  const file = join(directory, 'kmipd.db');
  const service = await TestService.open({ store: `sqlite:${file}` });
  const database = new DatabaseSync(file);
  t.teardown(async () => {
    database.close();
    await service.close();
    await rm(directory, { recursive: true });
  });
  return { service, alter: (sql, ...parameters) => void database.prepare(sql).run(...parameters) };
}

const createKey = async (service: TestService) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(
        attribute('CryptographicAlgorithm', 'AES'),
        attribute('CryptographicLength', 256),
        attribute('CryptographicUsageMask', 12),
      ),
    })
  ).UniqueIdentifier;

/** What becomes of the row of an object, `?1`, beside another one, `?2`. */
const objectChanges: Readonly<Record<string, string>> = {
  'moved to another group': "update object set grp = 'other' where id = ?1",
  renamed: "update object set id = 'stolen' where id = ?1",
  'of another type': "update object set object_type = 'SecretData' where id = ?1",
  'with the value of another object':
    'update object set sealed = (select sealed from object where id = ?2) where id = ?1',
  'without its value': 'update object set sealed = null where id = ?1',
};

for (const [what, sql] of Object.entries(objectChanges))
  t.test(`an object ${what} is not served`, async (t) => {
    const { service, alter } = await open(t);
    const [key, other] = [await createKey(service), await createKey(service)];
    alter(sql, key, ...(sql.includes('?2') ? [other] : []));
    for (const group of ['g', 'other'])
      for (const UniqueIdentifier of [key, 'stolen']) {
        service.sender = { group };
        t.not(
          await outcome(service, '2.1', Get, { UniqueIdentifier }),
          'Success',
          `${group}, ${UniqueIdentifier}`,
        );
      }
    service.sender = {};
    t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: other }), 'Success', 'the other one is');
  });

const recordChanges: Readonly<Record<string, string>> = {
  'of another kind': "update record set kind = 'other' where id = 'a'",
  renamed: "update record set id = 'stolen' where id = 'a'",
  'moved to another group': "update record set grp = 'other' where id = 'a'",
  'of a later version': "update record set version = version + 1 where id = 'a'",
  'of an earlier version': "update record set version = 1 where id = 'a'",
  'that ends later': "update record set expires = expires + 1000 where id = 'a'",
  'that never ends': "update record set expires = null where id = 'a'",
  'with the content of another':
    "update record set sealed = (select sealed from record where id = 'b') where id = 'a'",
};

for (const [what, sql] of Object.entries(recordChanges))
  t.test(`a record ${what} is not served`, async (t) => {
    const { service, alter } = await open(t);
    const begin = (group: string) => {
      const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1_000 });
      unit.actFor(group);
      return { unit, layer: unit.layer() };
    };
    for (const content of ['first', 'second'])
      for (const id of ['a', 'b']) {
        const { unit, layer } = begin('g');
        await layer.records.load('life', id);
        layer.records.put('life', id, new TextEncoder().encode(content + id), 2_000);
        layer.keep();
        t.equal(await unit.commit(), 'committed');
      }
    alter(sql);
    for (const group of ['g', 'other'])
      for (const kind of ['life', 'other'])
        for (const id of ['a', 'stolen']) {
          const found = begin(group).layer.records.load(kind, id);
          const served = await found.catch((error: unknown) => {
            t.ok(error instanceof SealBrokenError, 'refused');
            return undefined;
          });
          t.equal(served, undefined, `${group}, ${kind}, ${id}`);
        }
    t.ok(await begin('g').layer.records.load('life', 'b'), 'the other one is');
  });
