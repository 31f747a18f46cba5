import t from 'tap';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { bytes, enumerated, find, integer, item, structure, text } from '../client.ts';
import {
  A,
  aes,
  batchOrder,
  credential,
  en,
  fields,
  length,
  mask,
  material,
  maximumResponseSize,
  Name,
  named,
  nameValue,
  OT,
  objectType,
  secretData,
  str,
  symmetricKey,
  TA,
  tagged,
  timeStamp,
  uid,
} from './notation.ts';
import { attributes, daemonFor, ids, Peer } from './peer.ts';

/** The unique requests seen from each client, field by field in the order seen. */

const daemon = await daemonFor(t);

const key256 = [OT(objectType.SymmetricKey), TA(aes, length(256), mask(12))];
const materialOf = (node: Node, kind: 'SymmetricKey' | 'SecretData') =>
  find(node, 'ResponsePayload', kind, 'KeyBlock', 'KeyValue', 'KeyMaterial')?.value as Uint8Array;
const revocation = (code: number, message: string) =>
  structure('RevocationReason', enumerated('RevocationReasonCode', code), text('RevocationMessage', message));

t.test('mongocrypt: a data key kept as secret data, one connection per message', async (t) => {
  const one = async (version: Version, operation: string, payload: Node[]) => {
    const peer = await Peer.connect(t, daemon);
    const answer = await peer.ask(version, operation, payload);
    await peer.client.close();
    return answer;
  };
  const seed = structure(
    'SecretData',
    enumerated('SecretDataType', 2),
    structure(
      'KeyBlock',
      enumerated('KeyFormatType', 2),
      structure('KeyValue', bytes('KeyMaterial', material(96))),
    ),
  );
  for (const given of [TA(mask(0)), TA()]) {
    const { id } = await one('1.0', 'Register', [OT(objectType.SecretData), given, seed]);
    t.equal((await one('1.0', 'Activate', [uid(id)])).id, id);
    t.same(materialOf((await one('1.0', 'Get', [uid(id)])).node, 'SecretData'), material(96));
  }
});

t.test('mongocrypt: a delegated key', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const { id } = await peer.ask('1.2', 'Create', key256);
  await peer.ask('1.2', 'Activate', [uid(id)]);
  const query = await peer.ask('1.2', 'Query', [enumerated('QueryFunction', 1)]);
  const offered = query.payload.map(({ value }) => value);
  t.ok(offered.includes(0x1f), 'Encrypt is offered');
  const cbc = [
    enumerated('BlockCipherMode', 1),
    enumerated('PaddingMethod', 3),
    enumerated('CryptographicAlgorithm', 3),
  ];
  const plain = bytes('Data', material(96));
  const randomIv = structure('CryptographicParameters', ...cbc, item('RandomIV', 'Boolean', true));
  const encrypted = await peer.ask('1.2', 'Encrypt', [uid(id), randomIv, plain]);
  const data = find(encrypted.node, 'ResponsePayload', 'Data') as Node;
  const iv = find(encrypted.node, 'ResponsePayload', 'IVCounterNonce') as Node;
  t.equal((data.value as Uint8Array).length, 112);
  const decrypted = await peer.ask('1.2', 'Decrypt', [
    uid(id),
    structure('CryptographicParameters', ...cbc),
    data,
    iv,
  ]);
  t.same(find(decrypted.node, 'ResponsePayload', 'Data')?.value, plain.value);
});

t.test('OpenKMIP demo: create, and get with an empty user name', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const { id } = await peer.ask('1.0', 'Create', key256, {
    header: [maximumResponseSize(8192), timeStamp()],
  });
  const header = [maximumResponseSize(8192), credential('', ''), timeStamp()];
  t.equal(materialOf((await peer.ask('1.0', 'Get', [uid(id)], { header })).node, 'SymmetricKey').length, 32);
});

