import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { nameFilter } from '../../src/object/names.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Locate } from '../../src/operations/locate.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { aes, having, named, outcome, storedKey, succeed } from './operations/ask.ts';
import { findProblems, rewrapAll } from './rewrap-all.ts';
import { TestService } from './service.ts';

/** Runs a statement beside kmipd. */
export type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Everything by which rows are found, as the database has it. */
async function readHashes(query: Query): Promise<ReadonlySet<unknown>> {
  const rows = await query(
    'select cast(term as text) as hash from object_term union select name from unique_name union select key from sealed_record',
  );
  return new Set(rows.map(({ hash }) => hash));
}

const inGroup = { name: 'ObjectGroup', value: 'blue' } as const;
const taken = 'NonUniqueNameAttribute';

/** Objects by their Names and records, and what clients and the server do with them. */
class World {
  readonly service: TestService;
  /** Identifiers by Name. */
  readonly ids = new Map<string, string>();
  readonly noteIds: readonly string[] = Array.from({ length: 40 }, (_, at) => `note ${at}`).toSorted();

  constructor(service: TestService) {
    this.service = service;
  }

  async fill(): Promise<void> {
    for (let at = 0; at < 70; at += 1) {
      const attributes = at % 7 === 0 ? [inGroup] : [];
      this.ids.set(`key ${at}`, await storedKey(this.service, named(`key ${at}`), ...attributes));
    }
    for (const [at, id] of this.noteIds.entries()) await this.put(id, at);
  }

  idOf(text: string): string {
    return this.ids.get(text) ?? '';
  }

  /** Seals rows anew; resolves to their number. */
  async rewrap(t: Test): Promise<number> {
    const { rewrapped, broken } = await rewrapAll(this.service, this.service.vault.currentEpoch);
    t.strictSame(broken, []);
    return rewrapped;
  }

  async find(...Attributes: readonly Attribute[]): Promise<readonly string[]> {
    return (await succeed(this.service, '2.1', Locate, { Attributes })).UniqueIdentifier;
  }

  create(text: string): Promise<string> {
    const Attributes = having(named(text), ...aes);
    return outcome(this.service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes });
  }

  rename(id: string, text: string): Promise<string> {
    const change = { UniqueIdentifier: id, NewAttribute: named(text) };
    return outcome(this.service, '2.1', ModifyAttribute, change);
  }

  unit(): UnitOfWork {
    const now = Math.floor(this.service.now / 1000);
    return new UnitOfWork(this.service.store, this.service.vault, { uniqueNames: true, now });
  }

  async put(id: string, value: number, reads = true): Promise<string> {
    const work = this.unit();
    if (reads) await work.record('note', id);
    work.putRecord('note', id, 'g', Uint8Array.of(value));
    return work.commit();
  }

  async note(id: string): Promise<number | undefined> {
    return (await this.unit().record('note', id))?.content[0];
  }

  /** Whichever rows were moved, everything is found, once, and no Name is free. */
  async findsAll(t: Test): Promise<void> {
    for (const [text, id] of this.ids) t.strictSame(await this.find(named(text)), [id], text);
    t.equal((await this.find(inGroup)).length, 10);
    t.equal((await this.find(named('nobody'))).length, 0);
    for (const [text] of this.ids) t.equal(await this.create(text), taken, text);
    for (const id of this.noteIds) t.type(await this.note(id), 'number');
    const listed = await this.unit().everyRecord('note', 1_000);
    t.strictSame(listed.map(({ id }) => id).toSorted(), this.noteIds);
    t.equal(await this.note('another'), undefined);
    t.strictSame(await findProblems(this.service), []);
  }
}

