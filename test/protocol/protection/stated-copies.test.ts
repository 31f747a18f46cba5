import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { withLimits } from '../keys.ts';
import { aes, ask, attributeOf, having, succeed } from '../operations/ask.ts';
import {
  active,
  counted,
  encryptWith,
  mask,
  parameters,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive } from './history.ts';
import { split } from './split-inputs.ts';

/** A copy of a key binds later ones by what the server has observed, and not by what a request states. */

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);
const now = service.now / 1000;

const createPreActive = async (...attributes: readonly Attribute[]) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes.slice(0, 2), sensitive, mask('Encrypt', 'Export'), ...attributes),
    })
  ).UniqueIdentifier;
const create = (...attributes: readonly Attribute[]) => createPreActive(active, ...attributes);

type Copier = (...stated: readonly Attribute[]) => Promise<{ id?: string; reason?: string; status: string }>;

let imports = 0;
const importAs = (Object: ManagedObjectValue, stated: readonly Attribute[], id = `copy-${imports++}`) =>
  ask(service, '2.1', Import, {
    UniqueIdentifier: id,
    ReplaceExisting: true,
    KeyWrapType: 'NotWrapped',
    Attributes: [active, ...stated],
    Object,
  } as never) as ReturnType<Copier>;

async function wrapped(UniqueIdentifier: string): Promise<ManagedObjectValue> {
  const request = { UniqueIdentifier, ...encryptWith(kek) };
  return (await succeed(service, '2.1', Get, request as never)).Object as ManagedObjectValue;
}

/** Every way to a copy. */
const ways: Readonly<Record<string, (id: string) => Promise<Copier>>> = {
  async imported(id) {
    const value = await wrapped(id);
    return (...stated) => importAs(value, stated);
  },
  async joined(id) {
    const UniqueIdentifier = await split(service, id, 'XOR');
    return (...stated) =>
      ask(service, '2.1', JoinSplitKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier,
        Attributes: having(active, ...stated),
      }) as ReturnType<Copier>;
  },
};

const noRevoke = {
  may: (permission: string) => !['Revoke', 'GetUsageAllocation', 'Activate'].includes(permission),
};
async function withoutRevoke<T>(act: () => Promise<T>): Promise<T> {
  service.sender = noRevoke as never;
  try {
    return await act();
  } finally {
    service.sender = {};
  }
}

const revoke = (UniqueIdentifier: string, RevocationReasonCode: 'KeyCompromise' | 'Superseded') =>
  succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });
async function destroy(UniqueIdentifier: string) {
  if ((await stateOf(UniqueIdentifier)) === 'Active') await revoke(UniqueIdentifier, 'Superseded');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
}
const stateOf = (id: string | undefined) => attributeOf(service, id as string, 'State');
const leftOf = async (id: string | undefined) =>
  ((await attributeOf(service, id as string, 'UsageLimits')) as UsageLimits | undefined)?.UsageLimitsCount;
async function use(UniqueIdentifier: string) {
  if ((await stateOf(UniqueIdentifier)) === 'PreActive')
    await succeed(service, '2.1', Activate, { UniqueIdentifier });
  await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data: new Uint8Array(10) } as never);
}
const gcm = parameters({ BlockCipherMode: 'GCM', RandomIV: true });

const dateOf = (name: 'DeactivationDate' | 'ProtectStopDate' | 'ProcessStartDate', value: number) =>
  ({ name, value }) as Attribute;
const limits = (total: bigint, count: bigint, unit: 'Byte' | 'Object'): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal: total, UsageLimitsCount: count, UsageLimitsUnit: unit },
});
const compromise = [
  { name: 'State', value: 'Compromised' },
  { name: 'CompromiseDate', value: now - 10 },
  { name: 'CompromiseOccurrenceDate', value: now - 10 },
  { name: 'RevocationReason', value: { RevocationReasonCode: 'KeyCompromise' } },
] as const satisfies Attribute[];

/** Ends that a request can state, and the ways by which it can. */
const ends: readonly (readonly [what: string, ways: readonly string[], stated: readonly Attribute[]])[] = [
  ['Compromised', ['imported'], compromise],
  ['Compromised without dates', ['imported'], compromise.slice(0, 1)],
  ['a Compromise Date alone', ['imported'], compromise.slice(1, 2)],
  ['Deactivated', ['imported'], [{ name: 'State', value: 'Deactivated' }]],
  ['a Revocation Reason', ['imported'], compromise.slice(3)],
  ['a Deactivation Date of the past', ['imported', 'joined'], [dateOf('DeactivationDate', now - 10)]],
];

/** Narrower rights that a copy may state for itself. */
const narrower: readonly (readonly [what: string, stated: readonly Attribute[]])[] = [
  ['Usage Limits', [limits(1n, 1n, 'Object')]],
  ['exhausted Usage Limits', [limits(0n, 0n, 'Byte')]],
  ['dates', [dateOf('DeactivationDate', now + 10), dateOf('ProtectStopDate', now + 5)]],
  ['a Process Start Date', [dateOf('ProcessStartDate', now + 1_000)]],
  ['a mask', [mask('Encrypt')]],
  ['parameters', [gcm]],
];

