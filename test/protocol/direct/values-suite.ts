import { setImmediate as turn } from 'node:timers/promises';
import type { Test } from 'tap';
import { verifyRows } from '../../../src/cli/verification/verify-rows.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Activate } from '../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { countValues } from '../../../src/protocol/misplaced-values.ts';
import { rewrapPage } from '../../../src/protocol/rewrap.ts';
import { isDirectValue } from '../../../src/vault/vault.ts';
import { text } from '../../client.ts';
import { FakeToken } from '../../fake-token.ts';
import { aes, ask, having, named, storedKey, succeed } from '../operations/ask.ts';
import { TestService } from '../service.ts';

/** Changes rows of the database beside kmipd. */
export type Forge = (sql: string) => Promise<void>;

const away = {
  status: 'OperationFailed',
  reason: 'GeneralFailure',
  message: 'the token that protects the value cannot be used now: try again',
};

/** Values under data keys of a token, in the database of that URL. */
export async function directValuesSuite(t: Test, store: string, forge: Forge): Promise<void> {
  const token = new FakeToken();
  const service = await TestService.open({ store, token, activationDelaySeconds: 0 });
  t.teardown(() => service.close());
  t.beforeEach(() => Object.assign(token, { isAway: false, hold: undefined, wraps: 0, unwraps: 0 }));
  const { database, vault } = service;
  const get = (id: string) => ask(service, '2.1', Get, { UniqueIdentifier: id });
  const rowOf = async (id: string) => (await service.store.load('g', [id]))[0];
  const verify = () => service.snapshot((rows) => verifyRows(rows, vault, async () => {}));
  async function rewrap(dryRun = false) {
    const total = { older: 0, misplaced: 0, rewrapped: 0 };
    const sealed = {
      store: service.store,
      vault,
      sealedRows: database.sealedRows,
      audit: { reseal: (row: number) => database.resealBlock(row, vault) },
    };
    const options = { epoch: vault.currentEpoch, now: Math.floor(service.now / 1000), dryRun };
    for (let after: number | null = 0; after !== null; ) {
      const page = await rewrapPage(sealed, 'managed_object', after, options);
      t.same(page.broken, []);
      for (const name of ['older', 'misplaced', 'rewrapped'] as const) total[name] += page[name];
      after = page.next;
    }
    return total;
  }

  const rewrapOnce = () =>
    rewrapPage(
      {
        store: service.store,
        vault,
        sealedRows: database.sealedRows,
        audit: { reseal: (row: number) => database.resealBlock(row, vault) },
      },
      'managed_object',
      0,
      {
        ...{ epoch: vault.currentEpoch, now: Math.floor(service.now / 1000), dryRun: false },
      },
    );

  const id = await storedKey(service, named('key'));
  const reference = await succeed(service, '2.1', Get, { UniqueIdentifier: id });

  await t.test('have a box of their own, and ask the token for each Get', async (t) => {
    const row = await rowOf(id);
    t.ok(row?.value && isDirectValue(row.value));
    await get(id);
    t.equal(token.unwraps, 1);
    t.same(await succeed(service, '2.1', Get, { UniqueIdentifier: id }), reference);
    t.equal(token.unwraps, 2, 'nothing is remembered');
    t.equal(token.wraps, 0);
    const { problems, objects } = await verify();
    t.same({ problems, objects }, { problems: [], objects: 1 });
    t.equal(token.unwraps, 2, 'a verification does not ask the token');
  });

  await t.test('are asked for once in a batch, and not for attributes', async (t) => {
    const item = { operation: 'Get', payload: [text('UniqueIdentifier', id)] };
    for (const { status } of await service.batch('2.1', [item, item])) t.equal(status, 'Success');
    t.equal(token.unwraps, 1);
    token.unwraps = 0;
    await succeed(service, '2.1', GetAttributes, { UniqueIdentifier: id, AttributeReference: [] });
    await succeed(service, '2.1', AddAttribute, {
      UniqueIdentifier: id,
      NewAttribute: { name: 'ContactInformation', value: 'somebody' },
    });
    await succeed(service, '2.1', Locate, { Attributes: [named('key')] });
    t.same([token.wraps, token.unwraps], [0, 0]);
    t.same(await succeed(service, '2.1', Get, { UniqueIdentifier: id }), reference);
  });

  await t.test('are refused in one line while the token is away, and nothing else is', async (t) => {
    const other = await storedKey(service, named('other'));
    token.isAway = true;
    t.match(await get(id), away);
    const Attributes = having(...aes);
    t.match(await ask(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes }), away);
    await succeed(service, '2.1', Activate, { UniqueIdentifier: other });
    await succeed(service, '2.1', Locate, { Attributes: [named('other')] });
    const RevocationReason = { RevocationReasonCode: 'KeyCompromise' } as const;
    await succeed(service, '2.1', Revoke, { UniqueIdentifier: other, RevocationReason });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: other });
    token.isAway = false;
    t.same(await succeed(service, '2.1', Get, { UniqueIdentifier: id }), reference, 'recovers by itself');
    t.same(service.unexpected, []);
  });

  await t.test('let other requests be served while the token is slow', async (t) => {
    const held = Promise.withResolvers<void>();
    token.hold = held.promise;
    const gets = [get(id), get(id)];
    while (token.atOnce < 2) await turn();
    await succeed(service, '2.1', GetAttributes, { UniqueIdentifier: id, AttributeReference: [] });
    held.resolve();
    for (const { status } of await Promise.all(gets)) t.equal(status, 'Success');
  });

  await t.test(
    'of other objects do not open in a row, nor altered ones, and the token is not asked',
    async (t) => {
      const [one, two] = [await storedKey(service, named('one')), await storedKey(service, named('two'))];
      const [first, second] = [await rowOf(one), await rowOf(two)];
      const hex = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('hex');
      const literal = (bytes: string) => (store.startsWith('sqlite:') ? `x'${bytes}'` : `'\\x${bytes}'`);
      const put = async (value: string) => {
        await forge(`update managed_object set value = ${literal(value)} where id = '${one}'`);
        // Reads of one turn of the event loop see one state of SQLite.
        await turn();
      };
      const own = hex(first?.value);
      token.unwraps = 0;
      await put(hex(second?.value));
      t.match(await get(one), { status: 'OperationFailed', reason: 'GeneralFailure' });
      // The wrapped data secret of another object in the own box.
      const wrapped = own.slice(0, 56) + hex(second?.value).slice(56, 56 + 2 * 70) + own.slice(56 + 2 * 70);
      t.equal(wrapped.length, own.length);
      for (const value of [
        wrapped,
        `${own.slice(0, -2)}${own.endsWith('00') ? '01' : '00'}`,
        own.slice(0, 80),
      ]) {
        await put(value);
        t.match(await get(one), { status: 'OperationFailed', reason: 'GeneralFailure' });
        t.ok((await verify()).problems.length > 0, 'a verification finds it');
      }
      t.equal(token.unwraps, 0);
      await put(own);
      t.match(await get(one), { status: 'Success' });
      t.same((await verify()).problems, []);
      service.unexpected.length = 0;
    },
  );

  await t.test('move by a rewrap to the other mode and back, and rotate', async (t) => {
    const value = { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(9_000).fill(7) };
    const { UniqueIdentifier: large } = await succeed(service, '2.1', Register, {
      ObjectType: 'OpaqueObject',
      Attributes: having(named('large')),
      Object: { type: 'OpaqueObject', value },
    });
    const ids = [id, large as string];
    const before = await Promise.all(ids.map(get));
    const total = (await countValues(database.sealedRows, vault)).direct[0]?.count ?? 0;
    t.ok(total >= 4);
    vault.direct.mode = 'envelope';
    t.same(await countValues(database.sealedRows, vault), {
      direct: [{ root: token.id, count: total }],
      ...{ envelope: 0, misplaced: total },
    });
    t.same(
      (await Promise.all(ids.map(get))).map(({ payload }) => payload),
      before.map(({ payload }) => payload),
    );
    t.same(await rewrap(), { older: 0, misplaced: total, rewrapped: total });
    token.isAway = true;
    t.same(
      (await Promise.all(ids.map(get))).map(({ payload }) => payload),
      before.map(({ payload }) => payload),
    );
    token.isAway = false;
    t.same(await countValues(database.sealedRows, vault), { direct: [], envelope: total, misplaced: 0 });
    vault.direct.mode = 'direct';
    await succeed(service, '2.1', AddAttribute, {
      UniqueIdentifier: id,
      NewAttribute: { name: 'Comment', value: 'another' },
    });
    t.equal((await rowOf(id))?.value, null, 'a change of attributes does not ask the token');
    t.same(await rewrap(true), { older: 0, misplaced: total, rewrapped: 0 });
    t.same(await rewrap(), { older: 0, misplaced: total, rewrapped: total });
    await vault.rotate();
    const objects = (await verify()).objects;
    t.match(await rewrap(), { older: objects, misplaced: 0, rewrapped: objects });
    t.same(await rewrap(true), { older: 0, misplaced: 0, rewrapped: 0 });
    t.same(
      (await Promise.all(ids.map(get))).map(({ payload }) => payload),
      before.map(({ payload }) => payload),
    );
    t.same((await verify()).problems, []);
  });

  await t.test('move from one token to another before the first may go', async (t) => {
    const rsa = new FakeToken('rsa');
    rsa.refusal = 'an RSA key is not for values';
    await t.rejects(vault.addRoot(rsa), { message: rsa.refusal });
    await t.rejects(vault.addRoot({ uri: 'file:root', open: () => rsa.open() }), {
      message: 'values = "direct" needs a root that is a key in a token: file:root is none',
    });
    t.same(
      vault.status().roots.map((each) => each.id),
      [token.id],
      'no such root becomes the newest',
    );
    const next = new FakeToken('next');
    const [held, wraps] = [Promise.withResolvers<void>(), token.wraps];
    token.hold = held.promise;
    const slow = storedKey(service, named('begun before'));
    while (token.atOnce === 0) await turn();
    const root = await vault.addRoot(next);
    t.equal(vault.direct.root, root);
    token.hold = undefined;
    held.resolve();
    await slow;
    t.strictSame([token.wraps, next.wraps], [wraps + 1, 1], 'a value is under the root that is the newest');
    const made = await storedKey(service, named('made meanwhile'));
    t.equal(next.wraps, 2, 'new values are under the newest root');
    const { direct, misplaced } = await countValues(database.sealedRows, vault);
    t.same(new Set(direct.map((each) => each.root)), new Set([token.id, next.id]));
    t.same(await rewrap(), { older: 0, misplaced, rewrapped: misplaced });
    t.same((await countValues(database.sealedRows, vault)).direct, [{ root: next.id, count: misplaced + 2 }]);
    const misses = { message: 'a value is left' };
    await t.rejects(
      vault.keepRoot(root, async () => {
        throw new Error(misses.message);
      }),
      misses,
    );
    t.equal(vault.status().roots.length, 2, 'nothing has changed');
    await vault.keepRoot(root);
    token.isAway = true;
    for (const each of [id, made]) t.match(await get(each), { status: 'Success' });
    t.same((await get(id)).payload, reference);
    token.isAway = false;
    const back = await vault.addRoot(token);
    const late = await storedKey(service, named('sealed by who does not know of the end'));
    await vault.keepRoot(root);
    t.equal((await get(late)).reason, 'GeneralFailure');
    // It holds up no other row of the rewrap.
    await vault.rotate();
    const [page] = [await rewrapOnce()];
    t.match(page, { rewrapped: page.older - 1 });
    t.equal(page.broken.length, 1);
    t.match(
      page.broken[0],
      `managed_object "${late}" (no root of [vault] root is a key in a token with the id ${back},`,
    );
    await vault.useSources([next, token]);
    t.match(await get(late), { status: 'Success' }, 'a root that is not live opens it all the same');
    t.equal(vault.direct.root, root);
    const after = await countValues(database.sealedRows, vault);
    t.same(after.direct.find((each) => each.root === back)?.count, 1);
    t.match(await rewrap(), { misplaced: 1, rewrapped: 1 });
    t.same(
      new Set((await countValues(database.sealedRows, vault)).direct.map((each) => each.root)),
      new Set([root]),
    );
  });
}
