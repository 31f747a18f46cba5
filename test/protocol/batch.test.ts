import t from 'tap';
import { BatchErrorContinuationOption } from '../../codec/enums.ts';
import { bytes, children, enumerated, item, structure, text, valueOf } from '../client.ts';
import {
  type Answer,
  answersOf,
  attribute1x,
  createAesPayload1x,
  outline,
  TestService,
  uid,
} from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const continuation = (name: 'Continue' | 'Stop' | 'Undo') =>
  enumerated('BatchErrorContinuationOption', BatchErrorContinuationOption.toNumber(name));
const nobody = uid('nobody');

t.test('items after a failed one are executed, left out or undone as the batch option says', async (t) => {
  const cases = [
    { option: [], came: 'Activate:Success Get:ItemNotFound', state: 2 },
    { option: [continuation('Stop')], came: 'Activate:Success Get:ItemNotFound', state: 2 },
    {
      option: [continuation('Continue')],
      came: 'Activate:Success Get:ItemNotFound Revoke:Success',
      state: 3,
    },
    { option: [continuation('Undo')], came: 'Activate:OperationUndone Get:ItemNotFound', state: 1 },
  ];
  for (const { option, came, state } of cases) {
    const id = await service.key();
    const reason = structure('RevocationReason', enumerated('RevocationReasonCode', 1));
    const answers = await service.batch(
      '1.4',
      [
        { operation: 'Activate', payload: [uid(id)] },
        { operation: 'Get', payload: [nobody] },
        { operation: 'Revoke', payload: [uid(id), reason] },
      ],
      option,
    );
    t.equal(outline(answers), came);
    t.equal(await service.state(id), state, 'the state tells what has really been done');
  }
});

t.test('Undo takes back creations, changes and destructions, and keeps their answers', async (t) => {
  const victim = await service.key();
  const answers = await service.batch(
    '1.4',
    [
      { operation: 'Create', payload: createAesPayload1x() },
      { operation: 'Destroy', payload: [uid(victim)] },
      { operation: 'Get', payload: [nobody] },
    ],
    [continuation('Undo')],
  );
  t.equal(outline(answers), 'Create:OperationUndone Destroy:OperationUndone Get:ItemNotFound');
  const created = answers[0]?.id as string;
  t.ok(created, 'the payload of an undone item stays');
  t.equal((await service.call('1.4', 'Get', [uid(created)])).reason, 'ItemNotFound');
  t.equal((await service.call('1.4', 'Get', [uid(victim)])).status, 'Success');
});

t.test('a failed item leaves no changes, and those of other items stay', async (t) => {
  const id = await service.key();
  const twice = structure(
    'TemplateAttribute',
    attribute1x('Name', structure('AttributeValue', text('NameValue', 'a'), enumerated('NameType', 1))),
  );
  const answers = await service.batch(
    '1.4',
    [
      { operation: 'Activate', payload: [uid(id)] },
      { operation: 'Create', payload: [enumerated('ObjectType', 2), twice] },
      { operation: 'Create', payload: createAesPayload1x() },
    ],
    [continuation('Continue')],
  );
  t.equal(outline(answers), 'Activate:Success Create:InvalidField Create:Success');
  t.equal(await service.state(id), 2);
  t.equal((await service.call('1.4', 'Get', [uid(answers[2]?.id as string)])).status, 'Success');
});

t.test('every operation that uses the ID Placeholder works on its object', async (t) => {
  const reason = structure('RevocationReason', enumerated('RevocationReasonCode', 1));
  const answers = await service.batch('1.4', [
    { operation: 'Create', payload: createAesPayload1x() },
    { operation: 'AddAttribute', payload: [attribute1x('x-Purpose', text('AttributeValue', 'p'))] },
    { operation: 'ModifyAttribute', payload: [attribute1x('x-Purpose', text('AttributeValue', 'q'))] },
    { operation: 'DeleteAttribute', payload: [text('AttributeName', 'x-Purpose')] },
    { operation: 'Get' },
    { operation: 'GetAttributes', payload: [text('AttributeName', 'State')] },
    { operation: 'GetAttributeList' },
    { operation: 'Check' },
    { operation: 'ObtainLease' },
    { operation: 'Export' },
    { operation: 'Archive' },
    { operation: 'Recover' },
    { operation: 'Activate' },
    { operation: 'ReKey' },
    { operation: 'Get' },
    { operation: 'Revoke', payload: [reason] },
    { operation: 'Destroy' },
  ]);
  t.match(outline(answers), /^(\w+:Success ?){17}$/);
  const ids = answers.map(({ id }) => id);
  t.equal(new Set(ids.slice(0, 13)).size, 1, 'one object all along');
  t.not(ids[13], ids[0], 'until Re-key puts its replacement in the place');
  t.same(new Set(ids.slice(13)), new Set([ids[13]]));

  const pair = await service.batch('1.4', [
    {
      operation: 'CreateKeyPair',
      payload: [
        structure(
          'CommonTemplateAttribute',
          attribute1x('Cryptographic Algorithm', enumerated('AttributeValue', 6)),
          attribute1x('Cryptographic Length', item('AttributeValue', 'Integer', 256)),
        ),
      ],
    },
    { operation: 'Get' },
    { operation: 'ReKeyKeyPair' },
    { operation: 'Get' },
  ]);
  t.equal(outline(pair), 'CreateKeyPair:Success Get:Success ReKeyKeyPair:Success Get:Success');
  t.equal(
    pair[1]?.id,
    valueOf(pair[0]?.payload as never, 'PrivateKeyUniqueIdentifier'),
    'it is the private key',
  );
  t.equal(pair[3]?.id, valueOf(pair[2]?.payload as never, 'PrivateKeyUniqueIdentifier'));
});

