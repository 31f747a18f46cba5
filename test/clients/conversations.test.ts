import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { children, enumerated, find, integer, structure, text, valueOf } from '../client.ts';
import {
  A,
  aes,
  batchOrder,
  credential,
  date,
  length,
  mask,
  material,
  maximumResponseSize,
  Name,
  named,
  OT,
  objectType,
  onError,
  secretData,
  TA,
  timeStamp,
  uid,
} from './notation.ts';
import { type Answer, attributes, daemonFor, ids, Peer } from './peer.ts';

/** States, versions, batches and credentials, as all clients need them. */

const daemon = await daemonFor(t);
const classic = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;
const absent = '0b44ef23-0000-4000-8000-000000000000';

const key = (...more: Node[]): Node[] => [
  OT(objectType.SymmetricKey),
  TA(aes, length(256), mask(12), ...more),
];
const revocation = (code: number): Node =>
  structure(
    'RevocationReason',
    enumerated('RevocationReasonCode', code),
    text('RevocationMessage', 'Deactivate'),
  );
const statuses = (answers: readonly Answer[]): string[] => answers.map(({ status }) => status);

t.test('point 14: an absent object is Item Not Found, reason 1', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    const { id } = await peer.ask(version, 'Create', key());
    await peer.ask(version, 'Destroy', [uid(id)]);
    for (const [label, operation, payload] of [
      ['Get', 'Get', [uid(absent)]],
      ['GetAttributes(State)', 'GetAttributes', [uid(absent), ...named('State')]],
      ['Get of a destroyed object', 'Get', [uid(id)]],
      ['Get without an identifier', 'Get', []],
      ['Get of an empty identifier', 'Get', [uid('')]],
    ] as const) {
      const [answer] = await peer.batch(version, [], [{ operation, payload }]);
      t.equal(valueOf(answer?.node as Node, 'ResultStatus'), 1, `${label} in ${version}`);
      t.equal(valueOf(answer?.node as Node, 'ResultReason'), 1);
    }
  }
});

t.test(
  'point 15: objects begin Pre-Active, can be read at once, and are destroyed unless Active',
  async (t) => {
    const peer = await Peer.connect(t, daemon);
    const now = Math.floor(Date.now() / 1000);
    for (const version of classic) {
      const state = async (id: string) => {
        const answer = await peer.ask(version, 'GetAttributes', [uid(id), ...named('State')]);
        t.equal(answer.id, id);
        return attributes(answer)['State'];
      };
      const seed = (...more: Node[]) => [
        OT(objectType.SecretData),
        TA(mask(0), ...more),
        secretData(2, material(96)),
      ];
      const { id } = await peer.ask(version, 'Register', seed());
      t.same(await state(id), [1], `Pre-Active in ${version}`);
      const got = await peer.ask(version, 'Get', [uid(id)]);
      const found = find(got.node, 'ResponsePayload', 'SecretData', 'KeyBlock', 'KeyValue', 'KeyMaterial');
      t.same(found?.value, material(96), 'Get works before activation');
      t.equal((await peer.ask(version, 'Activate', [uid(id)])).id, id);
      t.same(await state(id), [2], 'Active');
      await peer.refused(version, 'Activate', [uid(id)]);
      await peer.refused(version, 'Destroy', [uid(id)]);
      t.same(await state(id), [2], 'still Active');
      await peer.ask(version, 'Revoke', [uid(id), revocation(1)]);
      t.same(await state(id), [3], 'Deactivated');
      await peer.ask(version, 'Destroy', [uid(id)]);
      t.same(await state(id), [5], 'Destroyed');
      const dated = await peer.ask(version, 'Register', seed(A('Activation Date', date(now - 10))));
      t.same(await state(dated.id), [2], 'an Activation Date in the past activates');
      const later = await peer.ask(version, 'Create', key(A('Activation Date', date(now + 3600))));
      t.same(await state(later.id), [1], 'one in the future does not yet');
      const young = await peer.ask(version, 'Create', key());
      await peer.ask(version, 'Destroy', [uid(young.id)]);
      t.equal(
        await peer.refused(version, 'Get', [uid(young.id)]),
        'ItemNotFound',
        'destroyed without activation',
      );
    }
  },
);

