import t, { type Test } from 'tap';
import { isWithin, type Version, versions } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import {
  children,
  enumerated,
  integer,
  item,
  type RequestItem,
  structure,
  text,
  valueOf,
} from '../client.ts';
import {
  cancel,
  correlationField,
  gatedOperation,
  listJobs,
  mandatory,
  poll,
  process,
  submit,
  waitForJobs,
  withItemIds,
} from './jobs.ts';
import {
  type Answer,
  attribute1x,
  createAesPayload2x,
  outline,
  type ServiceOptions,
  TestService,
  uid,
} from './service.ts';

async function opened(t: Test, options: ServiceOptions = {}): Promise<TestService> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  return service;
}

const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };
const getNothing: RequestItem = { operation: 'Get', payload: [uid('nothing')] };
const unknown = new Uint8Array(20);

t.test(
  'a request with Mandatory is answered as pending, and Poll fetches its answer when it is done',
  async (t) => {
    const service = await opened(t);
    const { answers, values } = await submit(service, '2.1', [
      { ...create, uniqueBatchItemID: Uint8Array.of(1) },
      { operation: 'Activate', payload: [], uniqueBatchItemID: Uint8Array.of(2) },
    ]);
    t.equal(outline(answers), 'Create:OperationPending Activate:OperationPending');
    t.strictSame(
      answers.map(({ batchItemID, payload, reason }) => [batchItemID, payload, reason]),
      [
        ['01', undefined, undefined],
        ['02', undefined, undefined],
      ],
    );
    t.equal(new Set(values.map((value) => value.toHex())).size, 2, 'a value for each item');
    await waitForJobs(service);
    const first = await poll(service, '2.1', values[0]);
    t.equal(outline([first]), 'Create:Success');
    t.equal(first.correlation, undefined);
    const second = await poll(service, '2.1', values[1]);
    t.equal(outline([second]), 'Activate:Success');
    t.equal(second.id, first.id, 'the ID Placeholder means what it means at once');
    t.equal(await service.state(first.id as string), 2);
    t.strictSame(await poll(service, '2.1', values[0]), first, 'fetched again');
  },
);

t.test('Poll answers as pending until the job is done', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation] });
  for (const version of ['2.0', '2.1'] as const) {
    const { values } = await submit(service, version, [{ operation: 'RNGSeed' }]);
    const pending = await poll(service, version, values[0]);
    t.equal(outline([pending]), 'Poll:OperationPending');
    t.strictSame(pending.correlation, values[0]);
    t.equal(pending.payload, undefined);
    gate.open();
    await waitForJobs(service);
    t.equal(outline([await poll(service, version, values[0])]), 'RNGSeed:Success');
    gate.close();
  }
});

t.test('a request with Optional is answered as pending only when its operation may be slow', async (t) => {
  const gate = gatedOperation('RNGSeed', true);
  const service = await opened(t, { extra: [gate.operation], limits: { jobBytes: 400 } });
  const seed = { operation: 'RNGSeed' };
  const allowing = (version: Version) =>
    isWithin(version, '2.0')
      ? [enumerated('AsynchronousIndicator', 2)]
      : [item('AsynchronousIndicator', 'Boolean', true)];
  for (const version of ['1.2', '1.4', '2.0', '2.1'] as const) {
    const header = allowing(version);
    const batch = (items: readonly RequestItem[], extra: readonly Node[] = []) =>
      service.batch(version, items, [...header, ...extra]);
    const { answers, values } = await submit(service, version, [seed], header);
    t.equal(outline(answers), 'RNGSeed:OperationPending', version);
    t.equal(outline([await poll(service, version, values[0])]), 'Poll:OperationPending');
    gate.open();
    await waitForJobs(service);
    t.equal(outline([await poll(service, version, values[0])]), 'RNGSeed:Success');
    t.equal(outline(await batch([{ operation: 'Get', payload: [uid('x')] }])), `Get:${notFound(version)}`);
    t.equal(
      outline(await batch([seed, { operation: 'Poll', payload: [correlationField(unknown)] }])),
      `RNGSeed:Success Poll:${unknownValue(version)}`,
      'not beside what cannot be later',
    );
    const large = { operation: 'Get', payload: [uid('x'.repeat(500))] };
    t.equal(outline(await batch([seed, large])), `RNGSeed:Success Get:${notFound(version)}`, 'too large');
    const prohibited = isWithin(version, '2.0')
      ? [enumerated('AsynchronousIndicator', 3)]
      : [item('AsynchronousIndicator', 'Boolean', false)];
    t.equal(outline(await service.batch(version, [seed], prohibited)), 'RNGSeed:Success');
    gate.close();
  }
});

