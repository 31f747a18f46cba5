import t from 'tap';
import { struct } from '../../codec/schema.ts';
import { versions } from '../../codec/version.ts';
import { operation, server } from '../../src/operations/operation.ts';
import {
  children,
  decode,
  encode,
  enumerated,
  find,
  integer,
  item,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { answersOf, attribute1x, createAesPayload1x, outline, TestService, uid } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const query = {
  operation: 'Query',
  payload: [enumerated('QueryFunction', 1), enumerated('QueryFunction', 2)],
};

t.test(
  'a response has the version of its request, the time, the count and no Server Correlation Value',
  async (t) => {
    for (const version of versions) {
      const answer = await service.exchange(
        version,
        [query, query],
        version >= '1.4' ? [text('ServerCorrelationValue', 's')] : [],
      );
      const header = find(answer, 'ResponseHeader') as never;
      const [major, minor] = version.split('.').map(Number);
      t.equal(valueOf(header, 'ProtocolVersion', 'ProtocolVersionMajor'), major, version);
      t.equal(valueOf(header, 'ProtocolVersion', 'ProtocolVersionMinor'), minor);
      t.equal(valueOf(header, 'TimeStamp'), service.now / 1000);
      t.equal(valueOf(header, 'BatchCount'), 2);
      t.equal(find(header, 'ServerCorrelationValue'), undefined);
    }
  },
);

t.test('a response repeats the Client Correlation Value from 1.4 on', async (t) => {
  for (const version of versions) {
    const answer = await service.exchange(version, [query], [text('ClientCorrelationValue', 'c1')]);
    t.equal(
      valueOf(answer, 'ResponseHeader', 'ClientCorrelationValue'),
      version < '1.4' ? undefined : 'c1',
      version,
    );
  }
});

t.test('a message that fails as a whole is answered for its items as far as they can be read', async (t) => {
  const extension = (critical: boolean) =>
    structure(
      'MessageExtension',
      text('VendorIdentification', 'v'),
      item('CriticalityIndicator', 'Boolean', critical),
      structure('VendorExtension'),
    );
  const withExtension = (critical: boolean) => {
    const message = requestMessage('1.4', [query]);
    const [header, batchItem] = message.value as never[] as { value: unknown[] }[];
    return encode({
      ...message,
      value: [header, { ...batchItem, value: [...(batchItem?.value ?? []), extension(critical)] }],
    } as never);
  };
  const version = (major: number, minor: number) => {
    const bytes = encode(requestMessage('1.4', [query]));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setInt32(32, major);
    view.setInt32(48, minor);
    return bytes;
  };
  const cut = encode(requestMessage('1.2', [query]));
  new DataView(cut.buffer, cut.byteOffset).setUint32(12, 4096);
  const wrongCount = encode(requestMessage('1.2', [query]));
  wrongCount[wrongCount.indexOf(0x0d, 56) + 9] = 7;
  const cases: [name: string, request: Uint8Array, came: string, answeredIn: string][] = [
    ['a header longer than the message', cut, 'undefined:InvalidMessage', '1.2'],
    ['a Batch Count that is wrong', wrongCount, 'Query:InvalidMessage', '1.2'],
    ['a critical extension, 1.4', withExtension(true), 'Query:FeatureNotSupported', '1.4'],
    ['version 1.9', version(1, 9), 'Query:InvalidMessage', '1.4'],
    ['version 2.7', version(2, 7), 'Query:UnsupportedProtocolVersion', '2.1'],
    ['version 3.0', version(3, 0), 'Query:UnsupportedProtocolVersion', '2.1'],
    ['a response', encode(structure('ResponseMessage')), 'undefined:InvalidMessage', '1.0'],
    ['no header', encode(structure('RequestMessage')), 'undefined:InvalidMessage', '1.0'],
    ['no item', encode(requestMessage('1.3', [])), 'undefined:InvalidMessage', '1.3'],
  ];
  for (const [name, request, came, answeredIn] of cases) {
    const answer = decode(await service.send(request));
    t.equal(outline(answersOf(answer)), came, name);
    t.ok(answersOf(answer)[0]?.message, `${name}: a message for people`);
    const header = find(answer, 'ResponseHeader', 'ProtocolVersion') as never;
    t.equal(
      `${valueOf(header, 'ProtocolVersionMajor')}.${valueOf(header, 'ProtocolVersionMinor')}`,
      answeredIn,
      name,
    );
  }
  t.equal(
    outline(answersOf(decode(await service.send(withExtension(false))))),
    'Query:Success',
    'an extension that is not critical',
  );
});

t.test('an item fails without effect when its answer exceeds Maximum Response Size', async (t) => {
  const limit = (bytes: number) => [integer('MaximumResponseSize', bytes)];
  const small = await service.batch('1.4', [query], limit(256));
  t.equal(outline(small), 'Query:ResponseTooLarge');
  t.equal(small[0]?.payload, undefined);
  t.equal(outline(await service.batch('1.4', [query], limit(2048))), 'Query:Success');
  const whole = await service.send(encode(requestMessage('1.4', [query])));
  t.equal(
    outline(await service.batch('1.4', [query], limit(whole.length))),
    'Query:Success',
    'exactly as large as allowed',
  );
  t.equal(outline(await service.batch('1.4', [query], limit(whole.length - 1))), 'Query:ResponseTooLarge');

  const group = attribute1x('Object Group', text('AttributeValue', 'too-large'));
  const answers = await service.batch(
    '1.4',
    [query, { operation: 'Create', payload: createAesPayload1x([group]) }],
    limit(whole.length + 20),
  );
  t.equal(outline(answers), 'Query:Success Create:ResponseTooLarge');
  const located = await service.call('1.4', 'Locate', [group]);
  t.equal(
    valueOf(located.payload as never, 'LocatedItems'),
    0,
    'the key whose identifier did not fit was not made',
  );
});

t.test('an operation is refused when the version does not have it', async (t) => {
  const cases = [
    ['1.0', 'ReKeyKeyPair', 'OperationNotSupported'],
    ['1.0', 'DiscoverVersions', 'OperationNotSupported'],
    ['1.4', 'SetAttribute', 'OperationNotSupported'],
    ['2.0', 'Ping', 'OperationNotSupported'],
    ['2.1', 'Ping', 'Success'],
    ['2.1', 'Interop', 'OperationNotSupported'],
    ['1.4', 'ReProvision', 'OperationNotSupported'],
    ['2.1', 'ReProvision', 'FeatureNotSupported'],
  ] as const;
  for (const [version, name, came] of cases) {
    const answer = await service.call(version, name);
    t.equal(answer.reason ?? answer.status, came, `${name} in ${version}`);
    t.equal(answer.operation, name);
  }
  const unknown = await service.batch('2.1', [{ operation: 0x7f }]);
  t.equal(
    outline(unknown),
    '127:OperationNotSupported',
    'an operation nobody knows is repeated by its number',
  );
});

t.test(
  'an item with a surplus, missing, repeated or wrong field fails without affecting its neighbours',
  async (t) => {
    const cases: [name: string, payload: Parameters<typeof structure>[1][], reason: string][] = [
      ['unknown field', [uid('a'), integer('BatchCount', 1)], 'InvalidField'],
      ['twice', [uid('a'), uid('a')], 'InvalidMessage'],
      ['wrong type', [integer('KeyFormatType', 1), uid('a')], 'InvalidMessage'],
      ['vendor field', [uid('a'), { tag: 0x540001, type: 'Integer', value: 1 }], 'ItemNotFound'],
      ['late field of a newer version', [uid('a'), enumerated('KeyWrapType', 1)], 'ItemNotFound'],
    ];
    for (const [name, payload, reason] of cases) {
      const answers = await service.batch(
        '1.0',
        [{ operation: 'Get', payload: payload as never }, query],
        [enumerated('BatchErrorContinuationOption', 1)],
      );
      t.equal(outline(answers), `Get:${reason} Query:Success`, name);
    }
  },
);

t.test('an operation that the role does not include is refused whatever the object', async (t) => {
  const narrow = await TestService.open({ may: (name) => name !== 'Get' });
  t.teardown(() => narrow.close());
  const id = await narrow.key();
  t.equal((await narrow.call('2.1', 'Get', [uid(id)])).reason, 'PermissionDenied');
  t.equal(
    (await narrow.call('2.1', 'Get', [uid('nobody')])).reason,
    'PermissionDenied',
    'existence is not told',
  );
});

t.test('an object of another group is answered as if it did not exist', async (t) => {
  const id = await service.key();
  for (const [name, payload] of [
    ['Get', []],
    ['GetAttributes', []],
    ['Activate', []],
    ['Destroy', []],
    ['ReKey', []],
    ['Export', []],
  ] as const) {
    const foreign = await service.call('2.1', name, [uid(id), ...payload], 'other');
    const absent = await service.call('2.1', name, [uid('nobody'), ...payload], 'other');
    t.equal(foreign.reason, 'ObjectNotFound', name);
    t.equal(foreign.message, absent.message, `${name}: the same words`);
  }
  const located = await service.call('2.1', 'Locate', [structure('Attributes', uid(id))], 'other');
  t.equal(valueOf(located.payload as never, 'LocatedItems'), 0);
});

t.test('a bug is answered with a reference and without its text, and other items are executed', async (t) => {
  const secret = 'the key is 42';
  const Certify = operation({
    name: 'Certify',
    since: '1.0',
    request: struct({}),
    response: struct({}),
    target: server(),
    limitedRight: 'public',
    handle: () => {
      throw new Error(secret);
    },
  });
  const broken = await TestService.open({ extra: [Certify] });
  t.teardown(() => broken.close());
  const answers = await broken.batch(
    '1.4',
    [{ operation: 'Certify' }, query],
    [enumerated('BatchErrorContinuationOption', 1)],
  );
  t.equal(outline(answers), 'Certify:GeneralFailure Query:Success');
  t.match(answers[0]?.message, /reference [0-9a-f-]{36}$/);
  t.notMatch(answers[0]?.message, secret);
  t.match(broken.unexpected, [{ message: secret }], 'the log gets the rest');
});

t.test('64 clients that change one object at the same time all succeed', async (t) => {
  const id = await service.key();
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      service.call('1.4', 'AddAttribute', [uid(id), attribute1x(`x-${n}`, integer('AttributeValue', n))]),
    ),
  );
  t.ok(
    answers.every(({ status }) => status === 'Success'),
    'everybody gets a turn',
  );
  const listed = await service.call('1.4', 'GetAttributeList', [uid(id)]);
  const customs = children(listed.payload, 'AttributeName').filter(({ value }) =>
    String(value).startsWith('x-'),
  );
  t.equal(customs.length, 64);
});