t.test('point 17: Discover Versions returns the common versions, the newest first', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const version = (major: number, minor: number) =>
    structure(
      'ProtocolVersion',
      integer('ProtocolVersionMajor', major),
      integer('ProtocolVersionMinor', minor),
    );
  const offered = (answer: Answer) =>
    children(find(answer.node, 'ResponsePayload'), 'ProtocolVersion').map(
      (each) => `${valueOf(each, 'ProtocolVersionMajor')}.${valueOf(each, 'ProtocolVersionMinor')}`,
    );
  const all = ['2.1', '2.0', '1.4', '1.3', '1.2', '1.1', '1.0'];
  t.same(offered(await peer.ask('1.1', 'DiscoverVersions')), all, 'an empty list wants all');
  const id = Buffer.from('QLKC\x01\0\0\0', 'latin1');
  t.same(offered(await peer.ask('1.1', 'DiscoverVersions', [], { id })), all, 'with a batch item id too');
  const kmipGo = [version(1, 4), version(1, 3), version(1, 2), version(1, 1), version(1, 0)];
  t.same(offered(await peer.ask('1.1', 'DiscoverVersions', kmipGo)), ['1.4', '1.3', '1.2', '1.1', '1.0']);
  const oldestFirst = [version(1, 0), version(1, 2), version(9, 9)];
  t.same(
    offered(await peer.ask('1.1', 'DiscoverVersions', oldestFirst)),
    ['1.2', '1.0'],
    'in our order, common ones',
  );
  t.equal(await peer.refused('1.0', 'DiscoverVersions'), 'OperationNotSupported', '1.0 does not have it');
});

t.test(
  'point 18: the ID Placeholder goes through a batch, and every executed item is answered',
  async (t) => {
    const peer = await Peer.connect(t, daemon);
    for (const version of classic) {
      const name = Name(`point 18 ${version}`);
      const ubid = (at: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, at);
      // As kmip-go chains it: identifiers from 00..00 on.
      const chain = await peer.batch(
        version,
        [timeStamp()],
        [
          { operation: 'Create', payload: key(name), uniqueBatchItemID: ubid(0) },
          { operation: 'Activate', uniqueBatchItemID: ubid(1) },
          { operation: 'Get', uniqueBatchItemID: ubid(2) },
          { operation: 'GetAttributes', payload: named('State', 'Name'), uniqueBatchItemID: ubid(3) },
        ],
      );
      t.same(statuses(chain), Array(4).fill('Success'), version);
      t.equal(new Set(chain.map((answer) => answer.id)).size, 1, 'all about one object');
      t.same(attributes(chain[3] as Answer)['State'], [2]);
      const located = await peer.batch(
        version,
        [],
        [
          { operation: 'Locate', payload: [name] },
          { operation: 'Get' },
          { operation: 'GetAttributes', payload: named('State') },
        ],
      );
      t.same(statuses(located), Array(3).fill('Success'), 'Locate of one sets it');
      await peer.ask(version, 'Create', key(name));
      const two = await peer.batch(
        version,
        [],
        [{ operation: 'Locate', payload: [name] }, { operation: 'Get' }],
      );
      t.same(statuses(two), ['Success', 'OperationFailed'], 'Locate of two does not');
      const asked = [
        {
          operation: 'Create',
          payload: key(A('Object Group', { type: 'TextString', value: `18 ${version}` })),
        },
        { operation: 'Get', payload: [uid(absent)] },
        {
          operation: 'Create',
          payload: key(A('Object Group', { type: 'TextString', value: `18 ${version}` })),
        },
      ];
      const group = [A('Object Group', { type: 'TextString', value: `18 ${version}` })];
      const count = async () => ids(await peer.ask(version, 'Locate', group)).length;
      const undone = await peer.batch(version, [onError('Undo')], asked);
      t.same(statuses(undone), ['OperationUndone', 'OperationFailed'], 'Undo');
      t.equal(await count(), 0);
      for (const header of [[], [onError('Stop')], [onError('Stop'), batchOrder]]) {
        t.same(statuses(await peer.batch(version, header, asked)), ['Success', 'OperationFailed'], 'Stop');
      }
      t.equal(await count(), 3);
      const gone = await peer.batch(version, [onError('Continue'), batchOrder], asked);
      t.same(statuses(gone), ['Success', 'OperationFailed', 'Success'], 'Continue');
      t.equal(await count(), 5);
    }
  },
);

t.test(
  'point 19: a user name and password are accepted beside the certificate, empty ones too',
  async (t) => {
    const peer = await Peer.connect(t, daemon);
    for (const version of classic) {
      for (const [username, password] of [
        ['somebody', 'a secret word'],
        ['', ''],
        ['ключ', '鍵'],
      ] as const) {
        // Seen from OpenKMIP's demo, FortiOS, Ceph and Scylla.
        const header = [maximumResponseSize(8192), credential(username, password), timeStamp()];
        const { id } = await peer.ask(version, 'Create', key(), { header });
        t.ok(id, `${username} in ${version}`);
        t.equal((await peer.ask(version, 'Get', [uid(id)], { header })).id, id);
      }
    }
    t.notMatch(daemon.output, /a secret word/, 'the password is not in the log');
  },
);
