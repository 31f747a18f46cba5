import t from 'tap';
import type { Node, TypedValue } from '../../codec/wire/node.ts';
import { integer, structure } from '../client.ts';
import {
  A,
  aes,
  date,
  en,
  int,
  length,
  mask,
  material,
  Name,
  named,
  nameValue,
  OT,
  objectType,
  outline,
  raw,
  secretData,
  str,
  symmetricKey,
  TA,
  uid,
} from './notation.ts';
import { attributes, daemonFor, ids, Peer } from './peer.ts';

/** Attributes, as all clients need them. */

const daemon = await daemonFor(t);
const classic = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;

const key = (...more: Node[]): Node[] => [
  OT(objectType.SymmetricKey),
  TA(aes, length(256), mask(12), ...more),
];

t.test('point 08: unset and unknown attributes are left out, never an error', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    const { id } = await peer.ask(version, 'Create', key());
    for (const name of ['x-Vendor', 'Deactivation Date', 'Contact Information', 'No Such Attribute', '']) {
      const { payload } = await peer.ask(version, 'GetAttributes', [uid(id), ...named(name)]);
      t.equal(outline(payload), 'UniqueIdentifier', `${name} in ${version}`);
    }
    const some = await peer.ask(version, 'GetAttributes', [
      uid(id),
      ...named('x-Vendor', 'State', 'No Such'),
    ]);
    t.same(attributes(some), { State: [1] }, 'those that exist are there');
  }
});

t.test('point 09: custom attributes of any type are stored, returned and found', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const values: Record<string, TypedValue> = {
    'x-Text': str('a text'),
    'x-Empty': str(''),
    'x-Number': int(-7),
    'x-Enumeration': en(3),
    'x-Bytes': raw(material(20)),
    'x-Date': date(1_600_000_000),
    'x-Truth': { type: 'Boolean', value: true },
    'x-Long': { type: 'LongInteger', value: 2n ** 40n },
    'x-Interval': { type: 'Interval', value: 60 },
    'y-Server': str('y names are custom too'),
  };
  for (const version of classic) {
    const custom = [
      A('x-Test', str(`point 09 in ${version}`)),
      ...Object.entries(values).map(([name, value]) => A(name, value)),
    ];
    const created = await peer.ask(version, 'Create', key(...custom));
    const registered = await peer.ask(version, 'Register', [
      OT(objectType.SymmetricKey),
      TA(mask(12), ...custom),
      symmetricKey(material(32)),
    ]);
    const added = await peer.ask(version, 'Create', key());
    for (const attribute of custom) await peer.ask(version, 'AddAttribute', [uid(added.id), attribute]);
    for (const { id } of [created, registered, added]) {
      const all = attributes(await peer.ask(version, 'GetAttributes', [uid(id)]));
      for (const [name, { value }] of Object.entries(values))
        t.same(all[name], [value], `${name} in ${version}`);
    }
    const three = [added.id, registered.id, created.id];
    for (const attribute of custom.slice(1)) {
      t.same(ids(await peer.ask(version, 'Locate', [custom[0] as Node, attribute])), three);
    }
    t.same(ids(await peer.ask(version, 'Locate', custom)), three, 'all together');
    const other = [A('x-Test', str(`point 09 in ${version}`)), A('x-Number', int(7))];
    t.same(ids(await peer.ask(version, 'Locate', other)), [], 'another value');
    t.same(
      ids(await peer.ask(version, 'Locate', [custom[0] as Node, A('x-Number', str('-7'))])),
      [],
      'another type',
    );
  }
});

