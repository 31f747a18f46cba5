import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { defaultLimits } from '../../src/common/limits.ts';
import { CryptographyBusyError } from '../../src/crypto/errors.ts';
import { jobKinds, writeJobRecord } from '../../src/operations/asynchronous/jobs.ts';
import { JobQueue } from '../../src/protocol/jobs/job-queue.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { VaultUnavailableError } from '../../src/vault/vault.ts';
import { children, encode, enumerated, type RequestItem, requestMessage, structure } from '../client.ts';
import {
  cancel,
  correlationField,
  gatedOperation,
  listJobs,
  mandatory,
  poll,
  process,
  submit,
  waitForJobs,
} from './jobs.ts';
import { createAesPayload2x, outline, type ServiceOptions, TestService, uid } from './service.ts';

/** Pending work across restarts, other nodes, bad failure and changed clients. */

async function opened(t: Test, options: ServiceOptions = {}): Promise<TestService> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  return service;
}

const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };
const seed: RequestItem = { operation: 'RNGSeed' };
const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)];
const batch: readonly RequestItem[] = [
  { ...create, uniqueBatchItemID: first },
  { ...seed, uniqueBatchItemID: second },
];

async function objects(service: TestService): Promise<number> {
  const { payload } = await service.call('2.1', 'Locate', [structure('Attributes')]);
  return children(payload, 'UniqueIdentifier').length;
}

t.test('a job that is pending when the service ends is done once after the next start', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation], limits: { drainMilliseconds: 50 } });
  const { values } = await submit(service, '2.1', batch);
  const behind = await submit(service, '2.1', [create]);
  await service.restart();
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending', 'still there');
  t.equal(await objects(service), 0, 'and nothing of it');
  // The run that the restart has left behind, and the one that took it up, both come to their end.
  gate.open();
  await waitForJobs(service);
  t.ok(gate.runs >= 2, `${gate.runs} runs`);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'RNGSeed:Success');
  t.equal(outline([await poll(service, '2.1', behind.values[0])]), 'Create:Success');
  t.equal(await objects(service), 2, 'each once');
  await service.restart();
  t.equal(service.pendingJobs, 0);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success', 'answers survive too');
});

t.test('expired answers are deleted', async (t) => {
  const service = await opened(t);
  await submit(service, '2.1', [create]);
  await waitForJobs(service);
  const left = async () =>
    (
      await Promise.all(Object.values(jobKinds).map((kind) => service.store.records({ kind, limit: 9 })))
    ).flat().length;
  t.equal(await left(), 2, 'facts and answers; the request is gone');
  service.now += defaultLimits.jobAnswerSeconds * 1_000;
  await service.restart();
  while ((await left()) > 0) await sleep(5);
  t.equal(await left(), 0);
});

t.test('close waits for running jobs', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  const { values } = await submit(service, '2.1', batch);
  while (gate.runs === 0) await sleep(1);
  const restarted = service.restart();
  gate.open();
  await restarted;
  t.equal(service.pendingJobs, 0);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
  t.equal(gate.runs, 1);
});

t.test('two nodes that run the same job commit it once', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  const { values } = await submit(service, '2.1', batch);
  while (gate.runs === 0) await sleep(1);
  await service.asOtherNode(async () => {
    const forced = process(service, values[0]);
    while (gate.runs < 2) await sleep(1);
    gate.open();
    t.equal(await forced, 'Success');
    t.equal(outline([await poll(service, '2.1', values[1])]), 'RNGSeed:Success');
    await waitForJobs(service);
  });
  await waitForJobs(service);
  t.equal(await objects(service), 1);
});

t.test('a job of another node is resumed after a while', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation], limits: { drainMilliseconds: 20 } });
  t.equal(service.pendingJobs, 0);
  let values: Uint8Array[] = [];
  await service.asOtherNode(async () => {
    await submit(service, '2.1', [seed]);
    values = (await submit(service, '2.1', batch)).values;
  });
  gate.open();
  while ((await listJobs(service)).every((each) => !each.startsWith('RNGSeed Completed'))) await sleep(1);
  t.equal(service.pendingJobs, 0, 'not known here');
  t.match((await listJobs(service))[0], /^Create Submitted/, 'but visible');
  t.equal(await cancel(service, '2.1', values[1]), 'Canceled', 'and to be cancelled anywhere');
  service.now += 299_000;
  await service.lookForJobs();
  t.equal(service.pendingJobs, 0, 'its own node may still be at it');
  service.now += 1_000;
  await service.lookForJobs();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'RNGSeed:OperationCanceledByRequester');
});

