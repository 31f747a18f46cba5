import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import type { PlainKey } from '../../src/crypto/plain-key.ts';
import { operations } from '../../src/operations/index.ts';
import { MultiPartOperations } from '../../src/protocol/batch/multi-part.ts';
import { Maintenance } from '../../src/protocol/jobs/maintenance.ts';
import { decode, encode, type RequestItem, requestMessage, valueOf } from '../client.ts';
import { ask, outcome, payloadOf, succeed } from './operations/ask.ts';
import { answersOf, TestService } from './service.ts';
import { type StreamKind, streamKinds } from './streams.ts';

/** Tests of what data in parts keeps of its requests, and for how long. */

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const { partsMilliseconds, partsTotalMilliseconds } = defaultLimits;
const partsBytes = 4_096;
const service = await TestService.open({ limits: { partsBytes } });
t.teardown(() => service.close());
const kinds = await streamKinds(service);
const Data = new Uint8Array(64);

const itemOf = ({ operation }: StreamKind, request: object): RequestItem => ({
  operation: operation.name,
  payload: (payloadOf('2.1', operation, request) as Node & { type: 'Structure' }).value,
});
const firstOf = ({ common, first }: StreamKind, more: object = {}) => ({
  ...common,
  ...first,
  Data,
  InitIndicator: true,
  ...more,
});
const begin = async (kind: StreamKind) =>
  ((await succeed(service, '2.1', kind.operation, firstOf(kind))) as { CorrelationValue: Uint8Array })
    .CorrelationValue;
const go = (kind: StreamKind, CorrelationValue: Uint8Array, more: object = {}) =>
  outcome(service, '2.1', kind.operation, { ...kind.common, CorrelationValue, ...more });

/** Whether that memory is free; the garbage collector needs a turn of the event loop after the last use. */
async function isFree(memory: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 20 && memory.deref() !== undefined; turn += 1) {
    await new Promise(setImmediate);
    collectGarbage();
  }
  return memory.deref() === undefined;
}

t.test('the table has every operation that takes parts', async (t) => {
  const parted = [...operations.values()].filter(({ request }) => 'InitIndicator' in request.fields);
  t.same(new Set(kinds.map(({ operation }) => operation.name)), new Set(parted.map(({ name }) => name)));
});

t.test('no stream keeps the memory of a request', async (t) => {
  for (const kind of kinds) {
    const requests: WeakRef<object>[] = [];
    const send = async (request: object) => {
      const bytes = encode(requestMessage('2.1', [itemOf(kind, request)]));
      requests.push(new WeakRef(bytes.buffer), new WeakRef(bytes));
      const [answer] = answersOf(decode(await service.send(bytes)));
      t.equal(answer?.status, 'Success', `${kind.name}: ${answer?.message}`);
      return answer?.payload && valueOf(answer.payload, 'CorrelationValue');
    };
    const kept = Object.values(kind.kept).map((make) => make(16));
    const CorrelationValue = await send(firstOf(kind, Object.assign({}, ...kept)));
    await send({ ...kind.common, Data, CorrelationValue });
    for (const memory of requests) t.ok(await isFree(memory), kind.name);
    t.equal(await go(kind, CorrelationValue as Uint8Array), 'Success', `${kind.name}: and it waits still`);
    await go(kind, CorrelationValue as Uint8Array, { FinalIndicator: true });
  }
});

t.test('what a stream keeps of its first part is counted', async (t) => {
  for (const kind of kinds) {
    for (const [name, make] of Object.entries(kind.kept)) {
      const data = { Data: new Uint8Array() };
      const fitting = await ask(service, '2.1', kind.operation, firstOf(kind, { ...make(4_000), ...data }));
      t.equal(fitting.status, 'Success', `${kind.name}: ${name}`);
      const { CorrelationValue } = fitting.payload as { CorrelationValue: Uint8Array };
      await go(kind, CorrelationValue, { FinalIndicator: true });
      const request = firstOf(kind, { ...make(partsBytes + 1), ...data });
      const refused = await outcome(service, '2.1', kind.operation, request);
      t.equal(refused, 'ServerLimitExceeded', `${kind.name}: ${name}, a byte more`);
    }
  }
  const encrypting = kinds.find(({ name }) => name === 'Encrypt, GCM') as StreamKind;
  const passed = { AuthenticatedEncryptionAdditionalData: new Uint8Array(partsBytes + 1) };
  const { payload } = await ask(service, '2.1', encrypting.operation, firstOf(encrypting, passed));
  const { CorrelationValue } = payload as { CorrelationValue: Uint8Array };
  t.equal(await go(encrypting, CorrelationValue), 'Success', 'additional data that is not kept');
});

