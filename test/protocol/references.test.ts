import { createHash } from 'node:crypto';
import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { bytes, children, enumerated, item, structure, text, valueOf } from '../client.ts';
import { type Answer, createAesPayload1x, createAesPayload2x, outline, TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('2.x identifiers refer to earlier answers', async (t) => {
  const nth = (n: number) => item('UniqueIdentifier', 'Integer', n);
  const latest = (n: number) => enumerated('UniqueIdentifier', n);
  const answers = await service.batch('2.1', [
    { operation: 'Create', payload: createAesPayload2x() },
    { operation: 'Create', payload: createAesPayload2x() },
    { operation: 'Get', payload: [nth(0)] },
    { operation: 'Get', payload: [nth(-2)] },
    { operation: 'Get', payload: [latest(3)] },
    { operation: 'Get', payload: [latest(1)] },
    { operation: 'Get', payload: [nth(99)] },
  ]);
  const [first, second] = answers.map(({ id }) => id);
  t.equal(answers[2]?.id, first, 'the first of all');
  t.equal(answers[3]?.id, second, 'counted back');
  t.equal(answers[4]?.id, second, 'the latest Create');
  t.equal(answers[5]?.id, second, 'the ID Placeholder');
  t.equal(answers[6]?.reason, 'ObjectNotFound');
});

t.test('references are accepted for every identifier in 2.x and never in 1.x', async (t) => {
  const link = structure(
    'Attributes',
    structure('Link', enumerated('LinkType', 0x109), item('LinkedObjectIdentifier', 'Integer', 0)),
  );
  const [first, second, found] = await service.batch('2.1', [
    { operation: 'Create', payload: createAesPayload2x() },
    {
      operation: 'Create',
      payload: [...createAesPayload2x().slice(0, 1), merged(createAesPayload2x()[1] as Node, link)],
    },
    { operation: 'Locate', payload: [link] },
  ]);
  t.equal(second?.status, 'Success');
  t.same([found?.status, found?.id], ['Success', second?.id], 'found by its link');
  t.ok(first?.id);
  const old = await service.batch('1.4', [
    { operation: 'Create', payload: createAesPayload1x() },
    { operation: 'Get', payload: [item('UniqueIdentifier', 'Integer', 0)] },
  ]);
  t.equal(outline(old), 'Create:Success Get:InvalidMessage');
});

t.test('a 2.x operation is repeated for each object of a reference to several', async (t) => {
  const group = structure('Attributes', text('ObjectGroup', 'repeated'));
  const create = {
    operation: 'Create',
    payload: [...createAesPayload2x().slice(0, 1), merged(createAesPayload2x()[1] as Node, group)],
  };
  const id = bytes('Data', Buffer.from('07', 'hex')).value as Uint8Array;
  const answers = await service.batch('2.1', [
    create,
    create,
    { operation: 'Locate', payload: [group] },
    { operation: 'Activate', payload: [enumerated('UniqueIdentifier', 0xb)], uniqueBatchItemID: id },
    { operation: 'Get', payload: [item('UniqueIdentifier', 'Integer', -1)] },
  ]);
  t.equal(
    outline(answers),
    'Create:Success Create:Success Locate:Success Activate:Success Activate:Success Get:Success',
  );
  const [first, second] = answers.map((answer) => answer.id);
  t.same([answers[3]?.id, answers[4]?.id], [second, first], 'newest first, as Locate has answered');
  t.same([answers[3]?.batchItemID, answers[4]?.batchItemID], ['07', '07']);
  t.equal(answers[5]?.id, first, 'the last of all');

  const again = await service.batch('2.1', [
    create,
    { operation: 'Locate', payload: [group] },
    { operation: 'Activate', payload: [enumerated('UniqueIdentifier', 0xb)] },
  ]);
  t.equal(outline(again), 'Create:Success Locate:Success Activate:WrongKeyLifecycleState');
  t.equal(await service.state(again[0]?.id as string), 1, 'the repetitions share one fate');
  const nobodyThere = await service.batch('2.1', [
    create,
    { operation: 'Locate', payload: [structure('Attributes', text('ObjectGroup', 'nobody'))] },
    { operation: 'Get', payload: [enumerated('UniqueIdentifier', 0xb)] },
  ]);
  t.equal(outline(nobodyThere), 'Create:Success Locate:Success Get:ObjectNotFound');
});

t.test('a 2.x reference to Create Key Pair names both halves, or one by name', async (t) => {
  const pair = {
    operation: 'CreateKeyPair',
    payload: [
      structure(
        'CommonAttributes',
        enumerated('CryptographicAlgorithm', 6),
        item('CryptographicLength', 'Integer', 256),
        item('CryptographicUsageMask', 'Integer', 3),
      ),
    ],
  };
  const answers = await service.batch('2.1', [
    pair,
    { operation: 'Get', payload: [enumerated('UniqueIdentifier', 5)] },
    { operation: 'Get', payload: [enumerated('UniqueIdentifier', 6)] },
    { operation: 'Activate', payload: [enumerated('UniqueIdentifier', 4)] },
  ]);
  const made = answers[0]?.payload as Node;
  const halves = [valueOf(made, 'PrivateKeyUniqueIdentifier'), valueOf(made, 'PublicKeyUniqueIdentifier')];
  t.same(
    answers.slice(1).map(({ id }) => id),
    [...halves, ...halves],
  );
});

t.test('2.x Data refers to the output of an earlier item', async (t) => {
  const parameters = structure('CryptographicParameters', enumerated('HashingAlgorithm', 6));
  const hash = (data: Node) => ({ operation: 'Hash', payload: [parameters, data] });
  const random = { operation: 'RNGRetrieve', payload: [item('DataLength', 'Integer', 20)] };
  const dataOf = (answer: Answer | undefined) =>
    Buffer.from(valueOf(answer?.payload as Node, 'Data') as Uint8Array);
  const sha = (data: Uint8Array) => createHash('sha256').update(data).digest();
  const answers = await service.batch('2.1', [
    random,
    hash(enumerated('Data', 5)),
    hash(item('Data', 'Integer', 0)),
    hash(item('Data', 'Integer', -1)),
    hash(enumerated('Data', 3)),
  ]);
  const [seed, first, ...others] = answers.map(dataOf) as [Buffer, Buffer, ...Buffer[]];
  t.same(first, sha(seed), 'the latest RNG Retrieve');
  t.same(others, [first, sha(first), sha(sha(first))], 'the first, the latest, the latest Hash');
  for (const missing of [enumerated('Data', 4), enumerated('Data', 99), item('Data', 'Integer', 1)]) {
    const [, failed] = await service.batch('2.1', [random, hash(missing)]);
    t.equal(failed?.reason, 'InvalidField');
  }
});

t.test('the output of a 2.x Ephemeral item is available to later items only', async (t) => {
  const parameters = structure('CryptographicParameters', enumerated('HashingAlgorithm', 6));
  const [random, hash] = await service.batch('2.1', [
    { operation: 'RNGRetrieve', payload: [item('DataLength', 'Integer', 20)], ephemeral: true },
    { operation: 'Hash', payload: [parameters, enumerated('Data', 5)] },
  ]);
  t.same([random?.status, children(random?.payload as Node, 'Data')], ['Success', []]);
  t.equal((valueOf(hash?.payload as Node, 'Data') as Uint8Array).length, 32);
});

t.test('2.x references are resolved in lists and inside structures', async (t) => {
  const whole = (...mask: Node[]) =>
    structure(
      'Attributes',
      enumerated('CryptographicAlgorithm', 3),
      item('CryptographicLength', 'Integer', 256),
      ...mask,
    );
  const split = {
    operation: 'CreateSplitKey',
    payload: [
      enumerated('ObjectType', 5),
      item('SplitKeyParts', 'Integer', 3),
      item('SplitKeyThreshold', 'Integer', 3),
      enumerated('SplitKeyMethod', 1),
      whole(item('CryptographicUsageMask', 'Integer', 12)),
    ],
  };
  const joined = await service.batch('2.1', [
    split,
    {
      operation: 'JoinSplitKey',
      payload: [enumerated('ObjectType', 2), enumerated('UniqueIdentifier', 7), whole()],
    },
  ]);
  t.equal(outline(joined), 'CreateSplitKey:Success JoinSplitKey:Success', 'all parts for one reference');

  const wrapping = whole(
    item('CryptographicUsageMask', 'Integer', 16),
    item('ActivationDate', 'DateTime', 1),
  );
  const wrapped = await service.batch('2.1', [
    { operation: 'Create', payload: createAesPayload2x() },
    { operation: 'Create', payload: [enumerated('ObjectType', 2), wrapping] },
    {
      operation: 'Get',
      payload: [
        item('UniqueIdentifier', 'Integer', 0),
        structure(
          'KeyWrappingSpecification',
          enumerated('WrappingMethod', 1),
          structure(
            'EncryptionKeyInformation',
            enumerated('UniqueIdentifier', 3),
            structure('CryptographicParameters', enumerated('BlockCipherMode', 0xd)),
          ),
        ),
      ],
    },
  ]);
  t.equal(outline(wrapped), 'Create:Success Create:Success Get:Success');
  t.same(
    [wrapped[2]?.id, valueOf(wrapped[2]?.payload as Node, ...wrappingKey)],
    [wrapped[0]?.id, wrapped[1]?.id],
  );
});

const wrappingKey = [
  'SymmetricKey',
  'KeyBlock',
  'KeyWrappingData',
  'EncryptionKeyInformation',
  'UniqueIdentifier',
] as const;

/** Concatenates the items of two structures. */
function merged(a: Node, b: Node): Node {
  return { ...a, value: [...(a.value as Node[]), ...(b.value as Node[])] } as Node;
}
