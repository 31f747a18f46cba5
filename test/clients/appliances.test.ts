import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { enumerated, find, integer, structure, text } from '../client.ts';
import {
  A,
  aes,
  batchOrder,
  credential,
  date,
  en,
  int,
  length,
  mask,
  material,
  maximumResponseSize,
  Name,
  named,
  OT,
  objectType,
  onError,
  outline,
  raw,
  secretData,
  str,
  symmetricKey,
  TA,
  uid,
} from './notation.ts';
import { attributes, daemonFor, ids, Peer } from './peer.ts';

/** Storage and network products. */

const daemon = await daemonFor(t);

const key = (...more: Node[]): Node[] => [
  OT(objectType.SymmetricKey),
  TA(aes, length(256), mask(12), ...more),
];
const revocation = structure('RevocationReason', enumerated('RevocationReasonCode', 1));

t.test('FortiOS 7.4: four wrapped Locates in one message, names that begin alike', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const register = (name: string, algorithm: number, size: number) =>
    peer.ask('1.0', 'Register', [
      OT(objectType.SymmetricKey),
      TA(mask(algorithm === 3 ? 12 : 128), Name(name)),
      symmetricKey(material(size), algorithm),
    ]);
  const names = ['site-ENC-AES-16-1', 'site-ENC-AES-16-12', 'site-AUTH-SHA1-20-1', 'site-AUTH-SHA1-20-12'];
  const made: string[] = [];
  for (const name of names)
    made.push((await register(name, name.includes('ENC') ? 3 : 7, name.includes('ENC') ? 16 : 20)).id);
  const header = [
    maximumResponseSize(65_536),
    credential('fortigate', 'a secret word'),
    onError('Continue'),
    batchOrder,
  ];
  const ubid = (at: number) => new Uint8Array(12).fill(at);
  const located = await peer.batch(
    '1.0',
    header,
    names.map((name, at) => ({
      operation: 'Locate',
      payload: [integer('MaximumItems', 1), TA(Name(name))],
      uniqueBatchItemID: ubid(at),
    })),
  );
  t.same(located.flatMap(ids), made, 'each its own key');
  const got = await peer.batch(
    '1.0',
    header,
    made.map((id, at) => ({ operation: 'Get', payload: [uid(id)], uniqueBatchItemID: ubid(at) })),
  );
  t.same(
    got.map(({ node }) => {
      const bytes = find(
        node,
        'ResponsePayload',
        'SymmetricKey',
        'KeyBlock',
        'KeyValue',
        'KeyMaterial',
      )?.value;
      return (bytes as Uint8Array).length;
    }),
    [16, 16, 20, 20],
  );
  const missing = await peer.batch('1.0', header, [
    { operation: 'Locate', payload: [integer('MaximumItems', 1), TA(Name('site-ENC-AES-16'))] },
    { operation: 'Get', payload: [uid(made[0] as string)] },
  ]);
  t.same(
    missing.map((answer) => [answer.status, ids(answer).length]),
    [
      ['Success', 0],
      ['Success', 1],
    ],
  );
});

t.test('Synology DSM 7: registers under one name, moves the volume name in, activates', async (t) => {
  const ask = async (operation: string, payload: Node[]) => {
    const peer = await Peer.connect(t, daemon);
    const answer = await peer.ask('1.2', operation, payload);
    await peer.client.close();
    return answer;
  };
  const burst = Array.from({ length: 8 }, () =>
    ask(
      'Query',
      [1, 2, 3, 4, 5, 6].map((each) => enumerated('QueryFunction', each)),
    ),
  );
  for (const { payload } of await Promise.all(burst))
    t.match(outline(payload), /^Operation .*ObjectType .*Vendor/);
  const volume = '3d2a7a0c-7f0a-4a8b-9b35-0c9d6f1f2a11';
  t.same(ids(await ask('Locate', [Name(volume)])), []);
  const { id } = await ask('Register', [
    OT(objectType.SecretData),
    TA(mask(2), A('Operation Policy Name', str('default')), Name('a5'.repeat(64))),
    secretData(1, material(72)),
  ]);
  const renamed = await ask('ModifyAttribute', [uid(id), Name(volume)]);
  t.equal(
    outline(renamed.payload),
    'UniqueIdentifier Attribute{AttributeName AttributeValue{NameValue NameType}}',
  );
  t.same(ids(await ask('Locate', [Name(volume)])), [id], 'exactly one');
  t.same(ids(await ask('Locate', [Name('a5'.repeat(64))])), [], 'the old name is gone');
  await ask('Activate', [uid(id)]);
  const list = (await ask('GetAttributeList', [uid(id)])).payload.map(({ value }) => value);
  for (const name of ['State', 'Object Type', 'Name', 'Operation Policy Name'])
    t.ok(list.includes(name), name);
  const found = await ask('GetAttributes', [uid(id), ...named('State', 'Object Type')]);
  t.same(attributes(found), { State: [2], 'Object Type': [7] });
  const got = await ask('Get', [uid(id)]);
  t.match(outline(got.payload), /KeyValue\{KeyMaterial\}/);
});