t.test('parts without data do not keep a stream for longer', async (t) => {
  for (const kind of kinds) {
    const value = await begin(kind);
    service.now += partsMilliseconds - 1;
    for (const empty of [{}, { Data: new Uint8Array() }])
      t.equal(await go(kind, value, empty), 'Success', `${kind.name}: before its end`);
    service.now += 1;
    t.equal(await go(kind, value), 'InvalidCorrelationValue', `${kind.name}: at its end`);
  }
});

t.test('a stream has an end however its parts come', async (t) => {
  for (const kind of kinds) {
    const value = await begin(kind);
    const step = partsMilliseconds - 1;
    const last = Math.floor((partsTotalMilliseconds - 1) / step);
    for (let n = 0; n < last; n += 1) {
      service.now += step;
      t.equal(await go(kind, value, { Data }), 'Success', kind.name);
    }
    service.now += partsTotalMilliseconds - last * step - 1;
    t.equal(await go(kind, value, { Data }), 'Success', `${kind.name}: before the end`);
    service.now += 1;
    t.equal(await go(kind, value, { Data }), 'InvalidCorrelationValue', `${kind.name}: at the end`);
  }
});

/** Streams without a service, each with a state of which only the stream and the reference know. */
function bare(now: { ms: number }) {
  const parts = new MultiPartOperations({
    limits: defaultLimits,
    random: nodeCrypto.random,
    clock: () => now.ms,
  });
  const yes = async () => true;
  const access = { isInForce: yes, isEnrolled: yes, async eraseAnswersWith() {}, async require() {} };
  const principal = { client: 'c', group: 'g', may: () => true };
  const begin = async (): Promise<WeakRef<object>> => {
    const message = {};
    const port = parts.forItem({ item: {}, message, principal, access, afterCommit: (effect) => effect() });
    let state: WeakRef<object> | undefined;
    const start = () => {
      const made = { key: new Uint8Array(16) };
      state = new WeakRef(made);
      return made;
    };
    await port.take({ operation: 'Hash', request: { InitIndicator: true }, start }, () => ({}));
    parts.settle(message);
    return state as WeakRef<object>;
  };
  return { parts, begin };
}

t.test(
  'streams whose time is over are freed without a further part, and all when the server stops',
  async (t) => {
    const now = { ms: 0 };
    const { parts, begin } = bare(now);
    const old = await begin();
    now.ms = 1;
    const young = await begin();
    now.ms = partsMilliseconds;
    t.notOk(await isFree(old));
    parts.dropExpired();
    t.ok(await isFree(old));
    t.notOk(await isFree(young));
    parts.close();
    t.ok(await isFree(young));
    await t.rejects(begin(), /the server stops/);
  },
);

t.test('the background tasks free them', async (t) => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { store, vault } = service;
  const tasks = new Maintenance({
    store,
    vault,
    queue: { lookForJobs: () => Promise.resolve() },
    contexts: { dropExpired: () => resolve(true), removeTokenKeys: async () => {} },
    ...{ now: () => 0, waitingPeriods: { run: async () => {} } },
  });
  t.teardown(() => tasks.stop());
  t.ok(await promise);
});

t.test('no stream keeps the memory that its key is part of', async (t) => {
  const { startEncryption, startDecryption, startMac } = nodeCrypto;
  const gcm = { BlockCipherMode: 'GCM' } as const;
  const cbc = { BlockCipherMode: 'CBC' } as const;
  const long = { iv: new Uint8Array(12) };
  const block = { iv: new Uint8Array(16) };
  const starts: Record<string, (key: PlainKey) => object> = {
    'Encrypt, GCM': (key) => startEncryption(key, gcm, long),
    'Encrypt, CBC': (key) => startEncryption(key, cbc, block),
    'Decrypt, GCM': (key) => startDecryption(key, gcm, { ...long, appendedTag: true }),
    'Decrypt, CBC': (key) => startDecryption(key, cbc, { ...block, appendedTag: false }),
    HMAC: (key) => startMac(key, { CryptographicAlgorithm: 'HMAC_SHA256' }),
    CMAC: (key) => startMac(key, { CryptographicAlgorithm: 'AES' }),
  };
  for (const [name, start] of Object.entries(starts)) {
    const begin = () => {
      const stored = new Uint8Array(1_000);
      const KeyMaterial = stored.subarray(100, 116);
      const format = { objectType: 'SymmetricKey', KeyFormatType: 'Raw' } as const;
      const key: PlainKey = { ...format, KeyMaterial, CryptographicAlgorithm: 'AES' };
      return { memory: new WeakRef(stored.buffer), stream: start(key) };
    };
    const { memory, stream } = begin();
    t.ok(await isFree(memory), name);
    t.ok(stream, 'it is in use');
  }
});
