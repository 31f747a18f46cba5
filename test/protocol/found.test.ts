import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { buildObject } from '../../src/object/creation.ts';
import { locateFilter } from '../../src/object/locate-filter.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { openLocalVault } from '../../src/vault/local.ts';
import { createRootKey } from '../../src/vault/root-key.ts';
import { createFileRoot } from '../../src/vault/roots/file-root.ts';
import { openWritable } from '../store/start-lanes.ts';
import { named } from './operations/ask.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-found-'));
const { store, keyrings, close } = await openWritable(`sqlite:${join(directory, 'kmipd.db')}`);
createRootKey(join(directory, 'root.key'));
const vault = await openLocalVault({ roots: [createFileRoot(join(directory, 'root.key'))], keyrings });
t.teardown(async () => {
  await vault.close();
  await close();
  await rm(directory, { recursive: true, force: true });
});

const now = 1_000;
const begin = (): UnitOfWork => {
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  unit.actFor('g');
  return unit;
};
const bearing = (attribute: Attribute) => ({
  filter: locateFilter({ attributes: [attribute], now }),
  offset: 0,
  limit: 10,
});
const comment = (value: string): Attribute => ({ name: 'Comment', value });

async function make(...attributes: readonly Attribute[]): Promise<string> {
  const unit = begin();
  const layer = unit.layer();
  const id = crypto.randomUUID();
  layer.insert(buildObject({ operation: 'Register', type: 'SecretData', group: 'g', id, now, attributes }));
  layer.keep();
  t.equal(await unit.commit(), 'committed');
  return id;
}

/** Another message changes the object. */
async function change(id: string, text: string): Promise<void> {
  const unit = begin();
  const layer = unit.layer();
  const object = await layer.load(id);
  object?.attributes.set('Comment', text);
  layer.keep();
  t.equal(await unit.commit(), 'committed');
}

t.test('a message is executed again when an object that it found changes before it is read', async (t) => {
  const id = await make(named('current'), comment('before'));
  for (const [what, between, first, expected] of [
    ['nobody comes between', false, undefined, 'committed'],
    ['somebody does', true, undefined, 'conflict'],
    ['somebody does, and a second search sees it', true, 'again', 'conflict'],
  ] as const) {
    const unit = begin();
    const layer = unit.layer();
    t.same((await layer.find(bearing(named('current')))).ids, [id]);
    if (between) await change(id, `between: ${what}`);
    if (first === 'again') await layer.find(bearing(named('current')));
    const object = await layer.load(id);
    object?.attributes.set('Comment', `after: ${what}`);
    layer.keep();
    t.equal(await unit.commit(), expected, what);
  }
});

t.test(
  'a message is executed again when a found object is gone, but not when the object is only searched for',
  async (t) => {
    const id = await make(named('seen'));
    const unit = begin();
    const layer = unit.layer();
    t.same((await layer.find(bearing(named('seen')))).ids, [id]);
    await change(id, 'x');
    await layer.load(id);
    t.equal(
      await unit.commit(),
      'committed',
      'a message that changes nothing has nothing to be played again for',
    );

    const other = begin();
    const writing = other.layer();
    t.same((await writing.find(bearing(named('seen')))).ids, [id]);
    writing.insert(
      buildObject({ operation: 'Register', type: 'SecretData', group: 'g', id: 'new', now, attributes: [] }),
    );
    writing.keep();
    const later = other.layer();
    t.same((await later.find(bearing(named('seen')))).ids, [id], 'beside what the message itself has made');
    await change(id, 'y');
    (await later.load(id))?.attributes.set('Comment', 'z');
    later.keep();
    t.equal(await other.commit(), 'conflict');
  },
);