t.test('NetApp ONTAP: sixteen x- attributes, found by some or all', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const tags = (node: string) =>
    Array.from({ length: 16 }, (_, at) => A(`x-NETAPP-${at}`, str(at === 3 ? node : `value ${at}`)));
  const made: string[] = [];
  for (const version of ['1.0', '1.1', '1.2', '1.3', '1.4'] as const) {
    const payload = [OT(objectType.SecretData), TA(mask(0), ...tags(version)), secretData(1, material(32))];
    made.push((await peer.ask(version, 'Register', payload)).id);
  }
  t.same(ids(await peer.ask('1.2', 'Locate', tags('1.2'))), [made[2]], 'all sixteen');
  t.same(ids(await peer.ask('1.0', 'Locate', [...tags('1.4')].slice(3, 5))), [made[4]], 'two');
  t.same(ids(await peer.ask('1.1', 'Locate', tags('1.2').slice(0, 3))), made.toReversed(), 'what they share');
  t.same(ids(await peer.ask('1.1', 'Locate', tags('none'))), []);
});

t.test('SAN array: Query, Locate, Get and GetAttributes in one message of 1.0', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const tags = [A('x-ResourceID', str('array 7')), A('x-SystemID', int(77))];
  const opaque = [OT(objectType.SecretData), TA(mask(0), ...tags), secretData(1, material(64))];
  const { id } = await peer.ask('1.0', 'Register', opaque);
  const asked = ['Unique Identifier', 'Object Type', 'Initial Date', 'State'];
  const message = (filter: Node[]) => [
    { operation: 'Query', payload: [1, 2, 3, 4].map((each) => enumerated('QueryFunction', each)) },
    { operation: 'Locate', payload: filter },
    { operation: 'Get', payload: [enumerated('KeyFormatType', 2)] },
    { operation: 'GetAttributes', payload: named(...asked) },
  ];
  const answers = await peer.batch('1.0', [], message(tags));
  t.same(
    answers.map(({ status }) => status),
    Array(4).fill('Success'),
  );
  t.same(
    answers.slice(1).map((answer) => answer.id),
    [id, id, id],
  );
  const found = attributes(answers[3] as never);
  t.same(Object.keys(found), asked, 'in the order asked');
  t.same([found['Unique Identifier'], found['Object Type'], found['State']], [[id], [7], [1]]);
  const none = await peer.batch('1.0', [], message([tags[0] as Node, A('x-SystemID', raw(material(4)))]));
  t.same(
    none.map(({ status }) => status),
    ['Success', 'Success', 'OperationFailed'],
    'no match: the Get fails, the rest is not run',
  );
  t.equal(none[2]?.reason, 'ItemNotFound');
});

t.test('Veeam: a key pair, both halves activated and read as bare material', async (t) => {
  const peer = await Peer.connect(t, daemon, { tls: { maxVersion: 'TLSv1.2' } });
  const ask = (operation: string, payload: Node[]) => peer.ask('1.4', operation, payload);
  const name = Name('veeam');
  t.same(ids(await ask('Locate', [name])), []);
  const common = structure('CommonTemplateAttribute', A('Cryptographic Algorithm', en(4)), length(2048));
  const halves = [
    structure('PrivateKeyTemplateAttribute', name, mask(8)),
    structure('PublicKeyTemplateAttribute', name, mask(4)),
  ];
  const pair = (await ask('CreateKeyPair', [common, ...halves])).payload.map(({ value }) => value as string);
  t.same(new Set(ids(await ask('Locate', [name]))), new Set(pair));
  for (const id of pair) {
    await ask('Activate', [uid(id)]);
    t.match(outline((await ask('Get', [uid(id)])).payload), /KeyValue\{KeyMaterial\}/);
    await ask('Revoke', [uid(id), revocation]);
    await ask('Destroy', [uid(id)]);
  }
});

t.test('IBM tape libraries: Alternative Name and custom attributes in Create and Locate', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const alternative = A('Alternative Name', {
    type: 'Structure',
    value: [text('AlternativeNameValue', 'TS4500-1'), enumerated('AlternativeNameType', 1)],
  });
  const custom = A('x-Cartridge', str('L80001'));
  const { id } = await peer.ask(
    '1.2',
    'Create',
    key(alternative, custom, A('Activation Date', date(1_600_000_000))),
  );
  t.same(ids(await peer.ask('1.2', 'Locate', [alternative])), [id]);
  t.same(ids(await peer.ask('1.2', 'Locate', [alternative, custom])), [id]);
});
