import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { enumerated, integer, type RequestItem } from '../client.ts';
import { ask, attributeOf, payloadOf, succeed } from './operations/ask.ts';
import { createAesPayload2x, outline, TestService, uid } from './service.ts';
import { streamKinds } from './streams.ts';

/** A part whose item was dropped ends its stream, and its use stays counted. */

const service = await TestService.open({ limits: { partsPerClient: 1 } });
t.teardown(() => service.close());

const Data = new Uint8Array(64);
const limits: Attribute = {
  name: 'UsageLimits',
  value: { UsageLimitsTotal: 1_000_000n, UsageLimitsUnit: 'Byte' },
};
const kinds = await streamKinds(service, limits);
/** The operations that Usage Limits count. */
const counted: ReadonlySet<AnyOperation> = new Set<AnyOperation>([Encrypt, MAC]);

const item = (operation: AnyOperation, request: object): RequestItem => ({
  operation: operation.name,
  payload: (payloadOf('2.1', operation, request) as Node & { type: 'Structure' }).value,
});
const failing: RequestItem = { operation: 'Get', payload: [uid('nobody')] };
const leftOf = async (id: string) =>
  ((await attributeOf(service, id, 'UsageLimits')) as { UsageLimitsCount: bigint }).UsageLimitsCount;

/** Sends a batch while the store answers its commits as given; the store itself commits when none is left. */
async function withCommits(
  results: readonly (() => Promise<'conflict'>)[],
  send: () => Promise<unknown>,
): Promise<void> {
  const { store } = service;
  const commit = store.commit.bind(store);
  const waiting = [...results];
  store.commit = (unit) => waiting.shift()?.() ?? commit(unit);
  try {
    await send();
  } finally {
    store.commit = commit;
  }
}
const conflict = () => Promise.resolve('conflict' as const);

/** Each way in which an item is dropped after its part was taken, and whether its use is committed. */
const ways: Record<string, { isCounted: boolean; drop(part: RequestItem): Promise<void> }> = {
  Undo: {
    isCounted: true,
    async drop(part) {
      const undo = [enumerated('BatchErrorContinuationOption', 3)];
      const answers = await service.batch('2.1', [part, failing], undo);
      t.equal(answers[0]?.status, 'OperationUndone');
      t.equal(answers[0]?.payload, undefined);
    },
  },
  'Maximum Response Size': {
    isCounted: true,
    async drop(part) {
      const answers = await service.batch('2.1', [part], [integer('MaximumResponseSize', 130)]);
      t.equal(outline(answers), `${part.operation}:ResponseTooLarge`);
    },
  },
  'a failed commit': {
    isCounted: false,
    drop: (part) =>
      withCommits([() => Promise.reject(new StoreUnavailableError('full'))], async () => {
        const answers = await service.batch('2.1', [create(), part]);
        t.same(
          answers.map(({ reason, payload }) => [reason, payload]),
          [
            ['GeneralFailure', undefined],
            ['GeneralFailure', undefined],
          ],
        );
      }),
  },
  'a conflict that is lost every time': {
    isCounted: false,
    drop: (part) =>
      withCommits(Array(200).fill(conflict), async () => {
        const answers = await service.batch('2.1', [create(), part]);
        t.equal(answers[1]?.reason, 'GeneralFailure');
        t.equal(answers[1]?.payload, undefined);
      }),
  },
};

/** An item that makes the message commit. */
function create(): RequestItem {
  return { operation: 'Create', payload: createAesPayload2x() };
}

for (const { name, operation, common, first } of kinds) {
  t.test(`${name}: a part that is dropped ends its stream`, async (t) => {
    const begin = { ...common, ...first, Data, InitIndicator: true };
    const { UniqueIdentifier: key = '' } = common as { UniqueIdentifier?: string };
    const left = async () => (counted.has(operation) ? leftOf(key) : 0n);
    const start = async () => {
      const answer = (await succeed(service, '2.1', operation, begin)) as { CorrelationValue: Uint8Array };
      return answer.CorrelationValue;
    };
    const go = (CorrelationValue: Uint8Array, more: object = {}) =>
      ask(service, '2.1', operation, { ...common, Data, CorrelationValue, ...more });
    const known = await start();
    t.equal((await go(known)).status, 'Success', 'a kept stream continues');
    await go(known, { FinalIndicator: true });
    for (const [way, { isCounted, drop }] of Object.entries(ways)) {
      const before = await left();
      await drop(item(operation, begin));
      t.equal((await go(known)).reason, 'InvalidCorrelationValue', `${way}: the first part`);
      t.same(await start(), known, 'the slot is free');
      const middle = await left();
      await drop(item(operation, { ...common, Data, CorrelationValue: known }));
      t.equal((await go(known)).reason, 'InvalidCorrelationValue', `${way}: a later part`);
      if (!counted.has(operation)) continue;
      const uses = isCounted ? 64n : 0n;
      t.equal(before - middle, uses + 64n, `${way}: uses of the first parts`);
      t.equal(middle - (await left()), uses, `${way}: use of the later part`);
    }
  });
}
