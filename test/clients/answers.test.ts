import t from 'tap';
import { type Version, versions } from '../../codec/version.ts';
import { decode, encode, enumerated, find, integer, requestMessage, structure, text } from '../client.ts';
import {
  A,
  aes,
  date,
  en,
  length,
  mask,
  material,
  maximumResponseSize,
  Name,
  OT,
  objectType,
  outline,
  secretData,
  symmetricKey,
  TA,
  timeStamp,
  uid,
} from './notation.ts';
import { attributes, daemonFor, Peer } from './peer.ts';
import { tapRecords } from './tls-records.ts';

/** The form of responses that all clients need. The rules for every response are checked in peer.ts. */

const daemon = await daemonFor(t);

const classic = versions.filter((version) => version.startsWith('1.'));
const absent = '0b44ef23-0000-4000-8000-000000000000';
const newKey = [OT(objectType.SymmetricKey), TA(aes, length(256), mask(12))];
const newKey2x = [
  OT(objectType.SymmetricKey),
  structure(
    'Attributes',
    enumerated('CryptographicAlgorithm', 3),
    integer('CryptographicLength', 256),
    integer('CryptographicUsageMask', 12),
  ),
];

function registration(size: number) {
  return [OT(objectType.SecretData), TA(mask(0)), secretData(2, material(size))];
}

for (const tls of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`point 01: one response is one TLS record (${tls})`, async (t) => {
    const tap = await tapRecords(daemon.port);
    t.teardown(() => tap.close());
    const peer = await Peer.connect(t, daemon, {
      port: tap.port,
      tls: { minVersion: tls, maxVersion: tls, servername: 'localhost' },
    });
    // The session tickets of TLS 1.3 are records of the same type; they come before the first answer.
    await peer.ask('1.1', 'DiscoverVersions');
    for (const size of [16, 96, 4_000, 8_000, 16_000]) {
      const { id } = await peer.ask('1.0', 'Register', registration(size));
      const before = tap.records.length;
      await peer.ask('1.0', 'Get', [uid(id)]);
      const fresh = tap.records.slice(before);
      t.same(
        fresh.map(({ type }) => type),
        [23],
        `Get of ${size} bytes`,
      );
      t.ok((fresh[0]?.length ?? 0) > size, 'the record holds the whole answer');
    }
    const before = tap.records.length;
    t.equal(await peer.refused('1.0', 'Get', [uid(absent)]), 'ItemNotFound');
    t.equal(tap.records.length, before + 1, 'a refusal');
  });
}

t.test('point 02: the answer has the version of the request and nothing newer', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const { id } = await peer.ask('2.1', 'Create', newKey2x);
  const newer: Partial<Record<Version, string[]>> = {
    '1.1': ['Fresh'],
    '1.2': ['Original Creation Date'],
    '1.3': ['Random Number Generator'],
    '1.4': ['Sensitive', 'Always Sensitive', 'Extractable', 'Never Extractable'],
  };
  for (const version of classic) {
    // The version changes from message to message on this connection, as kmippp does it.
    const all = attributes(await peer.ask(version, 'GetAttributes', [uid(id)]));
    const list = await peer.ask(version, 'GetAttributeList', [uid(id)]);
    const listed = list.payload.slice(1).map(({ value }) => value as string);
    for (const [since, names] of Object.entries(newer)) {
      for (const name of names.filter((each) => each !== 'Random Number Generator')) {
        t.equal(name in all, version >= since, `${name} is of ${since}, asked in ${version}`);
        t.equal(listed.includes(name), version >= since, `and in the list`);
      }
    }
    const get = await peer.ask(version, 'Get', [uid(id)]);
    t.equal(
      outline(get.payload),
      'ObjectType UniqueIdentifier SymmetricKey{KeyBlock{KeyFormatType KeyValue{KeyMaterial} CryptographicAlgorithm CryptographicLength}}',
    );
  }
  // A correlation value of the client is the one thing a header may carry besides, and only when it was asked
  // for.
  const message = requestMessage(
    '1.4',
    [{ operation: 'DiscoverVersions' }],
    [text('ClientCorrelationValue', 'one')],
  );
  const header = find(decode(await peer.client.send(encode(message))), 'ResponseHeader');
  t.notMatch(outline([header as never]), /ServerCorrelationValue/);
});

t.test('point 03: a time stamp is in every header, in that of errors too', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const whole = encode(requestMessage('1.0', [{ operation: 'Get', payload: [uid(absent)] }]));
  const broken = Uint8Array.from(whole);
  broken.fill(0xff, broken.length - 24);
  for (const [label, bytes] of [
    ['refused item', whole],
    ['broken message', broken],
    ['no items', encode(requestMessage('1.0', []))],
    ['unknown version', encode(requestMessage('9.9' as Version, [{ operation: 'Query' }]))],
  ] as const) {
    const answer = decode(await peer.client.send(bytes));
    t.match(outline(find(answer, 'ResponseHeader')?.value as never), /TimeStamp BatchCount$/, label);
    const item = find(answer, 'BatchItem');
    t.match(outline(item?.value as never), /ResultStatus ResultReason ResultMessage$/, label);
  }
});

