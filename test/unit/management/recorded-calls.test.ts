import t from 'tap';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import type { MethodName, ParamsOf } from '../../../src/management/api.ts';
import {
  type CallOutcome,
  loginMethod,
  type ObservedMethod,
  type ObservedParams,
} from '../../../src/management/call-observer.ts';
import type { Caller } from '../../../src/management/caller.ts';
import { isChange } from '../../../src/management/changing-methods.ts';
import { CallRecorder } from '../../../src/management/recorded-calls.ts';
import { requireMethodPermission } from '../../../src/management/roles.ts';
import { namelessCaller, samples } from './samples.ts';

const anna: Caller = {
  ...({ name: 'anna', role: 'admin', proof: 'certificate', credentialId: 'c', connection: 1 } as const),
};
const begun: CallOutcome = { kind: 'begun' };
const done = (result: unknown = {}): CallOutcome => ({ kind: 'done', result });

/** A recorder and its entries; `append` is asked before each of them is kept. */
function start(append: () => Promise<void> = async () => {}) {
  const entries: AuditEntry[] = [];
  const recorder = new CallRecorder('node', async (entry) => {
    await append();
    entries.push(entry);
  });
  return { entries, recorder };
}

/** Returns the entry of one call. */
async function entryOf(
  caller: Caller,
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
): Promise<AuditEntry> {
  const { entries, recorder } = start();
  await recorder.record(caller, method, params, outcome);
  const [entry] = entries;
  if (entry === undefined) throw new Error('nothing was recorded');
  return entry;
}

t.test('every page of a change is recorded, wherever it begins', async (t) => {
  const purge: ParamsOf<'object.purge'> = { after: 1, destroyedUntil: 2 ** 40, dryRun: false };
  const rewrap: ParamsOf<'vault.rewrap'> = { table: 'managed_object', after: 1, dryRun: false };
  for (const [method, params] of [
    ['object.purge', purge],
    ['vault.rewrap', rewrap],
  ] as const) {
    const { entries, recorder } = start();
    for (let at = 0; at < 2; at += 1) {
      await recorder.record(anna, method, params, begun);
      await recorder.record(anna, method, params, done({ count: 1_000, ids: [], next: 1_001 }));
    }
    t.strictSame(
      entries.map(({ items }) => items[0]?.result),
      ['Begun', 'Success', 'Begun', 'Success'],
      method,
    );
  }
});

t.test('of a read that a session repeats the first one is recorded, on any page', async (t) => {
  const reads: readonly (readonly [MethodName, (page: number) => ObservedParams])[] = [
    ['audit.list', (from) => ({ from, isBackward: false, filter: {} })],
    ['tokenKey.objects', (after) => ({ after })],
    ['approval.outcome', () => ({ id: 'r' })],
    ['vault.status', () => ({})],
    ['node.list', () => ({})],
    ['object.purge', (after) => ({ after, destroyedUntil: 1, dryRun: true })],
    ['vault.rewrap', (after) => ({ table: 'managed_object', after, dryRun: true })],
  ];
  for (const [method, page] of reads) {
    const { entries, recorder } = start();
    const read = (caller: Caller, at: number) =>
      recorder.record(caller, method, page(at), done({ ids: [], next: null }));
    for (const at of [7, 8, 0]) await read(anna, at);
    t.equal(entries.length, 1, method);
    await read({ ...anna, connection: 2 }, 8);
    t.equal(entries.length, 2, `${method} of another session`);
    await recorder.record(anna, method, page(9), { kind: 'refused', code: 'C', message: 'no' });
    t.equal(entries.length, 3, `${method} that is refused`);
  }
  const { entries, recorder } = start();
  for (const client of ['a', 'b'])
    await recorder.record(anna, 'audit.list', { from: 1, isBackward: false, filter: { client } }, done());
  t.equal(entries.length, 2, 'of another filter');
  for (let at = 0; at < 2; at += 1) await recorder.record(anna, 'client.show', { name: 'demo' }, done());
  t.equal(entries.length, 4, 'of a read without pages each one');
});