t.test('Log writes its message once after the commit, unless the item is undone', async (t) => {
  await service.call('2.1', 'Log', [text('LogMessage', 'hello')]);
  t.same(service.logged, ['hello']);
  const undo = [enumerated('BatchErrorContinuationOption', 3)];
  await service.batch(
    '2.1',
    [
      { operation: 'Log', payload: [text('LogMessage', 'never')] },
      { operation: 'Get', payload: [uid('x')] },
    ],
    undo,
  );
  t.same(service.logged, ['hello']);
});

t.test('a Name can be used once in a group when unique Names are configured', async (t) => {
  const strict = await TestService.open({ uniqueNames: true });
  t.teardown(() => strict.close());
  const name = attribute1x(
    'Name',
    structure('AttributeValue', text('NameValue', 'n'), enumerated('NameType', 1)),
  );
  const id = await strict.key([name]);
  t.equal((await strict.call('1.4', 'Create', createAesPayload1x([name]))).reason, 'InvalidField');
  t.equal(
    (await strict.call('1.4', 'Create', createAesPayload1x([name]), 'other')).status,
    'Success',
    'another group may',
  );
  const second = await strict.key();
  t.equal((await strict.call('1.4', 'AddAttribute', [uid(second), name])).reason, 'IllegalOperation');
  t.equal(
    (await strict.call('1.4', 'ReKey', [uid(id)])).status,
    'Success',
    'a replacement takes the Name over',
  );
});