t.test('a client that may not Poll gets its answer at once unless it demands a job', async (t) => {
  const gate = gatedOperation('RNGSeed', true);
  gate.open();
  const service = await opened(t, { extra: [gate.operation], may: (operation) => operation !== 'Poll' });
  const optional = [enumerated('AsynchronousIndicator', 2)];
  t.equal(outline(await service.batch('2.1', [{ operation: 'RNGSeed' }], optional)), 'RNGSeed:Success');
  t.equal(
    outline(await service.batch('2.1', [{ operation: 'RNGSeed' }], mandatory)),
    'RNGSeed:OperationPending',
  );
});

t.test('Create Key Pair is slow for large RSA keys only', async (t) => {
  const service = await opened(t);
  const pair = (algorithm: number, bits: number): RequestItem => ({
    operation: 'CreateKeyPair',
    payload: [
      structure(
        'CommonTemplateAttribute',
        attribute1x('Cryptographic Algorithm', enumerated('AttributeValue', algorithm)),
        attribute1x('Cryptographic Length', integer('AttributeValue', bits)),
      ),
      structure(
        'PrivateKeyTemplateAttribute',
        attribute1x('Cryptographic Usage Mask', integer('AttributeValue', 1)),
      ),
      structure(
        'PublicKeyTemplateAttribute',
        attribute1x('Cryptographic Usage Mask', integer('AttributeValue', 2)),
      ),
    ],
  });
  const header = [item('AsynchronousIndicator', 'Boolean', true)];
  t.equal(outline(await service.batch('1.4', [pair(4, 2048)], header)), 'CreateKeyPair:Success');
  const { answers, values } = await submit(service, '1.4', [pair(4, 4096)], header);
  t.equal(outline(answers), 'CreateKeyPair:OperationPending');
  await waitForJobs(service);
  const done = await poll(service, '1.4', values[0]);
  t.equal(outline([done]), 'CreateKeyPair:Success');
  const id = valueOf(done.payload as Node, 'PrivateKeyUniqueIdentifier') as string;
  const rekey = { operation: 'ReKeyKeyPair', payload: [text('PrivateKeyUniqueIdentifier', id)] };
  t.equal(outline(await service.batch('1.4', [rekey], header)), 'ReKeyKeyPair:OperationPending');
});

t.test('a job applies the batch option to its items', async (t) => {
  const service = await opened(t);
  const option = (value: number) => [...mandatory, enumerated('BatchErrorContinuationOption', value)];
  const cases: readonly [name: string, header: readonly Node[], expected: string, left: number][] = [
    ['Stop', option(2), 'Create:Success Get:ObjectNotFound Create:GeneralFailure', 1],
    ['Continue', option(1), 'Create:Success Get:ObjectNotFound Create:Success', 2],
    ['Undo', option(3), 'Create:OperationUndone Get:ObjectNotFound Create:GeneralFailure', 0],
  ];
  let objects = 0;
  for (const [name, header, expected, left] of cases) {
    const { values } = await submit(service, '2.1', withItemIds([create, getNothing, create]), header);
    await waitForJobs(service);
    const answers: Answer[] = [];
    for (const value of values) answers.push(await poll(service, '2.1', value));
    t.equal(outline(answers), expected, name);
    const found = await service.call('2.1', 'Locate', [structure('Attributes')]);
    const count = children(found.payload, 'UniqueIdentifier').length;
    t.equal(count - objects, left, `${name}: objects left`);
    objects = count;
  }
});

t.test('a request that cannot become a job is refused at once', async (t) => {
  const service = await opened(t, {
    limits: { jobBytes: 1_024 },
    may: (operation) => operation !== 'Locate',
  });
  const option = (value: number) => [...mandatory, enumerated('BatchErrorContinuationOption', value)];
  const asked = (operation: string): RequestItem => ({ operation, payload: [correlationField(unknown)] });
  const cases: readonly [name: string, items: readonly RequestItem[], header: readonly Node[], string][] = [
    ['Poll', [asked('Poll')], mandatory, 'Poll:FeatureNotSupported'],
    ['Cancel', [asked('Cancel')], mandatory, 'Cancel:FeatureNotSupported'],
    [
      'an operation of the role of another',
      [{ operation: 'Locate', payload: [structure('Attributes')] }],
      mandatory,
      'Locate:PermissionDenied',
    ],
    ['an operation nobody offers', [{ operation: 'Put' }], mandatory, 'Put:OperationNotSupported'],
    [
      'a message that is too large',
      [{ operation: 'Get', payload: [uid('x'.repeat(2_000))] }],
      mandatory,
      'Get:ServerLimitExceeded',
    ],
    ['Stop', [create, asked('Poll'), create], option(2), 'Create:OperationPending Poll:FeatureNotSupported'],
    [
      'Continue',
      [create, asked('Poll'), create],
      option(1),
      'Create:OperationPending Poll:FeatureNotSupported Create:OperationPending',
    ],
    ['Undo', [create, asked('Poll'), create], option(3), 'Create:OperationUndone Poll:FeatureNotSupported'],
    [
      'an answer beyond Maximum Response Size',
      [create, create],
      [integer('MaximumResponseSize', 200), ...mandatory],
      'Create:OperationPending Create:ResponseTooLarge',
    ],
  ];
  for (const [name, items, header, expected] of cases)
    t.equal(outline(await service.batch('2.1', withItemIds(items), header)), expected, name);
});

