import t, { type Test } from 'tap';
import { bytes, enumerated, type RequestItem, structure } from '../client.ts';
import {
  cancel,
  correlationField,
  gatedOperation,
  listJobs,
  poll,
  process,
  submit,
  waitForJobs,
  withItemIds,
} from './jobs.ts';
import { createAesPayload2x, outline, type ServiceOptions, TestService, uid } from './service.ts';

async function opened(t: Test, options: ServiceOptions = {}): Promise<TestService> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  return service;
}

const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };
const getNothing: RequestItem = { operation: 'Get', payload: [uid('nothing')] };
const unknown = new Uint8Array(20);

t.test('Cancel ends a job that waits, and tells when a job is running or done', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  const running = await submit(service, '2.1', withItemIds([create, { operation: 'RNGSeed' }]));
  t.equal(await cancel(service, '2.1', running.values[1]), 'Canceled', 'although it is at work');
  t.equal(await cancel(service, '2.1', running.values[1]), 'Canceled', 'asked again');
  const told = await poll(service, '2.1', running.values[1]);
  t.equal(outline([told]), 'RNGSeed:OperationCanceledByRequester');
  gate.open();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', running.values[0])]), 'Create:Success', 'what came before');
  t.equal(outline([await poll(service, '2.1', running.values[1])]), 'RNGSeed:OperationCanceledByRequester');
  t.equal(await cancel(service, '2.1', running.values[0]), 'Completed');
  t.equal(await cancel(service, '2.1', running.values[1]), 'Canceled');

  const failing = await submit(service, '2.1', [getNothing]);
  await waitForJobs(service);
  t.equal(await cancel(service, '2.1', failing.values[0]), 'Failed');
  t.equal((await poll(service, '2.1', failing.values[0])).reason, 'ObjectNotFound', 'and stays so');
});

t.test('Process runs a job at once before others that wait', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  await submit(service, '2.1', [{ operation: 'RNGSeed' }]);
  const waiting = await submit(service, '2.1', [create]);
  t.equal(outline([await poll(service, '2.1', waiting.values[0])]), 'Poll:OperationPending', 'in order');
  t.equal(await process(service, waiting.values[0]), 'Success');
  t.equal(outline([await poll(service, '2.1', waiting.values[0])]), 'Create:Success');
  t.equal(await process(service, waiting.values[0]), 'Success', 'done already');
  const forced = await submit(service, '2.1', [create]);
  const nested = await submit(service, '2.1', [
    { operation: 'Process', payload: [correlationField(forced.values[0] as Uint8Array)] },
  ]);
  gate.open();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', nested.values[0])]), 'Process:Success', 'within a job');
  t.equal(outline([await poll(service, '2.1', forced.values[0])]), 'Create:Success');
});

t.test('Query Asynchronous Requests lists the jobs of the client', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  t.strictSame(await listJobs(service), []);
  const begun = service.now;
  const done = await submit(service, '2.1', withItemIds([create, getNothing]));
  await waitForJobs(service);
  service.now += 60_000;
  const running = await submit(service, '2.1', [{ operation: 'RNGSeed' }]);
  const waiting = await submit(service, '2.1', withItemIds([create, create]));
  await cancel(service, '2.1', waiting.values[1]);
  const row = (operation: string, stage: string, at: number, value: Uint8Array | undefined) =>
    `${operation} ${stage} ${at * 1_000} ${value?.toHex()}`;
  const all = [
    row('RNGSeed', 'InProcess', begun + 60_000, running.values[0]),
    row('Create', 'Submitted', begun + 60_000, waiting.values[0]),
    row('Create', 'Completed', begun, done.values[0]),
    row('Get', 'Completed', begun, done.values[1]),
  ];
  t.strictSame(await listJobs(service), all);
  const values = (...some: (Uint8Array | undefined)[]) =>
    structure(
      'AsynchronousCorrelationValues',
      ...some.map((value) => bytes('AsynchronousCorrelationValue', value as Uint8Array)),
    );
  const operations = (...some: number[]) =>
    structure('Operations', ...some.map((each) => enumerated('Operation', each)));
  t.strictSame(await listJobs(service, [values(done.values[1], running.values[0], unknown)]), [
    all[0],
    all[3],
  ]);
  t.strictSame(await listJobs(service, [operations(1)]), [all[1], all[2]]);
  t.strictSame(await listJobs(service, [values(done.values[0]), operations(10)]), []);
  t.strictSame(await listJobs(service, [values()]), [], 'an empty list names none');
  await poll(service, '2.1', done.values[0]);
  t.strictSame(
    await listJobs(service),
    [all[0], all[1], all[3]],
    'what was fetched is no longer outstanding',
  );
  gate.open();
  await waitForJobs(service);
});
