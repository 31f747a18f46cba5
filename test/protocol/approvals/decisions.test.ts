import t from 'tap';
import type { ApprovableOperation } from '../../../src/common/client-approvals.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { cancel, listJobs, poll, process, submit, waitForJobs } from '../jobs.ts';
import { registerKey } from '../keys.ts';
import { outline, TestService, uid } from '../service.ts';
import { Administrator, allowed, asked, headers, ruledRequests, underRule } from './approvals.ts';

/** What becomes of each request under the rule, whatever it says of asynchronous answers. */

t.setTimeout(120_000);

const service = await TestService.open();
t.teardown(() => service.close());
const administrator = new Administrator(service);
t.beforeEach(() => {
  // Administrators go by the clock of their own process.
  service.now = Date.now();
});

const attributesOf = async (id: string) => (await service.call('2.1', 'GetAttributes', [uid(id)])).payload;

for (const [name, { rule, item }] of Object.entries(ruledRequests)) {
  const others = (['Destroy', 'Get', 'Export', 'Revoke', 'Archive'] as const).filter((each) => each !== rule);

  for (const [mode, header] of Object.entries(headers)) {
    t.test(`${name} (${mode}) is as ever when other operations are under the rule`, async (t) => {
      underRule(service, ...others);
      const { answers, values } = await submit(service, '2.1', [item(await registerKey(service))], header);
      await waitForJobs(service);
      const answer = mode === 'mandatory' ? [await poll(service, '2.1', values[0])] : answers;
      t.equal(outline(answer), `${name}:Success`);
    });

    const isAnsweredLater = mode === 'mandatory' || mode === 'optional';
    if (!isAnsweredLater) {
      t.test(`${name} (${mode}) is refused under the rule, and changes nothing`, async (t) => {
        const id = await registerKey(service);
        const before = await attributesOf(id);
        underRule(service, rule);
        const { answers } = await submit(service, '2.1', [item(id)], header);
        t.equal(outline(answers), `${name}:PermissionDenied`);
        t.match(
          answers[0]?.message,
          `${rule} of this object needs the approval of an administrator: send the`,
        );
        t.strictSame(await administrator.list(), []);
        t.strictSame(await attributesOf(id), before);
      });
      continue;
    }

    t.test(
      `${name} (${mode}) waits under the rule until it is approved, whoever polls or processes`,
      async (t) => {
        const id = await registerKey(service);
        underRule(service, rule);
        const before = await attributesOf(id);
        const { answers, values } = await submit(service, '2.1', [item(id)], header);
        t.equal(outline(answers), `${name}:OperationPending`);
        t.match(await administrator.only(), {
          job: {
            client: 'tester',
            items: [{ operation: name, acts: [{ operation: rule, object: id }] }],
          },
        });
        t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending');
        t.equal(await process(service, values[0]), 'Success');
        await service.restart();
        await waitForJobs(service);
        t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending');
        t.equal((await listJobs(service)).filter((each) => each.startsWith(`${name} Submitted`)).length, 1);
        t.strictSame(await attributesOf(id), before);
        await administrator.approve();
        t.strictSame(await administrator.list(), []);
        await service.restart();
        await waitForJobs(service);
        t.equal(outline([await poll(service, '2.1', values[0])]), `${name}:Success`);
      },
    );

    t.test(`${name} (${mode}) under the rule fails when it is rejected, withdrawn or too old`, async (t) => {
      const id = await registerKey(service);
      underRule(service, rule);
      const before = await attributesOf(id);
      const rejected = await submit(service, '2.1', [item(id)], header);
      await administrator.reject();
      t.equal(outline([await poll(service, '2.1', rejected.values[0])]), `${name}:PermissionDenied`);
      t.match((await poll(service, '2.1', rejected.values[0])).message, /was not approved: an admin/);
      t.equal(await cancel(service, '2.1', rejected.values[0]), 'Failed');

      const withdrawn = await submit(service, '2.1', [item(id)], header);
      t.equal(await cancel(service, '2.1', withdrawn.values[0]), 'Canceled');
      t.strictSame(await administrator.list(), [], 'nobody is asked any more');
      t.equal(await cancel(service, '2.1', withdrawn.values[0]), 'Canceled');
      t.equal(
        outline([await poll(service, '2.1', withdrawn.values[0])]),
        `${name}:OperationCanceledByRequester`,
      );

      // Asked a day ago.
      service.now -= 86_400_000;
      const late = await submit(service, '2.1', [item(id)], header);
      service.now += 86_400_000;
      t.strictSame(await administrator.list(), []);
      t.equal(outline([await poll(service, '2.1', late.values[0])]), `${name}:PermissionDenied`);
      t.match((await poll(service, '2.1', late.values[0])).message, /not approved in time/);
      t.equal(await process(service, late.values[0]), 'Success');
      await service.restart();
      await waitForJobs(service);
      t.strictSame(await attributesOf(id), before);
    });
  }
}

t.test('a client of 1.x waits where it permits that', async (t) => {
  const id = await registerKey(service);
  underRule(service, 'Destroy');
  const item = asked(Destroy, { UniqueIdentifier: id }, '1.4');
  const refused = await submit(service, '1.4', [item], []);
  t.equal(outline(refused.answers), 'Destroy:PermissionDenied');
  const { answers, values } = await submit(service, '1.4', [item], allowed);
  t.equal(outline(answers), 'Destroy:OperationPending');
  t.equal(outline([await poll(service, '1.0', values[0])]), 'Poll:OperationPending');
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '1.4', values[0])]), 'Destroy:Success');
});

t.test('a client that may not Poll never waits for an answer that it permits to be late', async (t) => {
  const id = await registerKey(service);
  underRule(service, 'Destroy');
  service.sender = { ...service.sender, may: (operation) => operation !== 'Poll' };
  const { answers } = await submit(
    service,
    '2.1',
    [asked(Destroy, { UniqueIdentifier: id })],
    headers.optional,
  );
  service.sender = {};
  t.equal(outline(answers), 'Destroy:PermissionDenied');
  t.strictSame(await administrator.list(), []);
});

t.test('what the role or the object would refuse is refused at once', async (t) => {
  const id = await registerKey(service);
  const rules: readonly ApprovableOperation[] = ['Destroy', 'Get', 'Export', 'Archive'];
  underRule(service, ...rules);
  service.sender = { ...service.sender, may: (operation) => operation !== 'Destroy' };
  const request = asked(Destroy, { UniqueIdentifier: id });
  t.equal(
    outline((await submit(service, '2.1', [request], headers.optional)).answers),
    'Destroy:PermissionDenied',
  );
  service.sender = {};
  underRule(service, ...rules);
  const missing = asked(Destroy, { UniqueIdentifier: 'nothing' });
  t.equal(
    outline((await submit(service, '2.1', [missing], headers.optional)).answers),
    'Destroy:ObjectNotFound',
  );
  t.strictSame(await administrator.list(), []);
});
