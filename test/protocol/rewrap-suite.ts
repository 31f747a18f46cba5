import type { Test } from 'tap';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { readEpoch } from '../../src/vault/box.ts';
import { attributesOf, having, named, storedKey, succeed } from './operations/ask.ts';
import { findProblems, rewrapAll } from './rewrap-all.ts';
import { TestService } from './service.ts';

/** Changes one row of the database beside kmipd. */
export type Forge = (sql: string) => Promise<void>;

/** Rows are sealed anew, while clients use them, in the database of that URL. */
export async function rewrapSuite(t: Test, store: string | undefined, forge: Forge): Promise<void> {
  const service = await TestService.open({
    activationDelaySeconds: 0,
    ...(store !== undefined && { store }),
  });
  t.teardown(() => service.close());
  const { vault } = service;
  const rewrap = (epoch: number, dryRun?: boolean) => rewrapAll(service, epoch, dryRun);
  const epochs = () =>
    service.snapshot(async (rows) => {
      const boxes = [
        ...(await rows.objects(0)).flatMap(({ box, value }) => (value === null ? [box] : [box, value])),
        ...(await rows.records(0)).map(({ box }) => box),
      ];
      return new Set(boxes.map((box) => readEpoch(box)));
    });

  const ids: string[] = [];
  for (let at = 0; at < 70; at += 1) ids.push(await storedKey(service, named(`key ${at}`)));
  const value = { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(9_000).fill(7) };
  const { UniqueIdentifier: large } = await succeed(service, '2.1', Register, {
    ObjectType: 'OpaqueObject',
    Attributes: having(named('large')),
    Object: { type: 'OpaqueObject', value },
  });
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: ids.pop() as string });
  const valueOf = async (id: string) =>
    JSON.stringify(await succeed(service, '2.1', Get, { UniqueIdentifier: id }));
  const everything = [...ids, large];
  const before = await Promise.all(everything.map(valueOf));
  const total = ids.length + 2;

  await t.test('nothing is older than the first epoch', async (t) => {
    t.match(await rewrap(1, true), { older: 0 });
    t.strictSame(await epochs(), new Set([1]));
  });

  await t.test('every row is sealed under the new epoch, once, and says the same', async (t) => {
    const epoch = await vault.rotate();
    const counted = await rewrap(epoch, true);
    t.ok(counted.older >= total, `${counted.older} rows`);
    t.equal(counted.rewrapped, 0);
    t.strictSame(await epochs(), new Set([1]), 'counting changes nothing');
    t.strictSame(await rewrap(epoch), { ...counted, rewrapped: counted.older });
    t.strictSame(await epochs(), new Set([epoch]));
    t.strictSame(await rewrap(epoch), { older: 0, rewrapped: 0, broken: [] });
    t.strictSame(await Promise.all(everything.map(valueOf)), before);
    t.strictSame(await findProblems(service), []);
  });

  await t.test('whoever changes a row meanwhile loses nothing', async (t) => {
    const epoch = await vault.rotate();
    const change = (id: string) =>
      succeed(service, '2.1', AddAttribute, {
        UniqueIdentifier: id,
        NewAttribute: { name: 'Comment', value: `changed ${id}` },
      });
    const [rewrapped] = await Promise.all([rewrap(epoch), ...ids.map(change)]);
    t.equal(rewrapped.broken.length, 0);
    t.match(await rewrap(epoch), { older: 0 });
    for (const id of ids) {
      const comment = (await attributesOf(service, id)).find(({ name }) => name === 'Comment');
      t.equal(comment?.value, `changed ${id}`);
    }
    t.strictSame(await findProblems(service), []);
  });

  await t.test('a row that was altered is named, and keeps no other from it', async (t) => {
    const epoch = await vault.rotate();
    const [first = ''] = ids;
    await forge(`update managed_object set object_type = 'SecretData' where id = '${first}'`);
    const { older, rewrapped, broken } = await rewrap(epoch);
    t.strictSame(broken, [`managed_object "${first}"`]);
    t.equal(rewrapped, older - 1);
    t.match(await rewrap(epoch, true), { older: 1 });
    t.equal((await findProblems(service)).length, 1);
  });
}
