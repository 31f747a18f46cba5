import t, { type Test } from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { Version } from '../../../codec/version.ts';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { operations } from '../../../src/operations/index.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { bytes, enumerated, integer, structure, text } from '../../client.ts';
import { waitForJobs } from '../jobs.ts';
import { active, withMask } from '../keys.ts';
import { having, succeed } from '../operations/ask.ts';
import { attribute1x, createAesPayload1x, type ServiceOptions, TestService, uid } from '../service.ts';
import { committedEntries, TestRecorder } from './test-recorder.ts';

/** What the audit log has of messages and jobs, and when. */

async function open(t: Test, options: ServiceOptions = {}, recorder = new TestRecorder()) {
  const service = await TestService.open({ ...options, audit: recorder });
  t.teardown(() => service.close());
  /** All entries so far, those of changes first. */
  const all = async () => [...(await committedEntries(service)), ...recorder.entries];
  return { service, recorder, all };
}

const outlineOf = ({ items }: AuditEntry) =>
  items.map(({ operation, result, reason }) => `${operation}:${reason ?? result}`).join(' ');

const answerable = [...operations.values()].filter(({ direction }) => direction !== 'server-to-client');

t.test('every operation is recorded once, with its result, whatever it is', async (t) => {
  const { service, all } = await open(t);
  for (const { name, since } of answerable) {
    const before = (await all()).length;
    const answer = await service.call(since as Version, name);
    const entries = await all();
    t.equal(entries.length, before + 1, name);
    const entry = entries.find(({ items }) => items.some(({ operation }) => operation === name));
    t.equal(entry?.items.length, 1, name);
    t.equal(entry?.items[0]?.result, answer.status, name);
    t.equal(entry?.items[0]?.reason, answer.reason, name);
    t.match(entry, {
      kind: 'message',
      node: 'node',
      version: since,
      actor: { client: 'tester', group: 'g' },
    });
  }
});

t.test('changes are recorded in their transaction, all else in the journal', async (t) => {
  const { service, recorder } = await open(t);
  const id = await service.key();
  t.match(
    (await committedEntries(service)).map(({ items }) => items),
    [
      [
        {
          operation: 'Create',
          result: 'Success',
          objects: [{ id, type: 'SymmetricKey', state: 'PreActive', algorithm: 'AES', length: 256 }],
        },
      ],
    ],
  );
  t.strictSame(recorder.entries, []);
  await service.call('1.4', 'Get', [uid(id)]);
  await service.call('1.4', 'Get', [uid(id)]);
  t.match(
    (await committedEntries(service)).map(outlineOf),
    ['Create:Success', 'Get:Success'],
    'the first Get makes the key no longer fresh',
  );
  t.match(recorder.entries, [
    {
      connection: { peer: 'here', id: '1' },
      items: [{ operation: 'Get', objects: [{ id }], wrapped: false, result: 'Success' }],
    },
  ]);
});

t.test('a release is recorded with format and wrapping', async (t) => {
  const { service, recorder } = await open(t);
  const id = await service.key();
  await service.call('1.4', 'Get', [uid(id)]);
  await service.call('1.4', 'Get', [uid(id), enumerated('KeyFormatType', 1)]);
  t.match(recorder.entries.at(-1)?.items, [{ format: 'Raw', wrapped: false }]);
  const wrapping = structure(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', 1),
    structure('EncryptionKeyInformation', uid('missing')),
  );
  await service.call('1.4', 'Get', [uid(id), wrapping]);
  t.match(recorder.entries.at(-1)?.items, [
    { wrapped: undefined, result: 'OperationFailed', objects: [{ id }, { id: 'missing' }] },
  ]);
});