t.test('point 10: Add, Modify and Delete Attribute answer with the attribute', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    const { id } = await peer.ask(version, 'Create', key());
    const name = `point 10 ${version}`;
    const added = await peer.ask(version, 'AddAttribute', [uid(id), Name(name)]);
    t.equal(
      outline(added.payload),
      'UniqueIdentifier Attribute{AttributeName AttributeValue{NameValue NameType}}',
    );
    t.same([added.id, plain(attributes(added))], [id, plain({ Name: [nameValue(name).value] })]);
    const changed = await peer.ask(version, 'ModifyAttribute', [
      uid(id),
      A('Name', nameValue(`${name} b`), 0),
    ]);
    t.same(plain(attributes(changed)), plain({ Name: [nameValue(`${name} b`).value] }));
    const second = await peer.ask(version, 'AddAttribute', [uid(id), Name(`${name} c`)]);
    t.match(
      outline(second.payload),
      /AttributeName AttributeIndex AttributeValue/,
      'the second has its index',
    );
    const gone = await peer.ask(version, 'DeleteAttribute', [
      uid(id),
      ...named('Name'),
      integer('AttributeIndex', 0),
    ]);
    t.same([gone.id, plain(attributes(gone))], [id, plain({ Name: [nameValue(`${name} b`).value] })]);
    const group = await peer.ask(version, 'AddAttribute', [uid(id), A('x-Group', str('one'), 0)]);
    t.same(attributes(group), { 'x-Group': ['one'] }, 'index 0 may be given');
    const last = await peer.ask(version, 'DeleteAttribute', [uid(id), ...named('x-Group')]);
    t.same(attributes(last), { 'x-Group': ['one'] }, 'no index means 0');
  }
});

/** Objects of one prototype, so that trees can be compared. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

t.test('point 16: a usage mask may be 0, absent, or have unknown bits', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    const seed = (...given: Node[]) => [OT(objectType.SecretData), TA(...given), secretData(2, material(96))];
    const zero = await peer.ask(version, 'Register', seed(mask(0)));
    const asked = (id: string) =>
      peer.ask(version, 'GetAttributes', [uid(id), ...named('Cryptographic Usage Mask')]);
    t.same(attributes(await asked(zero.id)), { 'Cryptographic Usage Mask': [0] }, `0 in ${version}`);
    const none = await peer.ask(version, 'Register', seed());
    t.equal(
      attributes(await asked(none.id))['Cryptographic Usage Mask']?.length,
      1,
      'absent: the server gives one',
    );
    const okv = await peer.ask(version, 'Create', [
      OT(objectType.SymmetricKey),
      TA(aes, length(256), mask(2108)),
    ]);
    t.same(attributes(await asked(okv.id)), { 'Cryptographic Usage Mask': [2108] });
    const high = await peer.ask(version, 'Create', [
      OT(objectType.SymmetricKey),
      TA(aes, length(256), mask(0x4000_000c)),
    ]);
    t.same(attributes(await asked(high.id)), { 'Cryptographic Usage Mask': [0x4000_000c] });
    const rsa = structure('CommonTemplateAttribute', A('Cryptographic Algorithm', en(4)), length(2048));
    const pair = await peer.ask(version, 'CreateKeyPair', [rsa]);
    for (const { value } of pair.payload) {
      const found = attributes(await asked(value as string))['Cryptographic Usage Mask'] as number[];
      t.not(found[0], 0, 'a pair without masks can be used');
    }
  }
});

t.test(
  'point 20: Operation Policy Name is accepted, accepted again and read back; a group may be empty',
  async (t) => {
    const peer = await Peer.connect(t, daemon);
    const policy = A('Operation Policy Name', str('default'));
    for (const version of classic) {
      const asked = (id: string) =>
        peer.ask(version, 'GetAttributes', [uid(id), ...named('Operation Policy Name')]);
      const created = await peer.ask(version, 'Create', key(policy));
      const registered = await peer.ask(version, 'Register', [
        OT(objectType.SecretData),
        TA(mask(2), policy),
        secretData(1, material(72)),
      ]);
      const added = await peer.ask(version, 'Create', key());
      for (const { id } of [created, registered, added]) {
        const again = await peer.ask(version, 'AddAttribute', [uid(id), policy]);
        t.same(attributes(again), { 'Operation Policy Name': ['default'] });
        t.same(attributes(await asked(id)), { 'Operation Policy Name': ['default'] });
      }
      const group = A('Object Group', str(''));
      const grouped = await peer.ask(version, 'Create', key(group, A('x-Test', str(`point 20 ${version}`))));
      const found = await peer.ask(version, 'Locate', [group, A('x-Test', str(`point 20 ${version}`))]);
      t.same(ids(found), [grouped.id], 'the empty group is a value like any other');
      const groups = await peer.ask(version, 'GetAttributes', [uid(grouped.id), ...named('Object Group')]);
      t.same(attributes(groups), { 'Object Group': [''] });
    }
  },
);
