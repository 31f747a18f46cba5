import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { verifyRows } from '../../../src/cli/verification/verify-rows.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { countValues } from '../../../src/protocol/misplaced-values.ts';
import { rewrapPage } from '../../../src/protocol/rewrap.ts';
import { FakeToken } from '../../fake-token.ts';
import { ask, named, storedKey, succeed } from '../operations/ask.ts';
import { createAesPayload2x, TestService } from '../service.ts';

/** Epochs, roots and modes that are replaced and end while a message waits for the token. */

/** As many values of one message ask the token together. */
const together = 16;

/** Holds calls of a token from that number of calls on, until `go`; then those from the next number on. */
function holdFrom(token: FakeToken, count: () => number, from: readonly number[]) {
  const held = from.map((number) => ({ number, ...Promise.withResolvers<void>() }));
  Object.defineProperty(token, 'hold', {
    configurable: true,
    get: () => held.findLast(({ number }) => count() >= number)?.promise,
  });
  return {
    async reached(at: number) {
      while (count() < (from[at] ?? 0) || token.atOnce === 0) await turn();
    },
    go: (at: number) => held[at]?.resolve(),
  };
}

async function open(t: Test) {
  const token = new FakeToken();
  const service = await TestService.open({ token, activationDelaySeconds: 0 });
  t.teardown(() => service.close());
  const { vault, database } = service;

  return {
    ...{ token, service, vault },
    create: (count: number) =>
      service.batch(
        '2.1',
        Array.from({ length: count }, () => ({ operation: 'Create', payload: createAesPayload2x() })),
      ),
    rewrap: () =>
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
      ),
    places: () => countValues(database.sealedRows, vault),
    verify: () => service.snapshot((rows) => verifyRows(rows, vault, async () => {})),
    async readAll(answers: readonly { readonly id: string | undefined }[]) {
      for (const { id } of answers) await succeed(service, '2.1', Get, { UniqueIdentifier: id });
    },
  };
}

t.test('a batch loses no value of an epoch that is retired before its commit', async (t) => {
  const { token, vault, create, verify, readAll, service } = await open(t);
  const calls = holdFrom(token, () => token.wraps, [together, 2 * together]);
  const made = create(2 * together + 4);
  await calls.reached(0);
  await vault.rotate();
  calls.go(0);
  await calls.reached(1);
  await vault.retire(vault.currentEpoch);
  calls.go(1);
  const answers = await made;
  t.equal(answers.length, 2 * together + 4);
  for (const { status } of answers) t.equal(status, 'Success');
  await readAll(answers);
  t.match(await verify(), { problems: [], oldestEpoch: 2 });
  t.same(service.unexpected, []);
});

t.test('a value is sealed again when its epoch has ended while the token was asked', async (t) => {
  const { token, vault, create, readAll, service } = await open(t);
  const calls = holdFrom(token, () => token.wraps, [0, 1]);
  calls.go(1);
  const made = create(1);
  await calls.reached(0);
  await vault.rotate();
  await vault.retire(vault.currentEpoch);
  calls.go(0);
  const answers = await made;
  t.match(answers, [{ status: 'Success' }]);
  await readAll(answers);
  t.same(service.unexpected, []);
});

t.test('a batch leaves no value in a mode or under a root that was replaced meanwhile', async (t) => {
  const { token, vault, create, places, readAll } = await open(t);
  const calls = holdFrom(token, () => token.wraps, [together]);
  const made = create(together + 1);
  await calls.reached(0);
  const next = new FakeToken('next');
  await vault.addRoot(next);
  calls.go(0);
  await readAll(await made);
  t.match(await places(), { direct: [{ root: next.id, count: together + 1 }], misplaced: 0 });

  const others = holdFrom(next, () => next.wraps, [next.wraps + together]);
  const last = create(together + 1);
  await others.reached(0);
  vault.direct.mode = 'envelope';
  others.go(0);
  await readAll(await last);
  t.match(await places(), { direct: [{ count: together + 1 }], envelope: together + 1 });
});

t.test('a Get whose epoch is retired while the token is asked raises no alarm', async (t) => {
  const { token, vault, rewrap, service } = await open(t);
  const id = await storedKey(service, named('key'));
  const calls = holdFrom(token, () => token.unwraps, [0, 1]);
  calls.go(1);
  const slow = ask(service, '2.1', Get, { UniqueIdentifier: id });
  await calls.reached(0);
  // The rewrap has a token that is not slow.
  Object.defineProperty(token, 'hold', { value: undefined, configurable: true, writable: true });
  await vault.rotate();
  t.match(await rewrap(), { older: 1, rewrapped: 1 });
  await vault.retire(vault.currentEpoch);
  calls.go(0);
  const message = 'the value was sealed anew meanwhile: try again';
  t.match(await slow, { status: 'OperationFailed', reason: 'GeneralFailure', message });
  await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  t.same(service.unexpected, [], 'nobody is told of a forged row');
});
