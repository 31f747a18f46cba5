import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { eraOf, type Version } from '../../../../codec/version.ts';
import type { DelegatedRight } from '../../../../src/identity/principal.ts';
import { attributeRules } from '../../../../src/object/attributes.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { AdjustAttribute } from '../../../../src/operations/attributes/adjust-attribute.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../../src/operations/attributes/set-attribute.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { TestService } from '../../service.ts';
import { attributeOf, contact, named, outcome, storedKey, versionsOf } from '../ask.ts';

/**
 * A change of attributes needs the permission of the operation that it stands for: of the role, and of the
 * Rights of the ticket.
 */

const denied = new Set<string>();
const service = await TestService.open({ may: (operation) => !denied.has(operation) });
t.teardown(() => service.close());
const now = Math.floor(service.now / 1000);

const equivalents = ['Activate', 'Revoke', 'GetUsageAllocation'] as const;
type Equivalent = (typeof equivalents)[number];
const dateNames = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;

/** A change of an attribute: what it was, what it becomes (undefined: absent), what the change stands for. */
interface Change {
  readonly name: Attribute['name'];
  readonly from: unknown;
  readonly to: unknown;
  readonly standsFor: readonly Equivalent[];
}

const [past, soon, later] = [now - 10, now + 1, now + 1_000];
const instants = [past, now, soon, later];

/** Every change between two of the instants, by what a client reads in the specification of each date. */
function dateChanges(): Change[] {
  const changes: Change[] = [];
  for (const name of dateNames)
    for (const from of [undefined, soon, later])
      for (const to of instants) changes.push({ name, from, to, standsFor: standsFor(name, from, to) });
  return changes;
}

function standsFor(name: (typeof dateNames)[number], from: number | undefined, to: number): Equivalent[] {
  if (from === to) return [];
  const isEarlier = from !== undefined && to < from;
  switch (name) {
    case 'ActivationDate':
      return [from === undefined || isEarlier ? 'Activate' : 'Revoke'];
    case 'ProcessStartDate':
      return [isEarlier ? 'Activate' : 'Revoke'];
    case 'ProtectStopDate':
    case 'DeactivationDate':
      return [from === undefined || isEarlier ? 'Revoke' : 'Activate'];
  }
}

const limits = (total: bigint, UsageLimitsUnit = 'Byte') => ({
  UsageLimitsTotal: total,
  UsageLimitsCount: total,
  UsageLimitsUnit,
});

const changes: readonly Change[] = [
  ...dateChanges(),
  { name: 'UsageLimits', from: undefined, to: limits(100n), standsFor: ['GetUsageAllocation'] },
  { name: 'UsageLimits', from: limits(100n), to: limits(10n), standsFor: ['GetUsageAllocation'] },
  { name: 'UsageLimits', from: limits(100n), to: limits(100n), standsFor: [] },
  { name: 'UsageLimits', from: limits(100n), to: limits(1_000n), standsFor: ['Activate'] },
  {
    name: 'UsageLimits',
    from: limits(100n),
    to: limits(1_000n, 'Object'),
    standsFor: ['Activate', 'GetUsageAllocation'],
  },
  { name: 'UsageLimits', from: limits(100n), to: undefined, standsFor: ['Activate'] },
  { name: 'Name', from: undefined, to: named('n').value, standsFor: [] },
  { name: 'ObjectGroup', from: undefined, to: 'group', standsFor: [] },
  { name: 'ContactInformation', from: undefined, to: 'me', standsFor: [] },
  { name: 'ContactInformation', from: 'me', to: 'you', standsFor: [] },
  { name: 'ContactInformation', from: 'me', to: undefined, standsFor: [] },
];

/** How each operation asks for a change; undefined where it cannot. */
const edits: readonly (readonly [
  AnyOperation,
  (id: string, change: Change, version: Version) => object | undefined,
])[] = [
  [AddAttribute, (id, { from, ...change }) => (from === undefined ? giving(id, change) : undefined)],
  [SetAttribute, (id, change) => (change.to === undefined ? undefined : giving(id, change))],
  [
    ModifyAttribute,
    (id, change) => (change.from === undefined || change.to === undefined ? undefined : giving(id, change)),
  ],
  [
    AdjustAttribute,
    (UniqueIdentifier, { name, from = 0, to }) => {
      if (!dateNames.includes(name as never)) return undefined;
      const by = (to as number) - (from as number);
      return {
        UniqueIdentifier,
        AttributeReference: { name },
        AdjustmentType: by < 0 ? 'Decrement' : 'Increment',
        AdjustmentValue: { type: 'LongInteger', value: BigInt(Math.abs(by)) },
      };
    },
  ],
  [
    DeleteAttribute,
    (UniqueIdentifier, { name, to }) =>
      to === undefined ? { UniqueIdentifier, AttributeReference: { name } } : undefined,
  ],
];

function giving(UniqueIdentifier: string, { name, to: value }: Pick<Change, 'name' | 'to'>) {
  return { UniqueIdentifier, NewAttribute: { name, value } };
}

