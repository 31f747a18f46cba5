import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { versions } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { encode, integer, item, structure, text } from '../client.ts';
import { answersOf, TestService } from './service.ts';
import { checkFailure, writingBatch } from './whole-message.ts';

/** Every failure of a whole message is answered for each of its items. */

const service = await TestService.open();
t.teardown(() => service.close());

/** Changes a child of the message: 0 is the header, 1 and 2 are the items. */
function changed(
  message: Node & { type: 'Structure' },
  at: number,
  more: Node,
  replaces = false,
): Uint8Array {
  const value = message.value.map((child, index) => {
    if (index !== at || child.type !== 'Structure') return child;
    const others = replaces ? child.value.filter(({ tag }) => tag !== more.tag) : child.value;
    return { ...child, value: [...others, more] };
  });
  return encode({ ...message, value });
}

t.test('each item is answered when the commit fails, whatever the cause', async (t) => {
  const { store } = service;
  const commit = store.commit.bind(store);
  t.teardown(() => {
    store.commit = commit;
  });
  const causes: Record<string, () => Promise<'conflict'>> = {
    'the store is unavailable': () => Promise.reject(new StoreUnavailableError('database is locked')),
    'a bug': () => Promise.reject(new TypeError('secret detail')),
    'a conflict that is lost every time': () => Promise.resolve('conflict'),
  };
  for (const [cause, fail] of Object.entries(causes)) {
    store.commit = fail;
    for (const version of versions) {
      const reasons = await checkFailure(t, service, version, encode(writingBatch(version)));
      t.same(reasons, ['GeneralFailure', 'GeneralFailure'], `${cause}, ${version}`);
    }
  }
});

t.test('each item is answered when another process keeps the database locked', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-locked-'));
  const file = join(directory, 'kmipd.db');
  const locked = await TestService.open({ store: `sqlite:${file}` });
  const other = new DatabaseSync(file);
  t.teardown(async () => {
    other.close();
    await locked.close();
    await rm(directory, { recursive: true, force: true });
  });
  other.exec('begin immediate');
  t.same(await checkFailure(t, locked, '1.2', encode(writingBatch('1.2'))), [
    'GeneralFailure',
    'GeneralFailure',
  ]);
  other.exec('rollback');
  const answers = answersOf((await locked.exchange('1.2', [{ operation: 'Locate' }])) as never);
  t.equal(answers[0]?.status, 'Success', 'the next message is executed');
});

t.test('each item is answered when the header or another item is refused', async (t) => {
  const critical = structure(
    'MessageExtension',
    text('VendorIdentification', 'v'),
    item('CriticalityIndicator', 'Boolean', true),
    structure('VendorExtension'),
  );
  for (const version of versions) {
    const batch = writingBatch(version);
    const cases: Record<string, Uint8Array> = {
      'wrong Batch Count': changed(batch, 0, integer('BatchCount', 7), true),
      'negative Maximum Response Size': encode(writingBatch(version, [integer('MaximumResponseSize', -1)])),
      'unknown field in the header': changed(batch, 0, text('Name', 'x')),
      'field of the wrong type in the header': changed(batch, 0, integer('TimeStamp', 1)),
      'critical extension in the last item': changed(batch, 2, critical),
      'field of the wrong type in the last item': changed(batch, 2, integer('Ephemeral', 1)),
      'field after the items': encode({ ...batch, value: [...batch.value, text('Name', 'x')] }),
    };
    for (const [which, request] of Object.entries(cases)) {
      t.comment(`${version}: ${which}`);
      await checkFailure(t, service, version, request);
    }
  }
});

t.test('at most as many items are answered as a batch may have', async (t) => {
  const small = await TestService.open({ limits: { batchItems: 2 } });
  t.teardown(() => small.close());
  const batch = writingBatch('1.4');
  const header = structure(
    'RequestHeader',
    ...(batch.value[0] as Node & { type: 'Structure' }).value.slice(0, -1),
    integer('BatchCount', 3),
  );
  const three = { ...batch, value: [header, ...batch.value.slice(1), batch.value[1] as Node] };
  await checkFailure(t, small, '1.4', encode(three));
});
