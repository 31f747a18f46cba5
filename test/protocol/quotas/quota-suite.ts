import type { Test } from 'tap';
import type { Version } from '../../../codec/version.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { QuotaDirectory } from '../../../src/protocol/quota-directory.ts';
import { enumerated } from '../../client.ts';
import { poll, submit, waitForJobs } from '../jobs.ts';
import { aes, ask, having, outcome, payloadOf, testedVersions } from '../operations/ask.ts';
import { counted, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { createAesPayload2x, outline, type ServiceOptions, TestService, uid } from '../service.ts';
import { waysToMake } from '../ways-to-make.ts';

/** Quotas of groups over a store of an engine. */

const create = { operation: 'Create', payload: createAesPayload2x() };
const option = (number: number) => [enumerated('BatchErrorContinuationOption', number)];
const [continues, undoes] = [option(1), option(3)];
const refusal = (group: string, objects: number) =>
  `the group ${group} has ${objects} objects, as many as its quota allows: destroy some, or ask the operator`;

export async function openQuotas(
  t: Test,
  options: ServiceOptions,
): Promise<{ service: TestService; quotas: QuotaDirectory }> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  return { service, quotas: new QuotaDirectory(service.store, service.vault) };
}

/** How many objects an operation makes. */
const made = (operation: string) => (/KeyPair|CreateSplitKey/.test(operation) ? 2 : 1);

/** Each way to make an object, where the group has more than its quota, no place, and just enough places. */
async function testWays(t: Test, options: ServiceOptions): Promise<void> {
  const { service, quotas } = await openQuotas(t, options);
  for (const { what, operation, request } of waysToMake)
    await t.test(what, async (t) => {
      const asked = await request(service);
      const used = await quotas.count('g');
      const send = () => ask(service, '2.1', operation, asked as never);
      const objects = made(operation.name);
      await quotas.set('g', Math.max(used - 1, 0));
      t.match(await send(), { reason: 'ServerLimitExceeded', message: /more objects|as many/ });
      await quotas.set('g', used + objects - 1);
      t.match(await send(), { reason: 'ServerLimitExceeded', message: refusal('g', used + objects - 1) });
      t.equal(await quotas.count('g'), used, 'nothing is left of it');
      await quotas.set('g', used + objects);
      t.match(await send(), { status: 'Success' });
      t.equal(await quotas.count('g'), used + objects);
      await quotas.remove('g');
    });
}

