import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { children, type RequestItem, structure } from '../client.ts';
import { gatedOperation, poll, process, submit, waitForJobs, withItemIds } from '../protocol/jobs.ts';
import { createAesPayload2x, outline, TestService } from '../protocol/service.ts';
import { startPostgres } from './embedded-postgres.ts';

/** Two nodes with the same pending jobs on one PostgreSQL database. */
const server = await startPostgres();
const skip = typeof server === 'string' && server;
const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };

async function open(): Promise<{ service: TestService; gate: ReturnType<typeof gatedOperation> }> {
  if (typeof server === 'string') throw new Error(server);
  const gate = gatedOperation('RNGSeed');
  const service = await TestService.open({ store: await server.fresh(), extra: [gate.operation] });
  t.teardown(() => service.close());
  return { service, gate };
}

async function objects(service: TestService): Promise<number> {
  const { payload } = await service.call('2.1', 'Locate', [structure('Attributes')]);
  return children(payload, 'UniqueIdentifier').length;
}

t.test('one of two nodes commits when both run the same job', { skip }, async (t) => {
  const { service, gate } = await open();
  const { values } = await submit(service, '2.1', withItemIds([create, { operation: 'RNGSeed' }]));
  while (gate.runs === 0) await sleep(1);
  await service.asOtherNode(async () => {
    const forced = process(service, values[0]);
    while (gate.runs < 2) await sleep(1);
    gate.open();
    t.equal(await forced, 'Success');
    await waitForJobs(service);
  });
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'RNGSeed:Success');
  t.equal(await objects(service), 1);
});

t.test('every job succeeds when two nodes are asked for many jobs at once', { skip }, async (t) => {
  const { service } = await open();
  const jobs = await Promise.all(Array.from({ length: 40 }, () => submit(service, '2.1', [create])));
  const forced = Promise.all(jobs.map(({ values }) => process(service, values[0])));
  await service.asOtherNode(async () => {
    const again = await Promise.all(jobs.map(({ values }) => process(service, values[0])));
    t.strictSame([...new Set(again)], ['Success']);
    await waitForJobs(service);
  });
  t.strictSame([...new Set(await forced)], ['Success']);
  for (const { values } of jobs) t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
  t.equal(await objects(service), 40);
});

t.teardown(() => (typeof server === 'string' ? undefined : server.stop()));