t.test('kmippp: 1.0 and 1.4 on one connection, an empty Object Group', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const header = () => [maximumResponseSize(8192), timeStamp()];
  const ask = (version: Version, operation: string, payload: Node[]) =>
    peer.ask(version, operation, payload, { header: header() });
  const name = Name('kmippp');
  const made = await ask('1.0', 'Create', [
    OT(objectType.SymmetricKey),
    TA(aes, length(256), mask(12), name, A('Object Group', str('TestGroup'))),
  ]);
  const registered = await ask('1.4', 'Register', [
    OT(objectType.SymmetricKey),
    TA(aes, length(256), mask(12), name, A('Object Group', str(''))),
    symmetricKey(material(32)),
  ]);
  await ask('1.0', 'Activate', [uid(registered.id)]);
  t.same(materialOf((await ask('1.0', 'Get', [uid(registered.id)])).node, 'SymmetricKey'), material(32));
  const nameOf = await ask('1.4', 'GetAttributes', [uid(registered.id), ...named('Name')]);
  t.same(nameOf.payload.length, 2, 'the first attribute is the name, and the only one');
  const keys = A('Object Type', en(2));
  const maximum = integer('MaximumItems', 16);
  t.same(ids(await ask('1.0', 'Locate', [maximum, keys, name])), [registered.id, made.id]);
  t.same(ids(await ask('1.0', 'Locate', [maximum, integer('OffsetItems', 1), keys, name])), [made.id]);
  t.same(
    ids(await ask('1.0', 'Locate', [maximum, integer('OffsetItems', 2), keys, name])),
    [],
    'the last page',
  );
  const secret = await ask('1.4', 'Register', [
    OT(objectType.SecretData),
    TA(mask(576), name, A('Object Group', str(''))),
    secretData(1, material(7)),
  ]);
  t.same(materialOf((await ask('1.0', 'Get', [uid(secret.id)])).node, 'SecretData'), material(7));
  await ask('1.0', 'Revoke', [uid(registered.id), revocation(1, 'Deactivate')]);
  await ask('1.0', 'Destroy', [uid(registered.id)]);
});

t.test('kmippp: every page of a keyring that it loads', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const group = A('Object Group', str('keyring'));
  const made: string[] = [];
  for (let count = 0; count < 33; count++) {
    const payload = [
      OT(objectType.SymmetricKey),
      TA(aes, length(256), mask(12), Name(`key ${count}`), group),
    ];
    made.push((await peer.ask('1.0', 'Create', payload)).id);
  }
  const found: string[] = [];
  for (let offset = 0; ; ) {
    const at = offset === 0 ? [] : [integer('OffsetItems', offset)];
    const page = ids(
      await peer.ask('1.0', 'Locate', [integer('MaximumItems', 16), ...at, A('Object Type', en(2)), group]),
    );
    if (page.length === 0) break;
    found.push(...page);
    offset += page.length;
  }
  t.same(found.toReversed(), made);
  for (const id of found) await peer.ask('1.4', 'GetAttributes', [uid(id), ...named('Name')]);
});

t.test('kmipclient: key and attributes in one batch, pages of 256, 64 and 16', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const header = (...more: Node[]) => [maximumResponseSize(1_048_576), ...more, timeStamp()];
  let counter = 0;
  const ubid = () => Uint8Array.of(0, 0, 0, ++counter);
  const ask = (operation: string, payload: Node[] = []) =>
    peer.ask('1.4', operation, payload, { header: header(), id: ubid() });
  const name = Name('kmipclient');
  const group = A('Object Group', str('TestGroup kmipclient'));
  const made = await ask('Create', [
    OT(objectType.SymmetricKey),
    TA(aes, length(256), mask(140), name, group),
  ]);
  const registered = await ask('Register', [
    OT(objectType.SymmetricKey),
    TA(name, group, aes, length(256), mask(140)),
    symmetricKey(material(32)),
  ]);
  const secret = await ask('Register', [
    OT(objectType.SecretData),
    TA(mask(576), name, group),
    secretData(1, material(19)),
  ]);
  const six = [
    'State',
    'Name',
    'Operation Policy Name',
    'Cryptographic Algorithm',
    'Cryptographic Length',
    'Cryptographic Usage Mask',
  ];
  for (const [id, names] of [
    [made.id, []],
    [registered.id, six],
    [secret.id, six.slice(0, 3)],
  ] as const) {
    const answers = await peer.batch('1.4', header(batchOrder), [
      { operation: 'Get', payload: [uid(id)], uniqueBatchItemID: ubid() },
      { operation: 'GetAttributes', payload: [uid(id), ...named(...names)], uniqueBatchItemID: ubid() },
    ]);
    t.same(
      answers.map(({ status }) => status),
      ['Success', 'Success'],
    );
    t.same(attributes(answers[1] as never)['State'], [1], 'State must be present');
  }
  for (const [type, wanted] of [
    [2, [registered.id, made.id]],
    [7, [secret.id]],
  ] as const) {
    const kind = A('Object Type', en(type));
    t.same(ids(await ask('Locate', [integer('MaximumItems', 256), kind, name])), wanted);
    t.same(ids(await ask('Locate', [integer('MaximumItems', 256), kind, group])), wanted);
    for (const maximum of [256, 64, 16]) {
      const found = ids(await ask('Locate', [integer('MaximumItems', maximum), kind]));
      t.ok(found.length > 0 && found.length <= maximum);
    }
  }
  await ask('DiscoverVersions');
  await ask(
    'Query',
    [1, 2, 3].map((each) => enumerated('QueryFunction', each)),
  );
  await ask('Revoke', [uid(made.id), revocation(2, 'example cleanup')]);
  await ask('Destroy', [uid(made.id)]);
});

