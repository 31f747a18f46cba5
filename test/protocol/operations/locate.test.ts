import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { isWithin } from '../../../codec/version.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Archive } from '../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { integer, structure, text } from '../../client.ts';
import { attribute1x, TestService } from '../service.ts';
import {
  aes,
  algorithm,
  ask,
  contact,
  having,
  named,
  outcome,
  storedKey,
  succeed,
  testedVersions,
} from './ask.ts';
import { others } from './objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const start = service.now / 1000;
const custom = (value: Attribute['value']): Attribute => ({ vendor: 'x', name: 'c', value }) as Attribute;
const date = (name: 'ActivationDate' | 'InitialDate' | 'DeactivationDate', value: number): Attribute => ({
  name,
  value,
});
const limits = (UsageLimitsTotal: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal, UsageLimitsUnit: 'Byte' },
});

/** Creates the objects to be found, each one hour after the previous. */
const made: Record<string, string> = {};
const names = () => Object.fromEntries(Object.entries(made).map(([name, id]) => [id, name]));
async function make(name: string, id: Promise<string>): Promise<void> {
  made[name] = await id;
  service.now += 3_600_000;
}
const object = (name: string) => (others.find(([each]) => each === name) as (typeof others)[0])[1];
const registered = async (name: string, ...attributes: readonly Attribute[]) => {
  const Object = object(name);
  const request = { ObjectType: Object.type, Attributes: having(...attributes), Object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
};

await make('plain', storedKey(service));
await make('named', storedKey(service, named('n1'), named('n2'), contact('me')));
await make(
  'grouped',
  storedKey(service, { name: 'ObjectGroup', value: 'red' }, { name: 'ObjectGroup', value: 'blue' }),
);
await make(
  'active',
  storedKey(service, date('ActivationDate', start), date('DeactivationDate', start + 10 ** 9)),
);
await make('limited', storedKey(service, limits(1000n)));
await make('text5', storedKey(service, custom({ type: 'TextString', value: '5' })));
await make('number5', storedKey(service, custom({ type: 'Integer', value: 5 })));
await make('opaque', registered('an opaque object'));
await make('certificate', registered('a certificate'));
await make('secret', registered('a password'));
const pair = await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: having(algorithm('ECDSA')) });
made['private'] = pair.PrivateKeyUniqueIdentifier;
await make('public', Promise.resolve(pair.PublicKeyUniqueIdentifier));
await make('archived', storedKey(service, { name: 'ObjectGroup', value: 'red' }));
await succeed(service, '2.1', Archive, { UniqueIdentifier: made['archived'] });
await make('destroyed', storedKey(service, named('n1')));
await succeed(service, '2.1', Destroy, { UniqueIdentifier: made['destroyed'] });
const foreign = await ask(
  service,
  '2.1',
  Create,
  { ObjectType: 'SymmetricKey', Attributes: having(...aes) },
  'other',
);

const onLine = Object.keys(made).filter((name) => name !== 'archived' && name !== 'destroyed');
const symmetric = ['plain', 'named', 'grouped', 'active', 'limited', 'text5', 'number5'];

const filters: [what: string, attributes: Attribute[], found: string[], since?: '1.2' | '1.4' | '2.0'][] = [
  ['nothing asked', [], onLine],
  ['a type', [{ name: 'ObjectType', value: 'SymmetricKey' }], symmetric],
  ['another type', [{ name: 'ObjectType', value: 'PublicKey' }], ['public']],
  ['a name', [named('n1')], ['named']],
  ['two names at once', [named('n1'), named('n2')], ['named']],
  ['a name and a half', [named('n1'), named('n3')], []],
  ['the beginning of a name', [named('n')], []],
  ['a name in other letters', [named('N1')], []],
  ['an identifier', [{ name: 'UniqueIdentifier', value: made['plain'] as string }], ['plain']],
  ['one group of two', [{ name: 'ObjectGroup', value: 'blue' }], ['grouped']],
  [
    'both groups',
    [
      { name: 'ObjectGroup', value: 'blue' },
      { name: 'ObjectGroup', value: 'red' },
    ],
    ['grouped'],
  ],
  ['text', [custom({ type: 'TextString', value: '5' })], ['text5']],
  ['a number', [custom({ type: 'Integer', value: 5 })], ['number5']],
  ['a number of another type', [custom({ type: 'LongInteger', value: 5n })], []],
  ['bits of a mask', [{ name: 'CryptographicUsageMask', value: 4 }], symmetric],
  ['bits it has not', [{ name: 'CryptographicUsageMask', value: 4 | 16 }], []],
  ['at least so much to use', [limits(999n)], ['limited']],
  ['more than there is to use', [limits(1001n)], []],
  ['a state', [{ name: 'State', value: 'Active' }], ['active']],
  ['an algorithm', [algorithm('ECDSA')], ['private', 'public']],
  ['a length', [{ name: 'CryptographicLength', value: 256 }], [...symmetric, 'private', 'public']],
  [
    'a link',
    [
      {
        name: 'Link',
        value: { LinkType: 'PublicKeyLink', LinkedObjectIdentifier: pair.PublicKeyUniqueIdentifier },
      },
    ],
    ['private'],
  ],
  ['a date', [date('InitialDate', start)], ['plain']],
  [
    'a range of dates',
    [date('InitialDate', start + 3600), date('InitialDate', start + 3 * 3600)],
    ['named', 'grouped', 'active'],
  ],
  [
    'a range the wrong way round',
    [date('InitialDate', start + 3 * 3600), date('InitialDate', start + 3600)],
    ['named', 'grouped', 'active'],
  ],
  ['a range that ends at no time', [date('ActivationDate', 0), date('ActivationDate', 2 ** 40)], ['active']],
  ['three dates', [date('InitialDate', 1), date('InitialDate', 2), date('InitialDate', 3)], []],
  ['the contact', [contact('me')], ['named']],
  ['a fresh one', [{ name: 'Fresh', value: true }], onLine, '1.2'],
  ['sensitive ones', [{ name: 'Sensitive', value: true }], [], '1.4'],
  ['a format', [{ name: 'KeyFormatType', value: 'Opaque' }], ['opaque', 'secret'], '2.0'],
];

