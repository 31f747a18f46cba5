import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { enumerated, find, readIdentity } from '../client.ts';
import { A, aes, length, mask, named, OT, objectType, outline, str, TA, uid } from './notation.ts';
import { type Answer, attributes, daemonFor, Peer } from './peer.ts';

/** The requests of vCenter 7.0.3 in a capture, and the requests that follow them. KMIP 1.1, TLS 1.2. */

const daemon = await daemonFor(t);
const tls = { maxVersion: 'TLSv1.2' } as const;
const version = '1.1';

/** Unique Batch Item ID of the SDK: QLKC and a little-endian counter that starts at 1 in each message. */
function qlkc(count: number): Uint8Array {
  const id = new Uint8Array(8);
  id.set(Buffer.from('QLKC', 'latin1'));
  new DataView(id.buffer).setUint32(4, count, true);
  return id;
}

/** Every connection of vCenter begins with a Discover Versions without a batch item id. */
async function connection(t: Parameters<typeof Peer.connect>[0]): Promise<Peer> {
  const peer = await Peer.connect(t, daemon, { tls });
  const { payload } = await peer.ask(version, 'DiscoverVersions');
  if (payload.length === 0) throw new Error('no version is offered');
  return peer;
}

const ask = (peer: Peer, operation: string, payload: Node[]) =>
  peer.ask(version, operation, payload, { id: qlkc(1) });

function tags(id: string, values: Record<string, string>) {
  return Object.entries(values).map(([name, value], at) => ({
    operation: 'AddAttribute',
    payload: [uid(id), A(name, str(value))],
    uniqueBatchItemID: qlkc(at + 1),
  }));
}

const product = {
  'x-Product_Version': '7.0.3 build-19480866',
  'x-Vendor': 'VMware, Inc.',
  'x-Product': 'VMware vSphere',
};
const host = {
  'x-Identifier': '8c164d56-7f1c-5960-63e6-',
  'x-Component': 'ESXi Server',
  'x-Name': '172.16.220.132',
};
const machine = {
  'x-Identifier': '4226f566-3ed5-1c8f-cda3-',
  'x-Component': 'Virtual Machine',
  'x-Name': 'test01',
};

t.test('probe connections come and go without a word', async (t) => {
  const identity = await readIdentity(`${daemon.home}/clients/demo`);
  for (let count = 0; count < 4; count++) {
    const socket = connectTls({ ...identity, ...tls, host: '127.0.0.1', port: daemon.port });
    await once(socket, 'secureConnect');
    socket.end();
    await once(socket, 'close');
  }
  t.notMatch(daemon.output, /"level":"(warn|error|fatal)"/, 'and leave no complaint in the log');
});

t.test('health: Discover Versions with a batch item id, Query of the server', async (t) => {
  const peer = await connection(t);
  await ask(peer, 'DiscoverVersions', []);
  const query = await ask(peer, 'Query', [enumerated('QueryFunction', 3)]);
  t.match(outline(query.payload), /^VendorIdentification ServerInformation\{/);
});

t.test('a key is made, read, activated, tagged', async (t) => {
  const maker = await connection(t);
  const { id } = await ask(maker, 'Create', [OT(objectType.SymmetricKey), TA(aes, mask(12), length(256))]);
  await maker.client.close();

  const user = await connection(t);
  const got = await ask(user, 'Get', [uid(id)]);
  const bytes = find(
    got.node,
    'ResponsePayload',
    'SymmetricKey',
    'KeyBlock',
    'KeyValue',
    'KeyMaterial',
  )?.value;
  t.equal((bytes as Uint8Array).length, 32);
  const state = async () =>
    attributes(await ask(user, 'GetAttributes', [uid(id), ...named('State')]))['State'];
  t.same(await state(), [1], 'Pre-Active, so it is activated after the Get');
  await ask(user, 'Activate', [uid(id)]);
  t.same(await state(), [2]);
  await user.client.close();

  const tagger = await connection(t);
  for (const name of Object.keys(product)) {
    const { payload } = await ask(tagger, 'GetAttributes', [uid(id), ...named(name)]);
    t.equal(outline(payload), 'UniqueIdentifier', `${name} is not there yet: a success all the same`);
  }
  await tagged(t, tagger, id, product);
  for (const name of Object.keys(host)) await ask(tagger, 'GetAttributes', [uid(id), ...named(name)]);
  await tagged(t, tagger, id, host);
  for (const [name, value] of Object.entries({ ...product, ...host })) {
    const found = attributes(await ask(tagger, 'GetAttributes', [uid(id), ...named(name)]));
    t.same(found, { [name]: [value] });
  }
});

/** Three Add Attributes in one message: each answered with its id, its object and its attribute. */
async function tagged(
  t: { same(a: unknown, b: unknown): boolean },
  peer: Peer,
  id: string,
  values: Record<string, string>,
) {
  const answers = await peer.batch(version, [], tags(id, values));
  const wanted = Object.entries(values).map(([name, value]) => ({ status: 'Success', id, [name]: [value] }));
  t.same(
    answers.map((answer: Answer) => ({ status: answer.status, id: answer.id, ...attributes(answer) })),
    wanted,
  );
}

t.test('the same for a virtual machine, from many connections at once', async (t) => {
  const rounds = Array.from({ length: 8 }, async (_, at) => {
    const peer = await connection(t);
    const { id } = await ask(peer, 'Create', [OT(objectType.SymmetricKey), TA(aes, mask(12), length(256))]);
    await tagged(t, peer, id, { ...machine, 'x-Name': `test${at}` });
    await ask(peer, 'Get', [uid(id)]);
    await ask(peer, 'Activate', [uid(id)]);
    await peer.client.close();
  });
  await Promise.all(rounds);
});

t.test('a tag that is there already becomes a second instance, and the key stays usable', async (t) => {
  const peer = await connection(t);
  const { id } = await ask(peer, 'Create', [OT(objectType.SymmetricKey), TA(aes, mask(12), length(256))]);
  await tagged(t, peer, id, product);
  const [again] = await peer.batch(version, [], tags(id, { 'x-Vendor': 'VMware, Inc.' }));
  t.equal(
    outline(again?.payload ?? []),
    'UniqueIdentifier Attribute{AttributeName AttributeIndex AttributeValue}',
  );
  await ask(peer, 'Get', [uid(id)]);
});

t.test('a key that does not exist is Item Not Found', async (t) => {
  const peer = await connection(t);
  t.equal(await peer.refused(version, 'Get', [uid('N/no such key')]), 'ItemNotFound');
});