/** A key that the change is possible on: Pre-Active for the Activation Date, else Active for long. */
function keyBefore({ name, from }: Change): Promise<string> {
  const own = from === undefined ? [] : [{ name, value: from } as Attribute];
  const activation = { name: 'ActivationDate', value: past - 100 } as const;
  return storedKey(service, ...own, ...(name === 'ActivationDate' ? [] : [activation]));
}

/** Denies operations in one way, on the key `id`. Returns the Rights of the ticket, if there is one. */
type Denial = (
  operations: readonly Equivalent[],
  id: string,
  editing: string,
) => readonly DelegatedRight[] | undefined;

const others = (operations: readonly Equivalent[]) =>
  equivalents.filter((each) => !operations.includes(each));

/** The ways to deny operations, with the reasons of the refusal and the versions to try. */
const denials: Readonly<
  Record<string, readonly [Denial, legacy: string, modern: string, versions?: readonly Version[]]>
> = {
  role: [
    (operations) => {
      for (const each of operations) denied.add(each);
      return undefined;
    },
    'PermissionDenied',
    'PermissionDenied',
  ],
  'Right without the operation': [
    (operations, _id, editing) => [{ operations: [editing, ...others(operations)] }],
    'PermissionDenied',
    'NotAuthorised',
    ['1.4', '2.1'],
  ],
  'Right to the operation on another object': [
    (operations, id, editing) => [
      { operations: [editing, ...others(operations)], objects: [id] },
      { operations, objects: ['another'] },
    ],
    'PermissionDenied',
    'NotAuthorised',
    ['1.4', '2.1'],
  ],
};

for (const [how, [deny, legacy, modern, versions]] of Object.entries(denials))
  for (const [operation, requestOf] of edits)
    t.test(`${operation.name} needs what the change stands for: ${how}`, async (t) => {
      for (const version of versionsOf(operation).filter((each) => versions?.includes(each) ?? true))
        for (const change of changes) {
          // A ticket with limited Rights moves no object between Object Groups at all (decision 32).
          if (change.name === 'ObjectGroup' && how.includes('another object')) continue;
          const id = await keyBefore(change);
          const request = requestOf(id, change, version);
          if (request === undefined) continue;
          const label = `${version}: ${change.name} ${show(change.from)} → ${show(change.to)}`;
          const withDenied = async (...operations: readonly Equivalent[]) => {
            const rights = deny(operations, id, operation.name);
            service.sender = rights === undefined ? {} : { rights };
            const came = await outcome(service, version, operation, request as never);
            denied.clear();
            service.sender = {};
            return came;
          };
          const before = await attributeOf(service, id, change.name);
          for (const equivalent of change.standsFor) {
            const reason = eraOf(version) === '1.x' ? legacy : modern;
            t.equal(await withDenied(equivalent), reason, `${label}, no ${equivalent}`);
            t.same(await attributeOf(service, id, change.name), before, label);
          }
          t.equal(await withDenied(...others(change.standsFor)), 'Success', `${label}, nothing else`);
        }
    });

function show(value: unknown): string {
  if (typeof value === 'number') return `now ${value - now}`;
  return value === undefined ? 'absent' : 'a value';
}

t.test('the log names the permission that was missing', async (t) => {
  denied.add('Activate');
  const id = await storedKey(service);
  const request = giving(id, { name: 'ActivationDate', to: now });
  t.equal(await outcome(service, '2.1', SetAttribute, request as never), 'PermissionDenied');
  denied.clear();
  t.match(service.refusedPermissions.at(-1), { operation: 'Activate' });
});

t.test('what only operations may state is read-only, whatever the permissions', async (t) => {
  const ofServer = [
    ['State', 'Active'],
    ['CompromiseDate', past],
    ['CompromiseOccurrenceDate', past],
    ['RevocationReason', { RevocationReasonCode: 'KeyCompromise' }],
    ['DestroyDate', past],
    ['ArchiveDate', past],
    ['LeaseTime', 5],
    ['LastChangeDate', past],
  ] as const;
  for (const [name, value] of ofServer) {
    const { modify, delete: remove } = attributeRules[name];
    t.same([modify, remove], ['never', 'never'], name);
    for (const [operation, requestOf] of edits.slice(0, 3)) {
      const id = await storedKey(service);
      const request = requestOf(
        id,
        { name, from: operation === ModifyAttribute ? value : undefined, to: value, standsFor: [] },
        '2.1',
      );
      t.match(
        await outcome(service, '2.1', operation, request as never),
        /ReadOnly/,
        `${operation.name} ${name}`,
      );
    }
  }
});

t.test('dates that a request states for a new object are part of making it', async (t) => {
  for (const each of equivalents) denied.add(each);
  const dates = [
    { name: 'ActivationDate', value: past },
    { name: 'ProtectStopDate', value: soon },
    { name: 'DeactivationDate', value: later },
    contact('me'),
  ] as const;
  const id = await storedKey(service, ...dates);
  denied.clear();
  t.equal(await attributeOf(service, id, 'State'), 'Active');
});