t.test('Barbican: never activates, gives no masks for a pair, destroys without Revoke', async (t) => {
  const ask = async (operation: string, payload: Node[]) => {
    const peer = await Peer.connect(t, daemon, { tls: { maxVersion: 'TLSv1.2' } });
    const answer = await peer.ask('1.2', operation, payload);
    await peer.client.close();
    return answer;
  };
  const name = Name('Barbican');
  const made = await ask('Create', key256);
  t.equal(materialOf((await ask('Get', [uid(made.id)])).node, 'SymmetricKey').length, 32);
  const key = await ask('Register', [
    OT(objectType.SymmetricKey),
    TA(mask(0), name),
    symmetricKey(material(32)),
  ]);
  const word = await ask('Register', [
    OT(objectType.SecretData),
    TA(mask(0), name),
    secretData(1, material(7)),
  ]);
  const opaque = structure(
    'OpaqueObject',
    enumerated('OpaqueDataType', 0x8000_0000),
    bytes('OpaqueDataValue', material(8)),
  );
  const data = await ask('Register', [OT(8), TA(name), opaque]);
  const common = structure('CommonTemplateAttribute', A('Cryptographic Algorithm', en(4)), length(2048));
  const pair = (await ask('CreateKeyPair', [common])).payload.map(({ value }) => value as string);
  for (const id of [made.id, key.id, word.id, data.id, ...pair]) {
    await ask('Get', [uid(id)]);
    await ask('Destroy', [uid(id)]);
  }
});

for (const version of ['1.0', '1.2', '1.4'] as const) {
  t.test(`PyKMIP's pie in ${version}`, async (t) => {
    const peer = await Peer.connect(t, daemon);
    const name = Name(`pie ${version}`);
    const { id } = await peer.ask(version, 'Create', [
      OT(objectType.SymmetricKey),
      TA(aes, length(256), mask(12), name),
    ]);
    await peer.ask(version, 'Get', [uid(id)]);
    await peer.ask(version, 'Activate', [uid(id)]);
    t.ok(ids(await peer.ask(version, 'Locate')).includes(id), 'an empty Locate finds all');
    t.same(attributes(await peer.ask(version, 'GetAttributes', [uid(id), ...named('State')])), {
      State: [2],
    });
    const key = [OT(objectType.SymmetricKey), TA(mask(0), name), symmetricKey(material(16))];
    const registered = await peer.ask(version, 'Register', key);
    t.same(
      materialOf((await peer.ask(version, 'Get', [uid(registered.id)])).node, 'SymmetricKey'),
      material(16),
    );
  });
}

t.test("PyKMIP's pie in 2.0", async (t) => {
  const client = (await Peer.connect(t, daemon)).client;
  const ask = async (operation: string, payload: Node[] = []) => {
    const answer = await client.request('2.0', [{ operation, payload }]);
    t.equal(find(answer, 'BatchItem', 'ResultStatus')?.value, 0, operation);
    return find(answer, 'BatchItem') as Node;
  };
  const idOf = (node: Node) => find(node, 'ResponsePayload', 'UniqueIdentifier')?.value as string;
  const name = tagged('Name', nameValue('pie 2.0'));
  const listed = structure(
    'Attributes',
    enumerated('CryptographicAlgorithm', 3),
    integer('CryptographicLength', 256),
    integer('CryptographicUsageMask', 12),
    name,
  );
  const id = idOf(await ask('Create', [OT(objectType.SymmetricKey), listed]));
  await ask('Get', [uid(id)]);
  await ask('Activate', [uid(id)]);
  await ask('Locate');
  const state = await ask('GetAttributes', [uid(id), enumerated('AttributeReference', 0x42008d)]);
  t.equal(find(state, 'ResponsePayload', 'Attributes', 'State')?.value, 2);
  const given = tagged('Attributes', fields(integer('CryptographicUsageMask', 0), name));
  const registered = idOf(
    await ask('Register', [OT(objectType.SymmetricKey), given, symmetricKey(material(16))]),
  );
  t.same(materialOf(await ask('Get', [uid(registered)]), 'SymmetricKey'), material(16));
});