t.test('a value leaves wrapped where it is encrypted, and not by a MAC alone', async (t) => {
  const { service, all } = await open(t);
  const make = async (algorithm: 'AES' | 'HMAC_SHA256', use: 'WrapKey' | 'MACGenerate') => {
    const length: Attribute = { name: 'CryptographicLength', value: 256 };
    const attributes = having(
      { name: 'CryptographicAlgorithm', value: algorithm },
      length,
      withMask(use),
      active,
    );
    const request = { ObjectType: 'SymmetricKey' as const, Attributes: attributes };
    return (await succeed(service, '2.1', Create, request)).UniqueIdentifier;
  };
  const CryptographicParameters = { BlockCipherMode: 'NISTKeyWrap' as const };
  const EncryptionKeyInformation = {
    UniqueIdentifier: await make('AES', 'WrapKey'),
    CryptographicParameters,
  };
  const MACSignatureKeyInformation = { UniqueIdentifier: await make('HMAC_SHA256', 'MACGenerate') };
  const [encrypted, signed] = [{ EncryptionKeyInformation }, { MACSignatureKeyInformation }];
  const wrappings = [
    [true, { WrappingMethod: 'Encrypt', ...encrypted }],
    [false, { WrappingMethod: 'MACSign', ...signed }],
    [true, { WrappingMethod: 'EncryptThenMACSign', ...encrypted, ...signed }],
    [true, { WrappingMethod: 'MACSignThenEncrypt', ...encrypted, ...signed }],
  ] as const;
  for (const operation of [Get, Export])
    for (const [wrapped, specification] of wrappings) {
      const KeyWrappingSpecification = {
        EncodingOption: 'NoEncoding' as const,
        AttributeName: [],
        ...specification,
      };
      const UniqueIdentifier = await service.key();
      await succeed(service, '2.1', operation, { UniqueIdentifier, KeyWrappingSpecification } as never);
      const items = (await all()).flatMap((entry) => entry.items);
      const item = items.find(
        (each) => each.operation === operation.name && each.objects?.[0]?.id === UniqueIdentifier,
      );
      t.equal(item?.wrapped, wrapped, `${operation.name} ${specification.WrappingMethod}`);
    }
});

t.test('what does not exist for the client is recorded by the identifier that was asked for', async (t) => {
  const { service, recorder } = await open(t);
  const id = await service.key();
  await service.call('1.4', 'Get', [uid(id)], 'others');
  await service.call('1.4', 'Get', [uid('n'.repeat(4_000))]);
  const [foreign, missing] = recorder.entries;
  t.strictSame(foreign?.items[0]?.objects, [{ id }], 'nothing of a foreign object but what the client said');
  t.match(foreign?.items[0], { result: 'OperationFailed', reason: 'ItemNotFound' });
  t.equal(foreign?.actor?.group, 'others');
  t.equal(missing?.items[0]?.objects?.[0]?.id.length, 128, 'a long identifier is shortened');
});

t.test('the items of a batch are one entry, in their order', async (t) => {
  const { service, all } = await open(t);
  const header = [enumerated('BatchErrorContinuationOption', 1)];
  await service.batch(
    '1.4',
    [
      { operation: 'Create', payload: createAesPayload1x() },
      { operation: 'Get', payload: [uid('none')] },
      { operation: 'Locate', payload: [] },
    ],
    header,
  );
  t.strictSame((await all()).map(outlineOf), ['Create:Success Get:ItemNotFound Locate:Success']);
  t.equal((await all())[0]?.items[2]?.found, 1);
});

t.test('a batch that is undone is recorded as such, in the journal', async (t) => {
  const { service, recorder } = await open(t);
  await service.batch(
    '1.4',
    [
      { operation: 'Create', payload: createAesPayload1x() },
      { operation: 'Get', payload: [uid('none')] },
    ],
    [enumerated('BatchErrorContinuationOption', 3)],
  );
  t.strictSame(await committedEntries(service), []);
  t.match(recorder.entries, [
    { items: [{ operation: 'Create', result: 'OperationUndone' }, { result: 'OperationFailed' }] },
  ]);
});