export async function quotaSuite(t: Test, fresh: () => Promise<ServiceOptions>): Promise<void> {
  await t.test('no operation makes more objects than the quota allows', async (t) =>
    testWays(t, await fresh()),
  );

  await t.test('a refusal says so in each version, and other groups go on', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes) } as const;
    const send = (version: Version, group: string) => ask(service, version, Create, request, group);
    await quotas.set('full', 1);
    t.match(await send('2.1', 'full'), { status: 'Success' });
    for (const version of testedVersions) {
      const reason = version.startsWith('1') ? 'PermissionDenied' : 'ServerLimitExceeded';
      t.match(await send(version, 'full'), { reason, message: refusal('full', 1) }, version);
      t.match(await send(version, 'other'), { status: 'Success' }, version);
    }
    await quotas.remove('full');
    t.match(await send('2.1', 'full'), { status: 'Success' }, 'at once');
  });

  await t.test('of simultaneous requests as many succeed as there are places', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    await service.key();
    await quotas.set('g', 8);
    const pair = { operation: 'CreateKeyPair', payload: await pairPayload(service) };
    const asked = [...Array.from({ length: 16 }, () => create), ...Array.from({ length: 4 }, () => pair)];
    const answers = await Promise.all(asked.map((item) => service.batch('2.1', [item])));
    const successes = answers.flat().filter(({ status }) => status === 'Success');
    t.equal(
      successes.reduce((sum, { operation }) => sum + made(`${operation}`), 1),
      8,
      'exactly',
    );
    t.equal(await quotas.count('g'), 8);
    t.strictSame([...new Set(answers.flat().map(({ reason }) => reason))].toSorted(), [
      'ServerLimitExceeded',
      undefined,
    ]);
  });

  await t.test('the items of a batch take places one after the other', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    await quotas.set('g', 2);
    const tooMany = await service.batch('2.1', [create, create, create], undoes);
    t.equal(outline(tooMany), 'Create:OperationUndone Create:OperationUndone Create:ServerLimitExceeded');
    t.equal(await quotas.count('g'), 0);
    const kept = await service.batch('2.1', [create, create, create], continues);
    t.equal(outline(kept), 'Create:Success Create:Success Create:ServerLimitExceeded');
    t.equal(await quotas.count('g'), 2);
    const destroy = { operation: 'Destroy', payload: [uid(kept[0]?.id ?? '')] };
    t.equal(
      outline(await service.batch('2.1', [destroy, create], continues)),
      'Destroy:Success Create:ServerLimitExceeded',
      'a place is free after the message',
    );
    const one = await service.batch(
      '2.1',
      [create, { operation: 'Destroy', payload: [] }, create],
      continues,
    );
    t.equal(outline(one), 'Create:Success Destroy:Success Create:Success', 'unless the object is new in it');
    t.equal(await quotas.count('g'), 2);
  });

  await t.test('a destroyed object frees a place, and replacing one takes none', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    const id = await service.key();
    await quotas.set('g', 1);
    const replace = {
      UniqueIdentifier: id,
      ReplaceExisting: true,
      Attributes: [],
      Object: symmetric(counted(32)),
    };
    t.equal(await outcome(service, '2.1', Import, replace as never), 'Success');
    t.match(await service.batch('2.1', [create]), [{ reason: 'ServerLimitExceeded' }]);
    t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: id }), 'Success');
    t.match(await service.batch('2.1', [create]), [{ status: 'Success' }]);
    t.match(await service.batch('2.1', [create]), [{ reason: 'ServerLimitExceeded' }]);
  });

  await t.test('a lower quota takes no object away, and a higher one applies at once', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    const ids = [await service.key(), await service.key(), await service.key()];
    t.equal(await quotas.set('g', 1), false);
    t.equal(await service.state(ids[2] ?? ''), 1);
    t.match(await service.batch('2.1', [create]), [
      { reason: 'ServerLimitExceeded', message: /has more objects than the 1 that its quota allows/ },
    ]);
    t.equal(await quotas.set('g', 4), true);
    t.match(await service.batch('2.1', [create, create], continues), [
      { status: 'Success' },
      { reason: 'ServerLimitExceeded' },
    ]);
    t.match(await quotas.list(), [{ group: 'g', objects: 4, used: 4 }]);
    await service.asOtherNode(async () => {
      t.match(await service.batch('2.1', [create]), [{ reason: 'ServerLimitExceeded' }], 'on every node');
      await quotas.set('g', 5);
    });
    t.match(await service.batch('2.1', [create]), [{ status: 'Success' }]);
  });

  await t.test('an asynchronous request is refused when it is executed', async (t) => {
    const { service, quotas } = await openQuotas(t, await fresh());
    await quotas.set('g', 1);
    const [first, second] = [await submit(service, '2.1', [create]), await submit(service, '2.1', [create])];
    await waitForJobs(service);
    const answers = [
      await poll(service, '2.1', first.values[0]),
      await poll(service, '2.1', second.values[0]),
    ];
    t.strictSame(answers.map((answer) => outline([answer])).toSorted(), [
      'Create:ServerLimitExceeded',
      'Create:Success',
    ]);
  });
}

/** The payload of Create Key Pair, as `waysToMake` has it. */
async function pairPayload(service: TestService): Promise<readonly Node[]> {
  const way = waysToMake.find(({ operation }) => operation.name === 'CreateKeyPair');
  const request = (await way?.request(service)) ?? {};
  const payload = payloadOf('2.1', CreateKeyPair, request);
  return payload.type === 'Structure' ? payload.value : [];
}