t.test('Locate applies every kind of filter in every version, newest first', async (t) => {
  const byId = names();
  for (const version of testedVersions) {
    for (const [what, Attributes, found, since = '1.0'] of filters) {
      if (!isWithin(version, since)) continue;
      const { payload, fields, message } = await ask(service, version, Locate, { Attributes });
      const located = payload?.UniqueIdentifier.map((id) => byId[id] as string);
      t.same(located?.toSorted(), found.toSorted(), `${version} ${what} ${message ?? ''}`);
      const counted = version === '1.0' || version === '1.2' ? '' : 'LocatedItems';
      t.equal(fields, `${counted} ${found.length > 0 ? 'UniqueIdentifier' : ''}`.trim());
      if (what === 'nothing asked') t.same(located, onLine.toReversed(), 'newest first');
      if (counted !== '') t.equal(payload.LocatedItems, found.length);
    }
  }
});

t.test('Locate filters by storage status', async (t) => {
  const byId = names();
  for (const version of testedVersions) {
    for (const [StorageStatusMask, found] of [
      [undefined, onLine],
      [1, onLine],
      [2, ['archived']],
      [3, [...onLine, 'archived']],
      [4, ['destroyed']],
      [7, Object.keys(made)],
      [0, []],
    ] as const) {
      // Sent as items, because the 1.x schema cannot write the bit for destroyed objects, which clients may
      // set.
      const items = StorageStatusMask === undefined ? [] : [integer('StorageStatusMask', StorageStatusMask)];
      const { UniqueIdentifier } = await succeed(service, version, Locate, items);
      t.same(
        UniqueIdentifier.map((id) => byId[id] as string).toSorted(),
        found.toSorted(),
        `${version} ${StorageStatusMask}`,
      );
    }
  }
});

t.test('Locate returns pages from an offset with an unchanged total', async (t) => {
  const byId = names();
  const all = onLine.toReversed();
  for (const version of ['1.4', '2.0', '2.1'] as const) {
    for (const [MaximumItems, OffsetItems, found] of [
      [3, undefined, all.slice(0, 3)],
      [3, 3, all.slice(3, 6)],
      [100, all.length - 1, all.slice(-1)],
      [undefined, 2, all.slice(2)],
      [1, all.length, []],
      [0, 0, []],
    ] as const) {
      const page = await succeed(service, version, Locate, { MaximumItems, OffsetItems, Attributes: [] });
      t.same(
        page.UniqueIdentifier.map((id) => byId[id]),
        found,
        `${version} ${MaximumItems} from ${OffsetItems}`,
      );
      t.equal(page.LocatedItems, all.length);
    }
  }
  const old = await succeed(service, '1.0', Locate, { MaximumItems: 2, Attributes: [] });
  t.equal(old.UniqueIdentifier.length, 2);
});

t.test('Locate finds fresh members of groups until Get returns them', async (t) => {
  const byId = names();
  const members = async (ObjectGroupMember: string, ...Attributes: readonly Attribute[]) =>
    (await succeed(service, '1.4', Locate, { ObjectGroupMember, Attributes })).UniqueIdentifier.map(
      (id) => byId[id],
    );
  t.same(await members('GroupMemberFresh'), ['grouped']);
  t.same(await members('GroupMemberDefault', { name: 'ObjectGroup', value: 'red' }), ['grouped']);
  t.same(await members('GroupMemberDefault', { name: 'ObjectGroup', value: 'green' }), []);
  await succeed(service, '1.4', Get, { UniqueIdentifier: made['grouped'] });
  t.same(await members('GroupMemberFresh'), []);
  t.same(await members('GroupMemberDefault'), ['grouped']);
});

t.test('Locate finds nothing when it does not know a filter', async (t) => {
  const unknown = attribute1x('No Such Attribute', text('AttributeValue', 'x'));
  const { payload, status } = await ask(service, '1.4', Locate, [unknown]);
  t.equal(status, 'Success');
  t.same(payload.UniqueIdentifier, []);
  const modern = structure('Attributes', integer('BatchCount', 1));
  t.same((await ask(service, '2.1', Locate, [modern])).payload.UniqueIdentifier, []);
  t.equal(await outcome(service, '1.4', Locate, [integer('BatchCount', 1)]), 'InvalidField');
});

t.test('Locate finds no objects of another group', async (t) => {
  const all = { StorageStatusMask: 7, Attributes: [] };
  const { payload } = await ask(service, '2.1', Locate, all, 'other');
  t.same(payload, { LocatedItems: 1, UniqueIdentifier: [foreign.id] });
  t.notOk((await succeed(service, '2.1', Locate, all)).UniqueIdentifier.includes(foreign.id as string));
});
