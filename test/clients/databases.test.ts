import t from 'tap';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { decode, encode, enumerated, find, integer, requestMessage, structure, valueOf } from '../client.ts';
import {
  A,
  aes,
  batchOrder,
  en,
  int,
  length,
  mask,
  material,
  maximumResponseSize,
  named,
  nameValue,
  OT,
  objectType,
  outline,
  str,
  symmetricKey,
  TA,
  timeStamp,
  uid,
} from './notation.ts';
import { attributes, daemonFor, ids, Peer } from './peer.ts';

/** Database servers. */

const daemon = await daemonFor(t);

const key = (...more: Node[]): Node[] => [
  OT(objectType.SymmetricKey),
  TA(aes, length(256), mask(12), ...more),
];
const revocation = structure('RevocationReason', enumerated('RevocationReasonCode', 1));

t.test('MySQL keyring_okv: a Storage Status Mask among the attributes', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const ask = (operation: string, payload: Node[]) =>
    peer.ask('1.1', operation, payload, { header: [maximumResponseSize(280_000)] });
  const given = TA(
    A('Cryptographic Algorithm', en(3), 0),
    A('Cryptographic Length', int(256), 0),
    A('Cryptographic Usage Mask', int(2108), 0),
    A('Name', nameValue('okv'), 0),
  );
  const { id } = await ask('Create', [OT(objectType.SymmetricKey), given]);
  const odd = A('Storage Status Mask', int(1), 0);
  const name = A('Name', nameValue('okv'), 0);
  t.same(ids(await ask('Locate', [integer('StorageStatusMask', 1), TA(name)])), [id], 'the field');
  t.same(ids(await ask('Locate', [TA(odd, name)])), [id], 'the odd attribute');
  t.same(ids(await ask('Locate', [TA(A('Storage Status Mask', int(2), 0), name)])), [], 'which counts');
  await ask('Activate', [uid(id)]);
  await ask('Get', [uid(id)]);
  await ask('Revoke', [uid(id), revocation]);
  await ask('Destroy', [uid(id)]);
});

t.test('IBM Db2: identifiers padded with NULs that count', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of ['1.0', '1.2'] as const) {
    const { id } = await peer.ask(version, 'Create', key());
    const padded = uid(id + '\0'.repeat(8 - (id.length % 8)));
    for (const operation of ['Activate', 'Get', 'GetAttributes']) {
      t.equal((await peer.ask(version, operation, [padded])).id, id, `${operation} answers the plain one`);
    }
  }
});

t.test('ScyllaDB: finds an Active key by its properties, else makes one', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const space = A('x-key-namespace', str('scylla'));
  const filter = [
    integer('MaximumItems', 1),
    space,
    A('Object Type', en(2)),
    A('Cryptographic Algorithm', en(3)),
    A('Cryptographic Length', int(128)),
    A('State', en(2)),
    A('Cryptographic Usage Mask', int(12)),
  ];
  for (const version of ['1.0', '1.2', '1.4'] as const) {
    await peer.ask(version, 'Query', [enumerated('QueryFunction', 1), enumerated('QueryFunction', 2)]);
  }
  t.same(ids(await peer.ask('1.2', 'Locate', filter)), []);
  const { id } = await peer.ask('1.2', 'Create', [OT(2), TA(aes, mask(12), length(128), space)]);
  t.same(ids(await peer.ask('1.2', 'Locate', filter)), [], 'not while it is Pre-Active');
  await peer.ask('1.2', 'Activate', [uid(id)]);
  t.same(ids(await peer.ask('1.2', 'Locate', filter)), [id]);
  const other = await peer.ask('1.2', 'Create', [OT(2), TA(aes, mask(4), length(128), space)]);
  await peer.ask('1.2', 'Activate', [uid(other.id)]);
  t.same(ids(await peer.ask('1.2', 'Locate', filter)), [id], 'a mask without one of the bits does not match');
  const answers = await peer.batch(
    '1.2',
    [batchOrder],
    [
      { operation: 'Get', payload: [uid(id), enumerated('KeyFormatType', 1)] },
      { operation: 'GetAttributes', payload: [uid(id)] },
    ],
  );
  t.same(
    answers.map(({ status }) => status),
    ['Success', 'Success'],
    'exactly two items',
  );
  t.match(attributes(answers[1] as never), { State: [2], 'x-key-namespace': ['scylla'] });
  const misspelt = A('Cryptographic_Algorithm', en(3));
  t.same(
    ids(await peer.ask('1.2', 'Locate', [space, misspelt])),
    [],
    'the misspelt names of old releases find nothing',
  );
});

t.test('MongoDB server: registers, activates, polls the state', async (t) => {
  const header = () => [maximumResponseSize(8192), timeStamp()];
  const peer = await Peer.connect(t, daemon);
  const ask = (operation: string, payload: Node[], version: Version = '1.0') =>
    peer.ask(version, operation, payload, { header: header() });
  const { id } = await ask('Register', [
    OT(objectType.SymmetricKey),
    TA(aes, length(256), mask(12)),
    symmetricKey(material(32)),
  ]);
  t.equal((await ask('Activate', [uid(id)])).id, id);
  const polled = await ask('GetAttributes', [uid(id), ...named('State')]);
  t.equal(outline(polled.payload), 'UniqueIdentifier Attribute{AttributeName AttributeValue}');
  t.same([polled.id, attributes(polled)], [id, { State: [2] }]);
  const got = (await ask('Get', [uid(id)])).node;
  t.equal(find(got, 'ResponsePayload', 'ObjectType')?.value, 2);
  t.equal(find(got, 'ResponsePayload', 'SymmetricKey', 'KeyBlock', 'KeyFormatType')?.value, 1);
  const request = requestMessage('1.0', [{ operation: 'Get', payload: [uid('absent')] }], header());
  const absent = decode(await peer.client.send(encode(request)));
  t.same(
    [valueOf(absent, 'BatchItem', 'ResultStatus'), valueOf(absent, 'BatchItem', 'ResultReason')],
    [1, 1],
  );
});