t.test('a job fails when it has ended the process too often', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation], limits: { drainMilliseconds: 0 } });
  const { values } = await submit(service, '2.1', [seed]);
  while (gate.runs === 0) await sleep(1);
  for (let start = 0; start < 8; start++) {
    const runs = gate.runs;
    await service.restart();
    while (gate.runs === runs) await sleep(1);
  }
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending');
  await service.restart();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'RNGSeed:GeneralFailure');
  gate.open();
});

for (const failure of [
  new StoreUnavailableError('the disk is full'),
  new CryptographyBusyError('too many keys'),
]) {
  t.test(`a job stays pending after a transient failure: ${failure.name}`, async (t) => {
    let away = true;
    const gate = gatedOperation('RNGSeed');
    gate.open();
    const unlucky = {
      ...gate.operation,
      handle() {
        if (away) throw failure;
        return {};
      },
    };
    const service = await opened(t, { extra: [unlucky] });
    const { values } = await submit(service, '2.1', batch);
    while (service.unexpected.length === 0) await sleep(1);
    t.equal(service.pendingJobs, 1);
    t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending');
    t.equal(await process(service, values[0]), 'GeneralFailure', 'nor can it be forced');
    away = false;
    await service.lookForJobs();
    await waitForJobs(service);
    t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
    t.equal(await objects(service), 1);
  });
}

t.test('jobs wait while the vault is sealed', async (t) => {
  let unsealed = false;
  let begun = 0;
  const service = await opened(t);
  const queue = new JobQueue({
    limits: defaultLimits,
    clock: () => service.now,
    beginUnit() {
      begun += 1;
      return new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: service.now / 1000 });
    },
    isUnsealed: () => unsealed,
    runner: { run: () => Promise.reject(new VaultUnavailableError('the root key is away')) },
    failed() {},
  });
  await submit(service, '2.1', [seed]);
  await waitForJobs(service);
  await queue.lookForJobs();
  t.equal(begun, 0, 'nothing is even looked for');
  unsealed = true;
  await queue.lookForJobs();
  t.equal(begun, 1);
  const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: service.now / 1000 });
  const job = { client: 'tester', submitted: service.now * 1000, items: [], resumed: 0 };
  unit.putRecord(jobKinds.pending, 'late', 'g', writeJobRecord(job));
  unit.putRecord(jobKinds.message, 'late', 'g', encode(requestMessage('2.1', [seed])));
  t.equal(await unit.commit(), 'committed');
  queue.add({ id: 'late', group: 'g', client: 'tester', account: 'tester ' });
  await sleep(50);
  t.equal(queue.pending, 1, 'sealed in the middle: it stays');
  await queue.close();
});

t.test('a job runs with the role and enrolment that its client has when it runs', async (t) => {
  const denied = new Set<string>();
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, {
    extra: [gate.operation],
    may: (operation) => !denied.has(operation),
    limits: { drainMilliseconds: 0 },
  });
  await submit(service, '2.1', [seed]);
  const role = await submit(service, '2.1', [create]);
  denied.add('Create');
  gate.open();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', role.values[0])]), 'Create:PermissionDenied');
  denied.clear();

  gate.close();
  await submit(service, '2.1', [seed]);
  const removed = await submit(service, '2.1', [create]);
  const classic = await submit(service, '2.0', [create]);
  service.isEnrolled = false;
  gate.open();
  await waitForJobs(service);
  service.isEnrolled = true;
  t.equal(outline([await poll(service, '2.1', removed.values[0])]), 'Create:NotAuthorised');
  t.equal(
    outline([await poll(service, '1.4', classic.values[0])]),
    'Create:PermissionDenied',
    'in its words',
  );
  t.equal(await objects(service), 0);
});

t.test('a job is restricted to the Rights of its request', async (t) => {
  const service = await opened(t);
  const id = await service.key();
  const other = await service.key();
  service.sender = { rights: [{ objects: [id] }] };
  const { values } = await submit(service, '2.1', [
    { operation: 'Get', payload: [uid(id)], uniqueBatchItemID: first },
    { operation: 'Get', payload: [uid(other)], uniqueBatchItemID: second },
  ]);
  service.sender = {};
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Get:Success');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'Get:NotAuthorised');
});

t.test('a batch with Poll applies Undo to the fetched answer', async (t) => {
  const service = await opened(t);
  const { values } = await submit(service, '2.1', [create]);
  await waitForJobs(service);
  const answers = await service.batch(
    '2.1',
    [
      { operation: 'Poll', payload: [correlationField(values[0])], uniqueBatchItemID: first },
      { operation: 'Get', payload: [uid('nothing')], uniqueBatchItemID: second },
    ],
    [enumerated('BatchErrorContinuationOption', 3)],
  );
  t.equal(outline(answers), 'Create:OperationUndone Get:ObjectNotFound');
  t.equal((await listJobs(service)).length, 1, 'an answer that Undo took back is not fetched');
  t.equal(outline(await service.batch('2.1', [create], mandatory)), 'Create:OperationPending');
});