t.test('refused permissions are recorded', async (t) => {
  const { service, recorder } = await open(t, { may: (operation) => operation !== 'Destroy' });
  await service.call('1.4', 'Destroy', [uid('any')]);
  t.match(recorder.entries, [
    { items: [{ operation: 'Destroy', result: 'OperationFailed', reason: 'PermissionDenied' }] },
  ]);
});

t.test('messages that are refused as a whole are recorded with what can be read of them', async (t) => {
  const { service, recorder } = await open(t, { limits: { batchItems: 1 } });
  const two = [{ operation: 'Query' }, { operation: 'Locate' }].map((item) => ({ ...item, payload: [] }));
  await service.batch('1.4', two);
  await service.send(new Uint8Array([1, 2, 3]));
  t.match(recorder.entries, [
    { actor: { client: 'tester' }, items: [{ operation: 'Query', result: 'OperationFailed' }] },
    { items: [{ operation: 'unknown', result: 'OperationFailed' }] },
  ]);
});

t.test('correlation values are recorded', async (t) => {
  const { service, recorder } = await open(t);
  const header = [text('ClientCorrelationValue', 'c'.repeat(300)), text('ServerCorrelationValue', 's')];
  await service.batch('1.4', [{ operation: 'Query', payload: [enumerated('QueryFunction', 1)] }], header);
  t.match(recorder.entries, [{ clientCorrelation: 'c'.repeat(256), serverCorrelation: 's' }]);
});

t.test('the end of a job is recorded with its objects, and who asks for it', async (t) => {
  const { service, all } = await open(t);
  const pending = await service.batch(
    '2.1',
    [{ operation: 'RNGRetrieve', payload: [integer('DataLength', 8)] }],
    [enumerated('AsynchronousIndicator', 1)],
  );
  t.equal(pending[0]?.status, 'OperationPending');
  await waitForJobs(service);
  const entries = await all();
  const [begun, ended] = [
    entries.find(({ kind }) => kind === 'message'),
    entries.find(({ kind }) => kind === 'job'),
  ];
  t.match(begun?.items, [{ operation: 'RNGRetrieve', result: 'OperationPending', job: String }]);
  t.match(ended, { actor: { client: 'tester' }, items: [{ operation: 'RNGRetrieve', result: 'Success' }] });
  const job = begun?.items[0]?.job;
  t.equal(ended?.items[0]?.job, job);
  const value = bytes('AsynchronousCorrelationValue', Buffer.from(String(job), 'hex'));
  await service.call('2.1', 'Poll', [value]);
  t.ok((await all()).some(({ items }) => items[0]?.operation === 'Poll' && items[0].job === job));
});

t.test('names are recorded where the operator wants them', async (t) => {
  for (const hasNames of [false, true]) {
    const { service, all } = await open(t, {}, new TestRecorder({ hasNames }));
    const name = [text('NameValue', 'a secret project'), enumerated('NameType', 1)];
    const payload = createAesPayload1x([attribute1x('Name', structure('AttributeValue', ...name))]);
    t.equal((await service.call('1.4', 'Create', payload)).status, 'Success');
    t.equal(JSON.stringify(await all()).includes('a secret project'), hasNames);
  }
});

t.test('nothing is answered that could not be recorded', async (t) => {
  const { service, recorder } = await open(t);
  const id = await service.key();
  await service.call('1.4', 'Get', [uid(id)]);
  recorder.isFailing = true;
  const refused = await service.call('1.4', 'Get', [uid(id)]);
  t.match(refused, { status: 'OperationFailed', reason: 'GeneralFailure', payload: undefined });
  t.match(refused.message, /reference/);
  t.match(service.unexpected, [{ code: 'AUDIT_UNAVAILABLE' }]);
  recorder.isFailing = false;
  t.equal((await service.call('1.4', 'Get', [uid(id)])).status, 'Success');
  recorder.refusal = 'the sink "siem" has taken nothing for 60 s';
  const before = await committedEntries(service);
  t.equal((await service.call('1.4', 'Create', createAesPayload1x())).reason, 'GeneralFailure');
  t.strictSame(await committedEntries(service), before, 'nothing was made either');
});
