import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { integer } from '../client.ts';
import {
  A,
  aes,
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
  outline,
  secretData,
  str,
  TA,
  timeStamp,
  uid,
} from './notation.ts';
import { attributes, daemonFor, ids, Peer } from './peer.ts';

/** Locate and the size of responses, as all clients need them. */

const daemon = await daemonFor(t);
const classic = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;

const key = (...more: Node[]): Node[] => [
  OT(objectType.SymmetricKey),
  TA(aes, length(256), mask(12), ...more),
];

t.test('point 11: Locate filters by every attribute, bare or in a Template-Attribute', async (t) => {
  const peer = await Peer.connect(t, daemon);
  for (const version of classic) {
    const name = `point 11 ${version}`;
    const a = await peer.ask(version, 'Create', key(Name(name), A('x-Owner', str('a'))));
    const b = await peer.ask(version, 'Create', key(Name(`${name}-longer`), A('x-Owner', str('b'))));
    const find = async (...filter: Node[]) => ids(await peer.ask(version, 'Locate', filter));
    t.same(await find(Name(name)), [a.id], 'a name is matched as a whole');
    t.same(await find(Name(`${name}-longer`)), [b.id]);
    t.same(await find(Name(name.slice(0, -1))), [], 'a prefix is another name');
    t.same(await find(Name(name.toUpperCase())), [], 'capital letters are others');
    t.same(await find(Name(`${name} `)), []);
    t.same(await find(TA(Name(name))), [a.id], 'wrapped');
    t.same(await find(TA(Name(name)), A('x-Owner', str('b'))), [], 'wrapped and bare count both');
    t.same(await find(Name(name), A('x-Owner', str('a'))), [a.id]);
    t.same(await find(Name(name), A('Cryptographic Length', int(128))), []);
    t.same(await find(Name(name), A('Cryptographic Algorithm', en(2))), []);
    t.same(await find(Name(name), A('Object Type', en(7))), []);
    t.same(await find(Name(name), A('No Such Attribute', str('a'))), [], 'unknown names are never ignored');
    t.same(await find(TA(Name(name), A('No Such Attribute', str('a')))), []);
    t.same(await find(Name(name), A('x-Absent', str('a'))), []);
    const none = await peer.ask(version, 'Locate', [Name(`${name} absent`)]);
    t.equal(
      outline(none.payload),
      version < '1.3' ? '' : 'LocatedItems',
      'no match is a success with a payload',
    );
    t.match(outline([none.node]), /ResponsePayload\{/);
  }
});

t.test('point 12: pages are stable and located items are the total', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const header = [maximumResponseSize(8192), timeStamp()];
  for (const version of classic) {
    const name = Name(`point 12 ${version}`);
    const made: string[] = [];
    for (let count = 0; count < 37; count++) made.push((await peer.ask(version, 'Create', key(name))).id);
    const page = async (offset: number) => {
      const at = offset === 0 ? [] : [integer('OffsetItems', offset)];
      const filter = [integer('MaximumItems', 16), ...at, A('Object Type', en(2)), name];
      return peer.ask(version, 'Locate', filter, { header });
    };
    const pages = [await page(0), await page(16), await page(32), await page(37)];
    t.same(
      pages.map((answer) => ids(answer).length),
      [16, 16, 5, 0],
      version,
    );
    t.same(pages.flatMap(ids), made.toReversed(), 'newest first, none twice, none lost');
    t.same(ids(await page(0)), made.toReversed().slice(0, 16), 'the same page again');
    for (const { payload } of pages) {
      const total = payload.filter((node) => outline([node]) === 'LocatedItems').map(({ value }) => value);
      t.same(total, version < '1.3' ? [] : [37], 'the total, or nothing where there is no such field');
    }
    // An object created between two pages comes before both.
    await peer.ask(version, 'Create', key(name));
    t.same(ids(await page(1)), made.toReversed().slice(0, 16));
  }
});

t.test('point 13: Maximum Response Size is honoured, and answers fit the arrays of libkmip', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const secret = [OT(objectType.SecretData), TA(mask(0)), secretData(2, material(9_000))];
  for (const version of classic) {
    const { id } = await peer.ask(version, 'Register', secret);
    t.equal(await peer.refused(version, 'Get', [uid(id)], [maximumResponseSize(8192)]), 'ResponseTooLarge');
    const [small] = await peer.batch(
      version,
      [maximumResponseSize(65_536)],
      [{ operation: 'Get', payload: [uid(id)] }],
    );
    t.equal(small?.status, 'Success', 'it fits FortiOS');
    t.ok(id.length <= 127, 'the identifier fits');
    const query = await peer.ask(
      version,
      'Query',
      [1, 2, 3].map((value) => ({ ...integer('QueryFunction', value), type: 'Enumeration' }) as Node),
    );
    const count = (name: string) => query.payload.filter((node) => outline([node]) === name).length;
    t.ok(count('Operation') > 10 && count('Operation') <= 64, `${count('Operation')} operations`);
    t.ok(count('ObjectType') >= 7 && count('ObjectType') <= 32, `${count('ObjectType')} object types`);
    for (const node of query.payload) if (node.type === 'TextString') t.ok(node.value.length <= 127);
  }
  // The reason is number 2. A value that was taken for an answer counts as shown, whatever becomes of it.
  const { id } = await peer.ask('1.1', 'Create', key());
  const attributesOf = () => peer.ask('1.1', 'GetAttributes', [uid(id), ...named('Fresh')]);
  t.same(attributes(await attributesOf()), { Fresh: [true] });
  t.equal(await peer.refused('1.1', 'Get', [uid(id)], [maximumResponseSize(200)]), 'ResponseTooLarge');
  t.same(attributes(await attributesOf()), { Fresh: [false] });
});