t.test('a read whose entry was lost is recorded when it is repeated', async (t) => {
  let isFull = true;
  const { entries, recorder } = start(async () => {
    if (isFull) throw new Error('the disk is full');
  });
  const read = () => recorder.record(anna, 'tokenKey.objects', { after: 0 }, done());
  await t.rejects(read(), /the disk is full/);
  isFull = false;
  await read();
  t.equal(entries.length, 1);
});

t.test('reads that are forgotten are recorded once more, those that go on are not forgotten', async (t) => {
  const { entries, recorder } = start();
  const read = (connection: number) =>
    recorder.record({ ...anna, connection }, 'tokenKey.objects', { after: 0 }, done());
  for (let connection = 1; connection <= 1_100; connection += 1) {
    await read(connection);
    await read(1);
  }
  t.equal(entries.length, 1_100);
  await read(2);
  t.equal(entries.length, 1_101);
});

t.test('a call may change something unless an auditor may make it, or asks for its own approval', (t) => {
  for (const method of Object.keys(samples) as MethodName[])
    for (const params of samples[method]) {
      const call = () => requireMethodPermission('auditor', method, params);
      if (method === 'approval.outcome') t.equal(isChange(method, params), false);
      else if (isChange(method, params)) t.throws(call, { code: 'ACCESS_DENIED' }, method);
      else t.doesNotThrow(call, method);
    }
  t.equal(isChange('object.purge', { after: 0, destroyedUntil: 1, dryRun: false }), true);
  t.equal(isChange(loginMethod, { name: 'anna' }), false);
  t.end();
});

t.test('objects that were purged are in the entry', async (t) => {
  const params: ParamsOf<'object.purge'> = { after: 0, destroyedUntil: 1, dryRun: false };
  const ids = Array.from({ length: 1_025 }, (_, at) => `id ${at}`);
  const purged = (count: number) => done({ count, ids: ids.slice(0, count), next: null });
  const { items } = await entryOf(anna, 'object.purge', params, purged(2));
  t.strictSame(items[0]?.objects, [{ id: 'id 0' }, { id: 'id 1' }]);
  const large = await entryOf(anna, 'object.purge', params, purged(1_025));
  t.match(large.items[0], { more: 1 });
  t.equal(large.items[0]?.objects?.length, 1_024);
  t.notOk('objects' in ((await entryOf(anna, 'object.purge', params, purged(0))).items[0] ?? {}));
});

t.test('the entry of a login names the administrator that it was for', async (t) => {
  const login = (name: string, outcome: CallOutcome) =>
    entryOf(namelessCaller, loginMethod, { name }, outcome);
  t.strictSame((await login('anna', done({ role: 'operator' }))).actor, {
    ...{ administrator: 'anna', role: 'operator' },
  });
  const refused: CallOutcome = { kind: 'refused', code: 'C', message: 'no', reason: 'unknown name' };
  const entry = await login('bert', refused);
  t.strictSame(entry.actor, { administrator: 'bert' }, 'no role, which was not given');
  t.match(entry.items, [{ result: 'OperationFailed', reason: 'unknown name' }]);
  const { actor } = await login(`\u202e\n${'x'.repeat(100)}`, refused);
  t.equal(actor?.administrator, `??${'x'.repeat(62)}`);
});

t.test('an approved call has its requester as actor, who has approved it and by which request', async (t) => {
  const caller = { ...anna, approvedBy: 'bert', request: '0123456789ab' };
  t.match(await entryOf(caller, 'object.unmark', { id: 'key' }, done()), {
    actor: { administrator: 'anna' },
    items: [{ objects: [{ id: 'key' }], details: { approvedBy: 'bert', request: '0123456789ab' } }],
  });
});
