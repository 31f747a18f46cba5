import t, { type Test } from 'tap';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import { jobKinds } from '../../../src/operations/asynchronous/jobs.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { deleteOwnedRecords } from '../../../src/protocol/client-records.ts';
import { WaitingJobs } from '../../../src/protocol/jobs/waiting-jobs.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { committedEntries, TestRecorder } from '../audit/test-recorder.ts';
import { cancel, poll, submit, waitForJobs } from '../jobs.ts';
import { registerKey } from '../keys.ts';
import { outline, type ServiceOptions, TestService } from '../service.ts';
import { Administrator, asked, headers, ruledRequests, underRule } from './approvals.ts';

/** Requests that wait: how many there may be, what ends them, and what is recorded of them. */

t.setTimeout(120_000);

async function open(t: Test, options: ServiceOptions = {}) {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  service.now = Date.now();
  underRule(service, 'Destroy', 'Get');
  return { service, administrator: new Administrator(service) };
}

const destroy = (UniqueIdentifier: string) => asked(Destroy, { UniqueIdentifier });

async function ask(service: TestService, id: string) {
  const { answers, values } = await submit(service, '2.1', [destroy(id)], headers.optional);
  return { answer: outline(answers), message: answers[0]?.message, value: values[0] };
}

t.test('a client waits for 20 requests at most, also when it asks at once', async (t) => {
  const { service, administrator } = await open(t);
  const id = await registerKey(service);
  const asking = Array.from({ length: 25 }, () => ask(service, id));
  const answers = (await Promise.all(asking)).map(({ answer }) => answer);
  t.equal(answers.filter((answer) => answer === 'Destroy:OperationPending').length, 20);
  t.equal(answers.filter((answer) => answer === 'Destroy:ServerLimitExceeded').length, 5);
  t.match((await ask(service, id)).message, /^20 requests of the client wait for an approval: an admin/);
  const [first] = await administrator.list();
  await new WaitingJobs(service.store, service.vault).reject(first!.id);
  const { answer, value } = await ask(service, id);
  t.equal(answer, 'Destroy:OperationPending');
  t.equal((await ask(service, id)).answer, 'Destroy:ServerLimitExceeded');
  await cancel(service, '2.1', value);
  t.equal((await ask(service, id)).answer, 'Destroy:OperationPending');
});

t.test('the clients of a group wait for 50, and leave places to groups that have few', async (t) => {
  const { service, administrator } = await open(t);
  /** Asks as clients of a group until one is refused; returns how often it was not, and what it was told. */
  async function fill(group: string): Promise<readonly [count: number, message: string | undefined]> {
    for (let count = 0; count < 300; count += 1) {
      service.sender = { ...service.sender, group, client: `${group} ${Math.floor(count / 20)}` };
      const { answer, message } = await ask(service, await registerKey(service));
      if (answer !== 'Destroy:OperationPending') return [count, message];
    }
    throw new Error(`group ${group} is never refused`);
  }
  const [count, message] = await fill('a');
  t.equal(count, 50);
  t.match(message, /^50 requests of its group wait for an approval/);
  t.strictSame((await fill('b'))[0], 50);
  for (let group = 0; group < 20; group += 1) t.equal((await fill(`c${group}`))[0], 5);
  t.equal((await administrator.list()).length, 200);
  const [none, told] = await fill('last');
  t.equal(none, 0);
  t.match(told, /^200 requests of all clients wait for an approval/);
});

t.test('an approval is given once, and the job runs once whichever process ends', async (t) => {
  const { service, administrator } = await open(t);
  const [one, two] = [await registerKey(service), await registerKey(service)];
  const { value } = await ask(service, one);
  const { id } = await administrator.only();
  const jobs = new WaitingJobs(service.store, service.vault);
  const decided = await Promise.all([jobs.approve(id, 'anna'), jobs.approve(id, 'bert'), jobs.reject(id)]);
  t.equal(decided.filter((each) => each !== undefined).length, 1);
  t.strictSame(await administrator.list(), []);
  await service.restart();
  await waitForJobs(service);
  const first = outline([await poll(service, '2.1', value)]);
  t.match(first, /Destroy:(Success|PermissionDenied)/);
  await service.restart();
  t.equal(outline([await poll(service, '2.1', value)]), first);

  // The administrator works on another node, which ends before it runs the job.
  const later = await ask(service, two);
  await administrator.approve();
  t.equal(await service.state(two), 1);
  await service.asOtherNode(async () => {
    await service.lookForJobs();
    await waitForJobs(service);
  });
  t.equal(outline([await poll(service, '2.1', later.value)]), 'Destroy:Success');
});

t.test('a node runs what another one has approved and left for five minutes', async (t) => {
  const { service, administrator } = await open(t);
  service.now -= 3_600_000;
  const id = await registerKey(service);
  await service.lookForJobs();
  const { value } = await ask(service, id);
  service.now += 3_600_000;
  await administrator.approve();
  await service.lookForJobs();
  await waitForJobs(service);
  const answer = async () => outline([await poll(service, '2.1', value)]);
  t.equal(await answer(), 'Poll:OperationPending', 'asked for long ago, and the other node is at work');
  service.now += 301_000;
  await service.lookForJobs();
  await waitForJobs(service);
  t.equal(await answer(), 'Destroy:Success');
});