t.test('a job is refused when the client or the server has too many pending ones', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await opened(t, { extra: [gate.operation], limits: { jobs: 3, jobsPerClient: 2 } });
  for (const client of ['a', 'b']) service.otherClients.set(client, { client, group: 'g', may: () => true });
  const seed = async (client: string) => {
    service.sender = { client };
    return outline((await submit(service, '2.1', [{ operation: 'RNGSeed' }])).answers);
  };
  t.equal(await seed('a'), 'RNGSeed:OperationPending');
  t.equal(await seed('a'), 'RNGSeed:OperationPending');
  t.equal(await seed('a'), 'RNGSeed:ServerLimitExceeded');
  t.equal(await seed('b'), 'RNGSeed:OperationPending');
  t.equal(await seed('b'), 'RNGSeed:ServerLimitExceeded');
  gate.open();
  await waitForJobs(service);
  t.equal(await seed('a'), 'RNGSeed:OperationPending', 'a job is accepted again');
});

t.test("a correlation value is refused when it is unknown, malformed or another client's", async (t) => {
  const service = await opened(t);
  const { values } = await submit(service, '2.1', [create]);
  const guesses = [
    unknown,
    Uint8Array.of(1, 2, 3),
    new Uint8Array(0),
    (values[0] as Uint8Array).slice(0, 19),
  ];
  const last = (values[0] as Uint8Array).slice();
  last[19] = 1;
  const check = async (value: Uint8Array, name: string) => {
    for (const version of versions) {
      t.equal(
        (await poll(service, version, value)).reason,
        unknownValue(version),
        `Poll ${version}: ${name}`,
      );
      t.equal(await cancel(service, version, value), 'Unavailable', `Cancel ${version}: ${name}`);
    }
    t.equal(await process(service, value), 'InvalidAsynchronousCorrelationValue', `Process: ${name}`);
  };
  for (const value of [...guesses, last]) await check(value, `<${value.toHex()}>`);
  for (const state of ['pending', 'done']) {
    service.sender = { client: 'colleague' };
    await check(values[0] as Uint8Array, `another client of the group, ${state}`);
    t.strictSame(await listJobs(service), []);
    service.sender = {};
    const foreign = await service.call('2.1', 'Poll', [correlationField(values[0])], 'other');
    t.equal(foreign.reason, 'InvalidAsynchronousCorrelationValue', `another group, ${state}`);
    await waitForJobs(service);
  }
});

t.test('answers expire after a while, and sooner once they have been fetched', async (t) => {
  const service = await opened(t);
  const { values } = await submit(service, '2.1', withItemIds([create, create]));
  await waitForJobs(service);
  t.equal((await poll(service, '2.1', values[0])).status, 'Success');
  service.now += 301_000;
  t.equal((await poll(service, '2.1', values[0])).status, 'Success', 'the other one is not fetched yet');
  t.equal((await poll(service, '2.1', values[1])).status, 'Success');
  service.now += 299_000;
  t.equal((await poll(service, '2.1', values[0])).status, 'Success');
  service.now += 1_000;
  for (const value of values)
    t.equal((await poll(service, '2.1', value)).reason, 'InvalidAsynchronousCorrelationValue');
  t.equal(await cancel(service, '2.1', values[0]), 'Unavailable');

  const other = await submit(service, '2.1', [create]);
  await waitForJobs(service);
  service.now += defaultLimits.jobAnswerSeconds * 1_000 - 1_000;
  t.equal((await listJobs(service)).length, 1);
  service.now += 1_000;
  t.strictSame(await listJobs(service), []);
  t.equal((await poll(service, '2.1', other.values[0])).reason, 'InvalidAsynchronousCorrelationValue');
});

const notFound = (version: Version) => (isWithin(version, '2.0') ? 'ObjectNotFound' : 'ItemNotFound');
const unknownValue = (version: Version) =>
  isWithin(version, '2.0') ? 'InvalidAsynchronousCorrelationValue' : 'ItemNotFound';