/** Index and set secret are replaced, while clients use the rows in the database of that URL. */
export async function renewalSuite(t: Test, store: string, query: Query): Promise<void> {
  const service = await TestService.open({ activationDelaySeconds: 0, store, uniqueNames: true });
  t.teardown(() => service.close());
  const { vault } = service;
  const world = new World(service);
  const { ids, noteIds } = world;
  await world.fill();
  let [before, epoch] = [await readHashes(query), 0];
  await t.test('another epoch has other hashes, and rows of the first are found', async (t) => {
    epoch = await vault.renewSecrets();
    t.strictSame(
      vault.indexes.map((index) => index.epoch),
      [1, epoch],
    );
    await world.findsAll(t);
  });

  await t.test('what moves to another index during a search is found', async (t) => {
    const id = await storedKey(service, named('moving'));
    const { store } = service;
    let searches = 0;
    const moving = {
      ...store,
      find: async (...asked: Parameters<typeof store.find>) => {
        searches += 1;
        if (searches === 1) {
          epoch = await vault.renewSecrets();
          t.equal(await world.rename(id, 'moving on'), 'Success');
          t.equal(await world.rename(id, 'moving'), 'Success');
        }
        return store.find(...asked);
      },
    };
    const unit = new UnitOfWork(moving, vault, { uniqueNames: true, now: Math.floor(service.now / 1000) });
    unit.actFor('g');
    const found = await unit.layer().find({ filter: nameFilter('moving'), offset: 0, limit: 9 });
    t.strictSame([found.ids, searches], [[id], 2]);
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
  });

  await t.test('what is written moves', async (t) => {
    const [first = '', second = ''] = [world.idOf('key 1'), world.idOf('key 2')];
    t.equal(await world.rename(first, 'key 2'), taken);
    t.equal(await world.rename(first, 'renamed'), 'Success');
    t.strictSame([await world.find(named('key 1')), await world.find(named('renamed'))], [[], [first]]);
    t.equal(await world.rename(second, 'renamed'), taken, 'one that has moved');
    t.equal(await world.rename(second, 'key 1'), 'Success', 'one that was given up');
    ids.delete('key 2');
    ids.set('key 1', second).set('renamed', first);
    const destroyed = await storedKey(service, named('short'));
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: destroyed });
    t.equal(await world.create('short'), 'Success');
    ids.set('short', (await world.find(named('short')))[0] ?? '');
    t.equal(await world.put('note 3', 103), 'committed');
    t.equal(await world.note('note 3'), 103);
    t.equal(await world.put('note 3', 104), 'committed');
    t.equal(await world.note('note 3'), 104);
    t.equal(await world.put('note 4', 1, false), 'conflict', 'a key in the first index is taken');
    t.equal(await world.put('note 3', 1, false), 'conflict', 'and one in the second');
    await world.findsAll(t);
  });

  await t.test('nothing is missed while rows are sealed anew and changed', async (t) => {
    let ends = false;
    let found = 0;
    const missed = new Set<string>();
    const look = async () => {
      while (!ends)
        for (const [text, id] of ids) {
          if ((await world.find(named(text)))[0] !== id) missed.add(text);
          found += 1;
        }
    };
    const watch = async () => {
      for (; !ends; await setImmediate())
        for (const id of noteIds) if ((await world.note(id)) === undefined) missed.add(id);
    };
    const change = async () => {
      for (const id of noteIds) while ((await world.put(id, 7)) !== 'committed');
    };
    const looking = [look(), watch()];
    const [rewrapped] = await Promise.all([world.rewrap(t), change()]);
    ends = true;
    await Promise.all(looking);
    t.strictSame([...missed], []);
    t.ok(rewrapped > 60 && found > 0, `${rewrapped} rows, ${found} searches`);
    await world.rewrap(t);
    await world.findsAll(t);
  });

  await t.test('nothing is left of the first index, and it ends with its epoch', async (t) => {
    const after = await readHashes(query);
    t.strictSame([...before.intersection(after)], []);
    t.ok(after.size > 150, `${after.size} hashes`);
    await vault.retire(epoch);
    t.equal(vault.indexes.length, 1);
    t.equal(vault.storeNames.length, 1);
    await world.findsAll(t);
  });

  await t.test('several renewals before one end', async (t) => {
    before = await readHashes(query);
    await vault.renewSecrets();
    for (const id of noteIds.slice(0, 20)) t.equal(await world.put(id, 8), 'committed');
    const last = await vault.renewSecrets();
    for (const id of noteIds.slice(10, 30)) t.equal(await world.put(id, 9), 'committed');
    t.equal(await world.rename(world.idOf('renamed'), 'renamed again'), 'Success');
    ids.set('renamed again', world.idOf('renamed'));
    ids.delete('renamed');
    t.equal(vault.indexes.length, 3);
    await world.findsAll(t);
    await world.rewrap(t);
    t.strictSame([...before.intersection(await readHashes(query))], []);
    await vault.retire(last);
    await world.findsAll(t);
  });

  await t.test('a row that is put back in an older index is not served, and is named', async (t) => {
    const fields = 'kind, key, grp, version, expires, box';
    const [index] = vault.indexes;
    const key = index?.key('record', 'note', 'note 5');
    await query(`create table kept as select ${fields} from sealed_record where key = '${key}'`);
    const last = await vault.renewSecrets();
    t.equal(await world.put('note 5', 55), 'committed');
    await query(`insert into sealed_record (${fields}) select ${fields} from kept`);
    // This process has seen the row move; others serve the one in the newer index.
    await t.rejects(world.note('note 5'), { code: 'SEAL_BROKEN' });
    t.ok(
      (await findProblems(service)).includes(
        `the record "note ${key}" was put back: it has moved to a newer index`,
      ),
    );
    const { broken } = await rewrapAll(service, vault.currentEpoch);
    t.strictSame(broken, [`sealed_record "note ${key}"`]);
    await query(`delete from sealed_record where key = '${key}'`);
    await query('drop table kept');
    await world.rewrap(t);
    await vault.retire(last);
    await world.findsAll(t);
  });

  await t.test('a keyring has so many secrets only', async (t) => {
    for (let at = 1; at < 8; at += 1) await vault.renewSecrets();
    await t.rejects(vault.renewSecrets(), { message: /vault rewrap and retire$/ });
    await world.findsAll(t);
  });
}
