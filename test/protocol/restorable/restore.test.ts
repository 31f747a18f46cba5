import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagementBackends, ManagementCall } from '../../../src/management/api.ts';
import { callMethod } from '../../../src/management/call.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { restorableKind } from '../../../src/operations/restorable-objects.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { WaitingPeriodEnd } from '../../../src/protocol/jobs/waiting-period-end.ts';
import { purgePage } from '../../../src/protocol/purge.ts';
import { RestorableDirectory } from '../../../src/protocol/restorable-directory.ts';
import { enumerated } from '../../client.ts';
import { readEntries, registrations } from '../../fuzz/corpus.ts';
import { makeObjects } from '../../fuzz/objects.ts';
import { recordKey } from '../../row-index.ts';
import { namelessCaller } from '../../unit/management/samples.ts';
import { committedEntries, TestRecorder } from '../audit/test-recorder.ts';
import { attributesOf, contact, named, outcome, storedKey, succeed } from '../operations/ask.ts';
import { counted, mask, register, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { findProblems } from '../rewrap-all.ts';
import { TestService, uid } from '../service.ts';
import { atTime } from './at-time.ts';

/** Objects that clients destroy under a waiting period, and what an operator gets back. */

const day = 86_400;
const recorder = new TestRecorder();
const file = join(t.testdir(), 'kmipd.db');
const service = await TestService.open({
  store: `sqlite:${file}`,
  audit: recorder,
  waitingSeconds: ({ group }) => (group === 'spared' ? 0 : 30 * day),
});
const database = new DatabaseSync(file);
t.teardown(async () => {
  database.close();
  await service.close();
});
// The operator's units of work go by the clock of the machine.
service.now = Date.now();
const nowSeconds = () => Math.floor(service.now / 1000);

const backends = {
  ...{ store: service.store, vault: service.vault, uniqueNames: false },
} as unknown as ManagementBackends;
const call: ManagementCall = (method, params) =>
  callMethod(backends, namelessCaller, method, params, async () => {});
const restore = (id: string) => call('object.restore', { id });
const directory = new RestorableDirectory(service.store, service.vault, { uniqueNames: false });
const listed = async () => (await call('object.restorable', { after: 0 })).objects.map(({ id }) => id);
const at = (id: string) => ({ UniqueIdentifier: id });
const get = (id: string) => outcome(service, '2.1', Get, at(id));
const destroy = (id: string) => succeed(service, '2.1', Destroy, at(id));
const reason = (code: 'KeyCompromise' | 'CessationOfOperation') => ({
  RevocationReason: { RevocationReasonCode: code },
});

/** All attributes but the date of the last change. */
async function lasting(id: string): Promise<readonly Attribute[]> {
  return (await attributesOf(service, id)).filter(({ name }) => name !== 'LastChangeDate');
}

t.test('objects of every kind are what they were, in every state that can be destroyed', async (t) => {
  const send = (message: Uint8Array) => service.send(message.slice());
  const made = await makeObjects(send, registrations(readEntries('corpus')));
  let count = 0;
  for (const [kind, id] of made) {
    if (kind === 'archived AES key') await service.call('1.4', 'Recover', [uid(id)]);
    if ((await outcome(service, '2.1', Destroy, at(id))) !== 'Success') {
      await succeed(service, '2.1', Revoke, { ...at(id), ...reason('CessationOfOperation') }).catch(() => {});
    } else await restore(id).catch(() => {});
    // The first Get of a value ends that it is Fresh.
    const value = await service.call('2.1', 'Get', [uid(id)]);
    const before = await lasting(id);
    if ((await outcome(service, '2.1', Destroy, at(id))) !== 'Success') continue;
    count += 1;
    t.match((await service.call('2.1', 'Get', [uid(id)])).status, 'OperationFailed', kind);
    await restore(id);
    t.strictSame(await lasting(id), before, kind);
    t.strictSame(await service.call('2.1', 'Get', [uid(id)]), value, kind);
  }
  t.ok(count >= 14, `${count} kinds`);
});

t.test('a compromise within the waiting period stays; other changes of attributes do not', async (t) => {
  const id = await storedKey(service, contact('before'));
  await destroy(id);
  const change = { ...at(id), NewAttribute: contact('after') };
  t.equal(await outcome(service, '2.1', ModifyAttribute, change), 'Success');
  t.equal(await outcome(service, '2.1', AddAttribute, { ...at(id), NewAttribute: named('new') }), 'Success');
  await succeed(service, '2.1', Revoke, { ...at(id), ...reason('KeyCompromise') });
  t.strictSame(await restore(id), { group: 'g', state: 'Compromised' });
  const attributes = new Map((await lasting(id)).map(({ name, value }) => [name, value]));
  t.equal(attributes.get('ContactInformation'), 'before');
  t.notOk(attributes.has('Name'));
  t.ok(attributes.has('CompromiseDate'));
  t.notOk(attributes.has('DestroyDate'));
  t.equal(await outcome(service, '2.1', Encrypt, { ...at(id), Data: counted(16) }), 'WrongKeyLifecycleState');
});

t.test('an object is restored once, until the end of its waiting period', async (t) => {
  const [id, late] = [await storedKey(service), await storedKey(service)];
  await destroy(id);
  await destroy(late);
  t.same(new Set(await listed()).intersection(new Set([id, late])), new Set([id, late]));
  await restore(id);
  await t.rejects(restore(id), /is no destroyed object in its waiting period/);
  await t.rejects(restore('no such'), /there is no object "no such"/);
  t.equal(await get(id), 'Success');
  const end = service.now + 30 * day * 1_000;
  await atTime(end, () => t.rejects(restore(late), /the waiting period of ".*" is over/));
  await atTime(end - 60_000, () => restore(late));
  t.notOk((await listed()).some((each) => each === id || each === late));
});

/** What the daemon does every ten minutes; `step` lets so many seconds pass on both clocks. */
function startEnd() {
  let [time, uptime] = [nowSeconds(), 0];
  const failures: unknown[] = [];
  const ends = new WaitingPeriodEnd({
    ...{ directory, node: 'node', now: () => time, uptime: () => uptime * 1_000 },
    failed: (error) => void failures.push(error),
  });
  const step = async (seconds: number, clock = seconds) => {
    [time, uptime] = [time + clock, uptime + seconds];
    await atTime(time * 1_000, () => ends.run());
  };
  return { step, failures };
}

t.test('what is due is removed for good, with an entry of the audit log', async (t) => {
  const [due, kept] = [await storedKey(service), await storedKey(service)];
  await destroy(due);
  service.now += day * 1_000;
  await destroy(kept);
  service.now -= day * 1_000;
  const size = async (id: string) => (await service.store.load('g', [id]))[0]?.box.length ?? 0;
  const before = await size(due);
  const { step, failures } = startEnd();
  await step(30 * day);
  t.ok((await listed()).includes(due), 'one turn alone removes nothing');
  await step(599);
  t.ok((await listed()).includes(due), 'nor does a second one at once');
  await step(1);
  t.notOk((await listed()).includes(due));
  t.ok((await size(due)) < before, 'the row has no value');
  await t.rejects(restore(due), /is no destroyed object/);
  await restore(kept);
  const ended = (await committedEntries(service)).filter(({ kind }) => kind === 'server');
  const item = { operation: 'RemoveDestroyed', objects: [{ id: due }], result: 'Success' };
  t.match(ended.at(-1), { items: [item] });
  t.strictSame(failures, []);
});

t.test('a clock that was ahead for a moment removes nothing', async (t) => {
  const id = await storedKey(service);
  await destroy(id);
  const { step } = startEnd();
  await step(600, 365 * day);
  await step(600, -365 * day);
  await step(600, 1);
  await restore(id);
  t.equal(await get(id), 'Success');
});

t.test('what was destroyed since the last look is found when it is due', async (t) => {
  const { step } = startEnd();
  const first = await storedKey(service);
  await destroy(first);
  await step(600);
  const second = await storedKey(service);
  await destroy(second);
  for (const seconds of [30 * day, 600, 600]) await step(seconds);
  t.strictSame(
    (await listed()).filter((id) => id === first || id === second),
    [],
  );
});

t.test('without a waiting period, and of another group, nothing is kept', async (t) => {
  service.sender = { client: 'other', group: 'spared' };
  const spared = await storedKey(service);
  await destroy(spared);
  service.sender = {};
  await t.rejects(restore(spared), /is no destroyed object/);
});

async function purgeNow(later: number): Promise<readonly string[]> {
  const list = (after: number) => service.snapshot((all) => all.destroyDates(after));
  const now = nowSeconds() + later;
  const options = { destroyedUntil: now + day, now, dryRun: false };
  return (await purgePage({ store: service.store, vault: service.vault, list }, 0, options)).ids;
}

t.test('a record that was put back or deleted changes nothing but the list', async (t) => {
  const id = await storedKey(service, contact('first'));
  const key = recordKey(service.vault, restorableKind, id);
  await destroy(id);
  const first = database.prepare('select version, box from sealed_record where key = ?').get(key);
  await restore(id);
  await succeed(service, '2.1', ModifyAttribute, { ...at(id), NewAttribute: contact('second') });
  await destroy(id);
  const { version = null, box = null } = first ?? {};
  const present = database.prepare('select version, box from sealed_record where key = ?').get(key);
  database.prepare('update sealed_record set version = ?, box = ? where key = ?').run(version, box, key);
  await setImmediate();
  await t.rejects(restore(id), /missing, or an earlier version/);
  const { version: own = null, box: ownBox = null } = present ?? {};
  database.prepare('update sealed_record set version = ?, box = ? where key = ?').run(own, ownBox, key);
  database.prepare('delete from sealed_record where key = ?').run(key);
  await setImmediate();
  t.notOk((await listed()).includes(id));
  const lost = /the destroyed object ".*" has lost the record that it can be restored/;
  t.match((await findProblems(service)).join(), lost);
  t.ok((await purgeNow(31 * day)).includes(id), 'after its end a purge removes the value');
  await t.rejects(restore(id), /is no destroyed object/);
});

t.test('nothing is replaced by Import, and no purge removes what can be restored', async (t) => {
  const id = await register(service, symmetric(counted(16)), mask('Encrypt'));
  const replaced = {
    ...{ ...at(id), ReplaceExisting: true, Object: symmetric(counted(16)), Attributes: [] },
  };
  t.equal(await outcome(service, '2.1', Import, replaced as never), 'PermissionDenied');
  await destroy(id);
  t.notOk((await purgeNow(0)).includes(id));
  await restore(id);
  t.equal(await get(id), 'Success');
});

t.test('Undo of a batch takes the destruction back with its record', async (t) => {
  const id = await storedKey(service);
  const items = [
    { operation: 'Destroy', payload: [uid(id)] },
    { operation: 'Get', payload: [uid('none')] },
  ];
  await service.batch('1.4', items, [enumerated('BatchErrorContinuationOption', 3)]);
  t.notOk((await listed()).includes(id));
  t.equal(await get(id), 'Success');
});
