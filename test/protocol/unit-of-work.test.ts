import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { KmipError } from '../../src/common/errors.ts';
import { ManagedObject } from '../../src/object/managed-object.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { openLocalVault } from '../../src/vault/local.ts';
import { createRootKey } from '../../src/vault/root-key.ts';
import { createFileRoot } from '../../src/vault/roots/file-root.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { recordKey } from '../row-index.ts';
import { openWritable } from '../store/start-lanes.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-unit-'));
const { store, keyrings, close } = await openWritable(`sqlite:${join(directory, 'kmipd.db')}`);
createRootKey(join(directory, 'root.key'));
const vault = await openLocalVault({ roots: [createFileRoot(join(directory, 'root.key'))], keyrings });
t.teardown(async () => {
  await vault.close();
  await close();
  await rm(directory, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const words = (content: Uint8Array | undefined) => content && new TextDecoder().decode(content);

function begin(group = 'g', now = 1_000): UnitOfWork {
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  unit.actFor(group);
  return unit;
}

/** What a message of its own finds. */
async function seen(kind: string, id: string, group = 'g', now = 1_000): Promise<string | undefined> {
  return words(await begin(group, now).layer().records.load(kind, id));
}

t.test('a record is encrypted, belongs to its group and expires', async (t) => {
  const unit = begin();
  const layer = unit.layer();
  const content = bytes('secret words');
  layer.records.put('life', 'a', content, 2_000);
  content.fill(0);
  t.equal(words(await layer.records.load('life', 'a')), 'secret words', 'a copy was kept');
  layer.keep();
  t.equal(await unit.commit(), 'committed');
  const row = await store.record('life', recordKey(vault, 'life', 'a'));
  t.notMatch(Buffer.from(row?.box ?? []).toString('latin1'), /secret/);
  t.equal(await seen('life', 'a'), 'secret words');
  t.equal(await seen('life', 'a', 'other'), undefined, 'another group');
  t.equal(await seen('life', 'a', 'g', 1_999), 'secret words');
  t.equal(await seen('life', 'a', 'g', 2_000), undefined, 'expired');

  const foreign = begin('other').layer();
  await foreign.records.load('life', 'a');
  t.throws(() => foreign.records.put('life', 'a', bytes('mine')), KmipError);

  const later = begin('other', 2_000);
  const successor = later.layer();
  await successor.records.load('life', 'a');
  successor.records.put('life', 'a', bytes('new'));
  successor.keep();
  t.equal(await later.commit(), 'committed', 'an expired record can be replaced');
  t.equal(await seen('life', 'a', 'other', 9_999), 'new');
});

t.test('a failed item and Undo take back the records of items and keep those of the message', async (t) => {
  const unit = begin();
  unit.putRecord('layers', 'own', 'any', bytes('own'), 5_000);
  const failed = unit.layer();
  failed.records.put('layers', 'failed', bytes('failed'));
  const kept = unit.layer();
  t.equal(await kept.records.load('layers', 'failed'), undefined);
  kept.records.put('layers', 'kept', bytes('kept'));
  kept.keep();
  t.equal(words(await unit.layer().records.load('layers', 'kept')), 'kept', 'later items see it');
  unit.undo();
  t.equal(await unit.layer().records.load('layers', 'kept'), undefined);
  t.equal(await unit.commit(), 'committed');
  t.equal(await seen('layers', 'failed'), undefined);
  t.equal(await seen('layers', 'kept'), undefined);
  const found = await begin().record('layers', 'own');
  t.strictSame([found?.group, words(found?.content), found?.expires], ['any', 'own', 5_000]);
});

t.test('the second of two messages that change one record conflicts', async (t) => {
  const first = begin();
  first.putRecord('race', 'a', 'g', bytes('0'));
  t.equal(await first.commit(), 'committed');
  const [one, other, reader] = [begin(), begin(), begin()];
  for (const [unit, text] of [
    [one, '1'],
    [other, '2'],
  ] as const) {
    await unit.record('race', 'a');
    unit.putRecord('race', 'a', 'g', bytes(text));
  }
  await reader.layer().records.load('race', 'a');
  reader.putRecord('race', 'beside', 'g', bytes('x'));
  t.equal(await one.commit(), 'committed');
  t.equal(await other.commit(), 'conflict');
  t.equal(await reader.commit(), 'conflict', 'what was only read counts too');
  t.equal(await seen('race', 'a'), '1');

  const [keeper, remover] = [begin(), begin()];
  for (const unit of [keeper, remover]) await unit.record('race', 'a');
  remover.removeRecord('race', 'a');
  keeper.putRecord('race', 'a', 'g', bytes('3'));
  t.equal(await remover.commit(), 'committed');
  t.equal(await keeper.commit(), 'conflict');
  t.equal(await seen('race', 'a'), undefined);
});

t.test('a list of records includes the changes of the message', async (t) => {
  const setup = begin();
  for (const id of ['c', 'a', 'b', 'd']) setup.putRecord('list', id, 'g', bytes(id));
  setup.putRecord('list', 'foreign', 'other', bytes('foreign'));
  setup.putRecord('list', 'old', 'g', bytes('old'), 1_000);
  t.equal(await setup.commit(), 'committed');

  const unit = begin();
  unit.putRecord('list', 'e', 'g', bytes('e'));
  const earlier = unit.layer();
  await earlier.records.list('list', 9);
  earlier.records.remove('list', 'a');
  earlier.records.put('list', 'b', bytes('B'));
  earlier.keep();
  const layer = unit.layer();
  layer.records.put('list', 'f', bytes('f'));
  const list = async (limit: number) =>
    (await layer.records.list('list', limit)).map(({ id, content }) => `${id}=${words(content)}`);
  t.strictSame(await list(9), ['c=c', 'b=B', 'd=d', 'e=e', 'f=f']);
  t.strictSame(await list(3), ['c=c', 'b=B', 'd=d']);
  layer.keep();
  t.equal(await unit.commit(), 'committed');
  t.strictSame(
    (await begin().layer().records.list('list', 9)).map(({ id }) => id),
    ['c', 'b', 'd', 'e', 'f'],
  );
});

t.test('an expired record is hidden although the database lists it', async (t) => {
  const setup = begin();
  setup.putRecord('ending', 'a', 'g', bytes('a'), 2_000);
  t.equal(await setup.commit(), 'committed');
  const lying = { ...store, records: () => store.records({ kind: 'ending', limit: 9 }) };
  for (const [now, count] of [
    [1_999, 1],
    [2_000, 0],
  ] as const) {
    const unit = new UnitOfWork(lying, vault, { uniqueNames: false, now });
    unit.actFor('g');
    t.equal((await unit.layer().records.list('ending', 9)).length, count);
    t.equal((await unit.everyRecord('ending', 9)).length, count);
  }
});

t.test('UnitOfWork rejects access to objects when no group is set', async (t) => {
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
  t.throws(() => unit.layer(), TypeError);
  unit.putRecord('early', 'a', 'g', bytes('a'));
  t.equal(words((await unit.record('early', 'a'))?.content), 'a');
  unit.removeRecord('early', 'a');
  t.equal(await unit.record('early', 'a'), undefined);
  t.equal(await unit.commit(), 'committed');
  t.equal(await store.record('early', recordKey(vault, 'early', 'a')), undefined);
});

t.test('a commit of many objects serves other connections while it encrypts them', async (t) => {
  let turns = 0;
  let ends = false;
  const count = (): void => {
    turns++;
    if (!ends) setImmediate(count);
  };
  let turnsAtWrite: number | undefined;
  const observed = Object.create(store, {
    commit: {
      value: () => {
        turnsAtWrite = turns;
        return Promise.resolve('committed');
      },
    },
  });
  const slow: Pick<Vault, 'seal' | 'indexOf' | 'indexes' | 'direct'> = {
    direct: vault.direct,
    indexOf: (epoch) => vault.indexOf(epoch),
    indexes: vault.indexes,
    seal(context, plain) {
      const end = performance.now() + 30;
      while (performance.now() < end);
      return vault.seal(context, plain);
    },
  };
  const unit = new UnitOfWork(observed, slow as Vault, { uniqueNames: false, now: 0 });
  unit.actFor('g');
  const layer = unit.layer();
  for (const id of ['many-1', 'many-2', 'many-3']) {
    const value = { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes('x') };
    layer.insert(
      ManagedObject.create({
        id,
        type: 'OpaqueObject',
        group: 'g',
        value: { type: 'OpaqueObject', value },
      }),
    );
  }
  layer.keep();
  setImmediate(count);
  t.equal(await unit.commit(), 'committed');
  ends = true;
  t.ok((turnsAtWrite ?? 0) > 0, `${turnsAtWrite} turns before the write`);
});