t.test('Locate sets the ID Placeholder when it finds one, and empties it otherwise', async (t) => {
  const name = (value: string) =>
    attribute1x('Name', structure('AttributeValue', text('NameValue', value), enumerated('NameType', 1)));
  const id = await service.key([name('only')]);
  const other = await service.key([name('two')]);
  await service.key([name('two')]);
  t.equal(
    (await service.batch('1.4', [{ operation: 'Locate', payload: [name('only')] }, { operation: 'Get' }]))[1]
      ?.id,
    id,
  );
  for (const found of ['two', 'none']) {
    const answers = await service.batch('1.4', [
      { operation: 'Get', payload: [uid(other)] },
      { operation: 'Locate', payload: [name(found)] },
      { operation: 'Get' },
    ]);
    t.equal(outline(answers), 'Get:Success Locate:Success Get:ItemNotFound', found);
  }
  t.equal((await service.call('2.1', 'Get')).reason, 'ObjectNotFound', 'empty at the start of a message');
});

t.test('Locate sees the changes of earlier items of its message', async (t) => {
  const group = (value: string) => attribute1x('Object Group', text('AttributeValue', value));
  const old = await service.key([group('overlay')]);
  const answers = await service.batch('1.4', [
    { operation: 'Create', payload: createAesPayload1x([group('overlay')]) },
    { operation: 'Locate', payload: [group('overlay')] },
    { operation: 'Destroy', payload: [uid(old)] },
    { operation: 'Locate', payload: [group('overlay')] },
  ]);
  const found = (index: number) =>
    (['LocatedItems', 'UniqueIdentifier'] as const).flatMap((name) =>
      children(answers[index]?.payload, name).map(({ value }) => value),
    );
  t.same(found(1), [2, answers[0]?.id, old], 'newest first, counted');
  t.same(found(3), [1, answers[0]?.id]);
});

t.test(
  'an answer repeats the Unique Batch Item ID of its item, and has none when the item has none',
  async (t) => {
    const ids = ['0000000000000000', '514c4b4301000000', ''];
    const answers = await service.batch(
      '1.1',
      ids.map((id) => ({
        operation: 'Query',
        uniqueBatchItemID: Buffer.from(id, 'hex'),
        payload: [enumerated('QueryFunction', 1)],
      })),
    );
    t.same(
      answers.map(({ batchItemID }) => batchItemID),
      ids,
    );
    const bare = await service.batch('1.1', [
      { operation: 'Query', payload: [enumerated('QueryFunction', 1)] },
    ]);
    t.equal(bare[0]?.batchItemID, undefined);
    const failed = await service.batch('1.1', [
      {
        operation: 'Get',
        uniqueBatchItemID: bytes('Data', Buffer.alloc(4)).value as Uint8Array,
        payload: [nobody],
      },
    ]);
    t.equal(failed[0]?.batchItemID, '00000000', 'a failed item carries it too');
  },
);

t.test('a batch takes one commit, and its objects have the order of the items', async (t) => {
  const items = Array.from({ length: 50 }, () => ({ operation: 'Create', payload: createAesPayload1x() }));
  const answers = await service.batch('1.4', items, [item('BatchOrderOption', 'Boolean', true)]);
  t.equal(answers.length, 50);
  t.ok(answers.every(({ status }) => status === 'Success'));
  t.equal(new Set(answers.map(({ id }) => id)).size, 50);
  t.same(answersOf(await service.exchange('1.4', items.slice(0, 1))).length, 1);
});

t.test('Locate counts a changed object once and in its order, on whatever page it is', async (t) => {
  const group = attribute1x('Object Group', text('AttributeValue', 'pages'));
  const ids = [await service.key([group]), await service.key([group]), await service.key([group])];
  const one = item('MaximumItems', 'Integer', 1);
  const answers = await service.batch('1.4', [
    {
      operation: 'AddAttribute',
      payload: [uid(ids[0] as string), attribute1x('x-a', text('AttributeValue', 'b'))],
    },
    { operation: 'Locate', payload: [one, group] },
    { operation: 'DeleteAttribute', payload: [uid(ids[0] as string), text('AttributeName', 'Object Group')] },
    { operation: 'Locate', payload: [one, group] },
  ]);
  const found = (index: number) => {
    const { payload } = answers[index] as Answer;
    return [
      valueOf(payload as never, 'LocatedItems'),
      children(payload, 'UniqueIdentifier').map(({ value }) => value),
    ];
  };
  t.same(found(1), [3, [ids[2]]]);
  t.same(found(3), [2, [ids[2]]]);
});