t.test('a request is that of an enrolment, and ends with it', async (t) => {
  const { service, administrator } = await open(t);
  service.sender = { ...service.sender, fingerprint: 'f1', enrolledAt: 1_000 };
  const id = await registerKey(service);
  const { value } = await ask(service, id);
  service.sender = { ...service.sender, fingerprint: 'f2', enrolledAt: 2_000 };
  const stranger = await poll(service, '2.1', value);
  t.equal(stranger.reason, 'InvalidAsynchronousCorrelationValue');
  t.equal(await cancel(service, '2.1', value), 'Unavailable');
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  t.equal(await service.state(id), 1, 'the client that asked is gone');

  const other = await ask(service, id);
  service.isEnrolled = false;
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', other.value)]), 'Destroy:NotAuthorised');
  service.isEnrolled = true;

  await ask(service, id);
  await deleteOwnedRecords(service.store, service.vault, { name: 'other', group: 'g' });
  t.equal((await administrator.list()).length, 1);
  await deleteOwnedRecords(service.store, service.vault, { name: 'tester', group: 'g' });
  t.strictSame(await administrator.list(), []);
  const left = await service.store.records({ kind: 'job-message', limit: 10 });
  t.strictSame(left, []);
});

t.test('a job that names no administrator is not approved', async (t) => {
  const { service, administrator } = await open(t);
  const id = await registerKey(service);
  const { value } = await ask(service, id);
  const { id: job, group } = await administrator.only();
  const unit = new UnitOfWork(service.store, service.vault, {
    uniqueNames: false,
    now: Math.floor(service.now / 1_000),
  });
  const waiting = await unit.record(jobKinds.waiting, job);
  unit.removeRecord(jobKinds.waiting, job);
  unit.putRecord(jobKinds.pending, job, group, waiting?.content as Uint8Array);
  t.equal(await unit.commit(), 'committed');
  await service.restart();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', value)]), 'Destroy:PermissionDenied');
});

t.test('what the role has lost meanwhile is not done', async (t) => {
  const { service, administrator } = await open(t);
  const id = await registerKey(service);
  const { value } = await ask(service, id);
  service.sender = { ...service.sender, may: (operation) => operation !== 'Destroy' };
  await poll(service, '2.1', value);
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  t.equal(await service.state(id), 1);
});

t.test('of a message with several items one can be withdrawn', async (t) => {
  const { service, administrator } = await open(t);
  const [one, two] = [await registerKey(service), await registerKey(service)];
  const { values } = await submit(service, '2.1', [destroy(one), destroy(two)], [...headers.optional!]);
  t.equal(await cancel(service, '2.1', values[0]), 'Canceled');
  t.match((await administrator.only()).job.items, [{ cancelled: true }, { cancelled: undefined }]);
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  t.equal(await service.state(one), 1);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Destroy:OperationCanceledByRequester');
});

t.test('the log has the request with its objects, and who approved what was done', async (t) => {
  const audit = new TestRecorder();
  const { service, administrator } = await open(t, { audit });
  const id = await registerKey(service);
  await submit(service, '2.1', [destroy(id)], []);
  const { value } = await ask(service, id);
  const { request } = (await administrator.only()).job.approval;
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  await poll(service, '2.1', value);
  const entries = [...(await committedEntries(service)), ...audit.entries];
  const itemsOf = (isSought: (entry: AuditEntry) => boolean) =>
    entries.filter(isSought).flatMap(({ items }) => items.filter(({ operation }) => operation === 'Destroy'));
  const job = value?.toHex();
  const [refused, pending, ...others] = itemsOf(({ kind }) => kind === 'message').toSorted((a, b) =>
    b.result < a.result ? 1 : -1,
  );
  const rule = 'approval.operations';
  t.match(refused, { result: 'OperationFailed', reason: 'PermissionDenied', objects: [{ id }], rule });
  t.match(pending, { result: 'OperationPending', job, objects: [{ id }], details: { request } });
  t.notOk(pending && 'wrapped' in pending);
  t.strictSame(others, []);
  t.match(
    itemsOf(({ kind }) => kind === 'job'),
    [{ result: 'Success', job, objects: [{ id }], details: { request, approvedBy: 'anna' } }],
  );
});

t.test('one approval is for so many objects that somebody can read them', async (t) => {
  const { service, administrator } = await open(t, { limits: { batchItems: 300 } });
  const ids = await Promise.all(Array.from({ length: 257 }, () => registerKey(service)));
  const { answers } = await submit(service, '2.1', ids.map(ruledRequests.Destroy!.item), headers.optional);
  t.match(answers, [{ reason: 'ServerLimitExceeded', message: /one approval is for at most 256 objects/ }]);
  t.strictSame(await administrator.list(), []);
});