t.test('point 04: a failed item has its operation, status, reason and message', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    for (const operation of ['Get', 'GetAttributes', 'Activate', 'Destroy', 'GetAttributeList']) {
      t.equal(await peer.refused(version, operation, [uid(absent)]), 'ItemNotFound');
    }
    t.equal(
      await peer.refused(version, 'Create', [OT(objectType.SymmetricKey), TA(length(256))]),
      'InvalidField',
    );
    // An unreadable payload fails its own item only, and that item still names its operation.
    t.equal(
      await peer.refused(version, 'Get', [integer('UniqueIdentifier', 1), text('Username', 'a')]),
      'InvalidMessage',
    );
    t.equal(await peer.refused(version, 'Create', [text('ObjectType', 'wrong type')]), 'InvalidMessage');
  }
  t.equal(await peer.refused('1.0', 'Hash'), 'OperationNotSupported');
  const [unknown] = await peer.batch('1.4', [], [{ operation: 0x7777 }]);
  t.equal(unknown?.reason, 'OperationNotSupported', 'an operation no version has');
});

t.test('point 05: payloads have no extra fields', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    // Peer holds each answer to the exact fields of its operation.
    const created = await peer.ask(version, 'Create', newKey);
    t.equal(outline(created.payload), 'ObjectType UniqueIdentifier', `Create in ${version}`);
    const key = [OT(objectType.SymmetricKey), TA(mask(12)), symmetricKey(material(32))];
    const registered = await peer.ask(version, 'Register', key);
    t.equal(outline(registered.payload), 'UniqueIdentifier', `Register in ${version}`);
    const activated = await peer.ask(version, 'Activate', [uid(created.id)]);
    t.same([outline(activated.payload), activated.id], ['UniqueIdentifier', created.id]);
    const destroyed = await peer.ask(version, 'Destroy', [uid(registered.id)]);
    t.same([outline(destroyed.payload), destroyed.id], ['UniqueIdentifier', registered.id]);
    const rsa = structure('CommonTemplateAttribute', A('Cryptographic Algorithm', en(4)), length(2048));
    const pair = await peer.ask(version, 'CreateKeyPair', [rsa]);
    t.equal(outline(pair.payload), 'PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier');
  }
});

t.test('point 06: fields come in the order of the specification', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const id = Uint8Array.of(0, 0, 0, 1);
  for (const version of classic) {
    const name = `order ${version}`;
    const payload = [OT(objectType.SymmetricKey), TA(aes, length(128), mask(12), Name(name))];
    const created = await peer.ask(version, 'Create', payload, {
      id,
      header: [maximumResponseSize(8192), timeStamp()],
    });
    t.match(
      outline([created.node]),
      /^BatchItem\{Operation UniqueBatchItemID ResultStatus ResponsePayload\{/,
    );
    const got = await peer.ask(version, 'Get', [uid(created.id)]);
    t.equal(
      outline(got.payload),
      'ObjectType UniqueIdentifier SymmetricKey{KeyBlock{KeyFormatType KeyValue{KeyMaterial} CryptographicAlgorithm CryptographicLength}}',
    );
    const asked = await peer.ask(version, 'GetAttributes', [uid(created.id), text('AttributeName', 'Name')]);
    t.equal(
      outline(asked.payload),
      'UniqueIdentifier Attribute{AttributeName AttributeValue{NameValue NameType}}',
      'and index 0 is not written',
    );
    const located = await peer.ask(version, 'Locate', [Name(name)]);
    t.match(
      outline(located.payload),
      version < '1.3' ? /^UniqueIdentifier$/ : /^LocatedItems UniqueIdentifier$/,
    );
  }
});

t.test('point 07: Key Value in a Get holds Key Material only', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const inside = structure(
    'SymmetricKey',
    structure(
      'KeyBlock',
      enumerated('KeyFormatType', 1),
      structure(
        'KeyValue',
        { ...text('KeyMaterial', ''), type: 'ByteString', value: material(32) } as never,
        A('x-Inside', { type: 'TextString', value: 'kept beside the key' }),
        A('Activation Date', date(Math.floor(Date.now() / 1000) - 60)),
      ),
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
    ),
  );
  for (const version of classic) {
    const { id } = await peer.ask(version, 'Register', [OT(objectType.SymmetricKey), TA(mask(12)), inside]);
    const got = await peer.ask(version, 'Get', [uid(id)]);
    t.match(outline(got.payload), /KeyValue\{KeyMaterial\}/, version);
    const found = attributes(
      await peer.ask(version, 'GetAttributes', [uid(id), text('AttributeName', 'x-Inside')]),
    );
    t.same(found, { 'x-Inside': ['kept beside the key'] }, 'what came inside is an attribute of the object');
  }
});