for (const [way, prepare] of Object.entries(ways)) {
  for (const [what, by, stated] of ends.filter(([, by]) => by.includes(way)))
    t.test(`a copy that states an end needs Revoke: ${what}, ${way} of ${by.length}`, async (t) => {
      const copy = await prepare(await create());
      const refused = await withoutRevoke(() => copy(...stated));
      t.equal(refused.reason, 'PermissionDenied');
      t.equal(await stateOf((await copy()).id), 'Active', 'a later copy');
      const rights = [{ operations: ['Import', 'JoinSplitKey'] }];
      service.sender = { rights } as never;
      t.equal((await copy(...stated)).reason, 'NotAuthorised', 'Rights without Revoke');
      service.sender = {};
      t.equal((await copy(...stated)).status, 'Success', 'with Revoke');
    });

  for (const [what, stated] of narrower)
    t.test(`what a copy states is its own: ${what}, ${way}`, async (t) => {
      const copy = await prepare(await create());
      const expected = await attributesOf((await copy()).id);
      const { id, status } = await withoutRevoke(() => copy(...stated));
      t.equal(status, 'Success');
      t.same(await attributesOf((await copy()).id), expected, 'while it is here');
      await destroy(id as string);
      t.same(await attributesOf((await copy()).id), expected, 'after its destruction');
    });

  t.test(`a known end may be stated by any copy: ${way}`, async (t) => {
    const source = await create();
    const copy = await prepare(source);
    await revoke(source, 'KeyCompromise');
    const { id } = await withoutRevoke(() => copy(...(way === 'imported' ? compromise : [])));
    t.equal(await stateOf(id), 'Compromised');
  });

  t.test(`of Usage Limits that a copy states only what was counted binds: ${way}`, async (t) => {
    const source = await createPreActive(withLimits(64n), gcm);
    const copy = await prepare(source);
    await destroy(source);
    for (const [stated, left] of [
      [limits(20n, 20n, 'Byte'), 54n],
      [limits(30n, 30n, 'Byte'), 44n],
      [limits(1n, 1n, 'Object'), 34n],
    ] as const) {
      const { id } = await copy(stated);
      await use(id as string);
      await destroy(id as string);
      const { id: restored } = await copy();
      t.equal(await leftOf(restored), left);
      await destroy(restored as string);
    }
  });

  t.test(`uses that were counted bind the limits that later copies state: ${way}`, async (t) => {
    const copy = await prepare(await create(gcm));
    const { id } = await copy(withLimits(64n));
    await use(id as string);
    t.equal(await leftOf((await copy(withLimits(64n))).id), 54n, 'while it is here');
    await destroy(id as string);
    t.equal(await leftOf((await copy(withLimits(64n))).id), 54n, 'after its destruction');
    t.equal(await leftOf((await copy(limits(1_000n, 1_000n, 'Object'))).id), 0n, 'another unit');
    t.equal(await leftOf((await copy()).id), undefined, 'no limits');
  });
}

const bounds = [
  'State',
  'CryptographicUsageMask',
  'CryptographicParameters',
  'UsageLimits',
  'DeactivationDate',
  'ProtectStopDate',
  'ProcessStartDate',
] as const;
const attributesOf = (id: string | undefined) =>
  Promise.all(bounds.map((name) => attributeOf(service, id as string, name)));

t.test('a compromise that a copy states with Revoke is that of later copies', async (t) => {
  const copy = (await ways.imported?.(await create())) as Copier;
  const { id } = await copy(...compromise, dateOf('ProcessStartDate', now + 1_000));
  for (const when of ['while it is here', 'after its destruction']) {
    const later = await copy();
    t.equal(await stateOf(later.id), 'Compromised', when);
    t.equal(await attributeOf(service, later.id as string, 'ProcessStartDate'), undefined, 'its own date');
    if (when === 'while it is here') await destroy(id as string);
  }
});

t.test(
  'an object that takes the place of a copy or a source leaves what was counted and ended',
  async (t) => {
    const source = await createPreActive(withLimits(64n), gcm);
    const value = await wrapped(source);
    await destroy(source);
    for (const [content, left] of [
      [value, 54n],
      [symmetric(counted(32)), 44n],
    ] as const) {
      const { id } = await importAs(value, []);
      await use(id as string);
      await revoke(id as string, 'Superseded');
      const refused = await withoutRevoke(() => importAs(content, compromise, id));
      t.equal(refused.reason, 'PermissionDenied', 'a compromise in its place');
      t.equal((await importAs(content, [limits(0n, 0n, 'Byte')], id)).status, 'Success');
      await destroy(id as string);
      const { id: restored } = await importAs(value, []);
      t.equal(await leftOf(restored), left);
      await destroy(restored as string);
    }
  },
);
