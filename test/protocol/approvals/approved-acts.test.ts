import t, { type Test } from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { listClientRequests } from '../../../src/management/methods/client-approvals.ts';
import { actsOf } from '../../../src/operations/asynchronous/jobs.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../src/operations/attributes/delete-attribute.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { enumerated } from '../../client.ts';
import { cancel, poll, submit, waitForJobs } from '../jobs.ts';
import { aes, having, named, outcome, succeed } from '../operations/ask.ts';
import { counted, register, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { outline, TestService } from '../service.ts';
import { Administrator, asked, headers, underRule } from './approvals.ts';

/** An approval is for what the administrator has seen: of each item, and of each value. */

async function open(t: Test) {
  const service = await TestService.open();
  t.teardown(() => service.close());
  service.now = Date.now();
  underRule(service, 'Get');
  return { service, administrator: new Administrator(service) };
}

const get = (UniqueIdentifier?: string) => asked(Get, { UniqueIdentifier });
const key = (service: TestService, ...attributes: readonly Attribute[]) =>
  register(service, symmetric(counted(16)), ...attributes);

async function run(service: TestService): Promise<void> {
  await service.restart();
  await waitForJobs(service);
}

t.test('a value that takes the place of the one that was approved does not leave', async (t) => {
  const { service, administrator } = await open(t);
  for (const isReplaced of [true, false]) {
    const id = await key(service);
    const { values } = await submit(service, '2.1', [get(id)], headers.optional);
    const Object = symmetric(isReplaced ? new Uint8Array(16).fill(9) : counted(16));
    const replacing = { UniqueIdentifier: id, ReplaceExisting: true, Attributes: [], Object };
    t.equal(await outcome(service, '2.1', Import, replacing as never), 'Success');
    await administrator.approve();
    await run(service);
    const answer = await poll(service, '2.1', values[0]);
    t.equal(outline([answer]), isReplaced ? 'Get:PermissionDenied' : 'Get:Success');
    if (isReplaced) t.match(answer.message, /the approval of the request does not include it/);
  }
});

t.test('what was approved of one item is not approved of another one', async (t) => {
  const { service, administrator } = await open(t);
  const name = named('found');
  const [one, two] = [await key(service), await key(service, name)];
  const find = asked(Locate, { Attributes: [name] });
  const { values } = await submit(service, '2.1', [get(one), find, get()], headers.optional);
  t.strictSame(
    (await administrator.only()).job.items.map(({ acts = [] }) => acts.map(({ object }) => object)),
    [[one], [], [two]],
  );
  // When the job runs, the Name finds the key of the first item.
  const gone = { UniqueIdentifier: two, CurrentAttribute: name };
  await succeed(service, '2.1', DeleteAttribute, gone);
  await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: one, NewAttribute: name });
  await administrator.approve();
  await run(service);
  const answers = await Promise.all(values.map((value) => poll(service, '2.1', value)));
  t.equal(outline(answers), 'Get:Success Locate:Success Get:PermissionDenied');
});

t.test('an item that was withdrawn is neither shown nor approved', async (t) => {
  const { service, administrator } = await open(t);
  const [one, two] = [await key(service), await key(service)];
  const goOn = [...(headers.optional ?? []), enumerated('BatchErrorContinuationOption', 1)];
  const { values } = await submit(service, '2.1', [get(one), get(two)], goOn);
  await cancel(service, '2.1', values[0]);
  t.strictSame(
    actsOf((await administrator.only()).job).map(({ object }) => object),
    [two],
  );
  await administrator.approve();
  await run(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Get:OperationCanceledByRequester');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'Get:Success');
});

t.test('a request of which nothing needs an approval any more asks for none', async (t) => {
  const { service, administrator } = await open(t);
  const id = await key(service);
  service.sender = { ...service.sender, may: (operation) => operation !== 'Encrypt' };
  const create = asked(Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes) });
  const items = [create, { operation: 'Encrypt', payload: [] }, get(id)];
  const { answers, values } = await submit(service, '2.1', items, headers.optional);
  t.equal(outline(answers), 'Create:OperationPending Encrypt:PermissionDenied');
  t.strictSame(await administrator.list(), []);
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Create:Success');
});

t.test('the digest of a value is in the sealed record, and not in what administrators see', async (t) => {
  const { service, administrator } = await open(t);
  const id = await key(service);
  await submit(service, '2.1', [get(id)], headers.optional);
  const [act] = actsOf((await administrator.only()).job);
  t.match(act, { operation: 'Get', object: id, value: /^[0-9a-f]{64}$/ });
  const shown = JSON.stringify(await listClientRequests(service));
  t.match(shown, id);
  t.notMatch(shown, act?.value);
});
