import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { AttributeName } from '../../../../codec/attribute-table.ts';
import { ObjectType } from '../../../../codec/enums.ts';
import type { Principal } from '../../../../src/identity/principal.ts';
import { attributeRules } from '../../../../src/object/attributes.ts';
import type { GroupPolicy } from '../../../../src/object/group-policy.ts';
import { GetConstraints } from '../../../../src/operations/group-policy/get-constraints.ts';
import { SetConstraints } from '../../../../src/operations/group-policy/set-constraints.ts';
import { SetDefaults } from '../../../../src/operations/group-policy/set-defaults.ts';
import { loadPolicy, savePolicy } from '../../../../src/operations/group-policy-record.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { Query } from '../../../../src/operations/server/query.ts';
import { TestService } from '../../service.ts';
import { contact, named, outcome, succeed } from '../ask.ts';

/**
 * Constraints and defaults decide what all clients of a group make, so that setting them needs a permission
 * of its own, and names of single objects are no defaults.
 */

const service = await TestService.open();
t.teardown(() => service.close());

const entryOf = (...Attributes: readonly Attribute[]) => ({
  ObjectTypes: { ObjectType: ['SymmetricKey'] },
  Attributes,
});
const defaults = (...attributes: readonly Attribute[]) => ({
  DefaultsInformation: { ObjectDefaults: [entryOf(...attributes)] },
});
const constraints = { Constraints: { Constraint: [entryOf(contact('nobody'))] } };
const policy = async () => [
  (await succeed(service, '2.1', GetConstraints, {})).Constraints,
  (await succeed(service, '2.1', Query, { QueryFunction: ['QueryDefaultsInformation'] })).DefaultsInformation,
];
const only =
  (...permissions: readonly string[]) =>
  (permission: string) =>
    permissions.includes(permission) || ['GetConstraints', 'Query'].includes(permission);

const requests: readonly (readonly [AnyOperation, object])[] = [
  [SetDefaults, defaults(contact('somebody'))],
  [SetDefaults, {}],
  [SetConstraints, constraints],
  [SetConstraints, {}],
];
const rights = [{ operations: ['SetDefaults', 'SetConstraints', 'GetConstraints', 'Query'] }];

t.test('only a client with the permission replaces constraints and defaults of its group', async (t) => {
  const senders: readonly [
    who: string,
    isFree: boolean,
    sender: (operation: string) => Partial<Principal>,
  ][] = [
    ['every other permission', false, () => ({ may: (each) => each !== 'GroupPolicy' })],
    ['the operation alone', false, (operation) => ({ may: only(operation) })],
    ['the permission alone', false, () => ({ may: only('GroupPolicy') })],
    ['the permission and other operations', false, () => ({ may: only('GroupPolicy', 'Create') })],
    ['a ticket with Rights', false, () => ({ may: () => true, rights })],
    ['the operation and the permission', true, (operation) => ({ may: only(operation, 'GroupPolicy') })],
  ];
  for (const [who, isFree, sender] of senders) {
    for (const [operation, request] of requests) {
      service.sender = {};
      await succeed(service, '2.1', SetDefaults, defaults(contact('before')));
      await succeed(service, '2.1', SetConstraints, { Constraints: { Constraint: [entryOf()] } });
      const before = await policy();
      service.sender = sender(operation.name);
      const title = `${operation.name} by ${who}`;
      const expected = isFree ? 'Success' : 'PermissionDenied';
      t.equal(await outcome(service, '2.1', operation, request), expected, title);
      service.sender = {};
      if (isFree) t.strictNotSame(await policy(), before, `${title}: replaced`);
      else t.strictSame(await policy(), before, `${title}: as before`);
    }
  }
});

t.test('the log says that the role lacks the permission', async (t) => {
  service.refusedPermissions.length = 0;
  service.sender = { may: (each) => each !== 'GroupPolicy' };
  for (const [operation, request] of requests) await outcome(service, '2.1', operation, request);
  t.same(
    service.refusedPermissions.map(({ operation }) => operation),
    requests.map(() => 'GroupPolicy'),
  );
  service.sender = {};
});

/** Attributes that name or relate one object, with a value. */
const ofOneObject: readonly Attribute[] = [
  named('taken'),
  {
    name: 'AlternativeName',
    value: { AlternativeNameValue: 'taken', AlternativeNameType: 'UninterpretedTextString' },
  },
  {
    name: 'ApplicationSpecificInformation',
    value: { ApplicationNamespace: 'volumes', ApplicationData: 'taken' },
  },
  {
    name: 'KeyValueLocation',
    value: { KeyValueLocationValue: 'taken', KeyValueLocationType: 'UninterpretedTextString' },
  },
  { name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier: 'taken' } },
  { name: 'PKCS_12FriendlyName', value: 'taken' },
  { name: 'RotateName', value: { RotateNameValue: 'taken', RotateNameType: 'UninterpretedTextString' } },
];
/** All others that clients state. */
const shared: readonly AttributeName[] = [
  'ActivationDate',
  'Comment',
  'ContactInformation',
  'CryptographicDomainParameters',
  'CryptographicParameters',
  'CryptographicUsageMask',
  'DeactivationDate',
  'Description',
  'Extractable',
  'Fresh',
  'NISTKeyType',
  'ObjectGroup',
  'OperationPolicyName',
  'OriginalCreationDate',
  'ProcessStartDate',
  'ProtectStopDate',
  'ProtectionLevel',
  'ProtectionPeriod',
  'QuantumSafe',
  'RandomNumberGenerator',
  'RotateAutomatic',
  'RotateInterval',
  'RotateOffset',
  'Sensitive',
  'UsageLimits',
];

t.test('every attribute that clients state is one of a single object or can be a default', (t) => {
  const stated = Object.entries(attributeRules).filter(
    ([, { source }]) => source === 'client' || source === 'either',
  );
  const known = [...ofOneObject.map(({ name }) => name), ...shared];
  t.same(stated.map(([name]) => name).toSorted(), known.toSorted());
  t.end();
});

t.test('what names or relates one object is no default, for no type', async (t) => {
  for (const attribute of ofOneObject) {
    for (const type of ObjectType.members) {
      const entry = { ObjectTypes: { ObjectType: [type] }, Attributes: [contact('all'), attribute] };
      const request = { DefaultsInformation: { ObjectDefaults: [entry] } };
      const title = `${attribute.name} of ${type}`;
      t.equal(await outcome(service, '2.1', SetDefaults, request), 'InvalidAttribute', title);
    }
  }
});

t.test('names among the defaults that an older kmipd stored are ignored', async (t) => {
  const stored: GroupPolicy = {
    constraints: [],
    defaults: [{ ...entryOf(contact('all'), ...ofOneObject), ObjectTypes: { ObjectType: ['SymmetricKey'] } }],
  };
  let content: Uint8Array | undefined;
  const records = {
    put(_kind: string, _group: string, bytes: Uint8Array) {
      content = bytes;
    },
    load: async () => content,
  };
  const context = { work: { records }, principal: { group: 'g', may: () => true } } as never;
  savePolicy(stored, context);
  const { defaults: loaded } = await loadPolicy(context);
  t.strictSame(
    loaded.map(({ Attributes }) => Attributes),
    [[contact('all')]],
  );
});
