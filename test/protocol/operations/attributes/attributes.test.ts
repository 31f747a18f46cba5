import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { eraOf, type Version } from '../../../../codec/version.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { AdjustAttribute } from '../../../../src/operations/attributes/adjust-attribute.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { GetAttributeList } from '../../../../src/operations/attributes/get-attribute-list.ts';
import { GetAttributes } from '../../../../src/operations/attributes/get-attributes.ts';
import { ModifyAttribute } from '../../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../../src/operations/attributes/set-attribute.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { TestService, uid } from '../../service.ts';
import {
  ask,
  attributeOf,
  attributesOf,
  contact,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
  versionsOf,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const custom = (name: string, value: number): Attribute => ({
  vendor: 'x',
  name,
  value: { type: 'Integer', value },
});
const group = (value: string): Attribute => ({ name: 'ObjectGroup', value });
const echo = (version: Version) =>
  eraOf(version) === '1.x' ? 'UniqueIdentifier Attribute' : 'UniqueIdentifier';

t.test(
  'attributes of the standard, of the client and of several instances are added, modified and deleted',
  async (t) => {
    for (const version of testedVersions) {
      const id = await storedKey(service);
      for (const attribute of [contact('a'), custom('n', 1), named('key'), group('g')]) {
        const added = await ask(service, version, AddAttribute, {
          UniqueIdentifier: id,
          NewAttribute: attribute,
        });
        t.equal(added.fields, echo(version), `${version} ${attribute.name}`);
        t.match(
          (await attributesOf(service, id)).filter(({ name }) => name === attribute.name),
          [attribute],
        );
      }
      for (const [before, after] of [
        [contact('a'), contact('b')],
        [custom('n', 1), custom('n', 2)],
      ] as const) {
        const request = {
          UniqueIdentifier: id,
          NewAttribute: after,
          CurrentAttribute: eraOf(version) === '2.x' ? before : undefined,
        };
        t.equal((await ask(service, version, ModifyAttribute, request)).fields, echo(version));
        t.match(
          (await attributesOf(service, id)).filter(({ name }) => name === after.name),
          [after],
        );
      }
      for (const reference of [{ name: 'ContactInformation' }, { vendor: 'x', name: 'n' }]) {
        const request = { UniqueIdentifier: id, AttributeReference: reference };
        t.equal((await ask(service, version, DeleteAttribute, request)).fields, echo(version));
        t.equal(await attributeOf(service, id, reference.name as 'Name'), undefined);
      }
    }
  },
);

t.test(
  'one of several instances is named by index in 1.x and by value in 2.x, all by reference in 2.x',
  async (t) => {
    const three = () => storedKey(service, group('a'), group('b'), group('c'));
    const groups = async (id: string) =>
      (await attributesOf(service, id))
        .filter(({ name }) => name === 'ObjectGroup')
        .map(({ value }) => value);
    const reference = { name: 'ObjectGroup' };
    for (const version of testedVersions) {
      const id = await three();
      const which =
        eraOf(version) === '1.x'
          ? { NewAttribute: { ...group('z'), index: 1 } }
          : { NewAttribute: group('z'), CurrentAttribute: group('b') };
      await succeed(service, version, ModifyAttribute, { UniqueIdentifier: id, ...which });
      t.same(await groups(id), ['a', 'z', 'c'], version);
      const victim =
        eraOf(version) === '1.x'
          ? { AttributeReference: reference, AttributeIndex: 0 }
          : { CurrentAttribute: group('a') };
      await succeed(service, version, DeleteAttribute, { UniqueIdentifier: id, ...victim });
      t.same(await groups(id), ['z', 'c']);
      if (eraOf(version) === '2.x') {
        await succeed(service, version, DeleteAttribute, {
          UniqueIdentifier: id,
          AttributeReference: reference,
        });
        t.same(await groups(id), []);
      }
    }
    const id = await three();
    t.equal(
      await outcome(service, '2.1', ModifyAttribute, { UniqueIdentifier: id, NewAttribute: group('z') }),
      'MultiValuedAttribute',
    );
    t.equal(
      await outcome(service, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute: group('z') }),
      'MultiValuedAttribute',
    );
  },
);

const id = await storedKey(service, named('taken'), contact('me'), {
  name: 'ActivationDate',
  value: service.now / 1000,
});
const archived = await storedKey(service);
await succeed(service, '2.1', Archive, { UniqueIdentifier: archived });
const at = (rest: object, object = id) => ({ UniqueIdentifier: object, ...rest });
const state: Attribute = { name: 'State', value: 'Active' };
const activation: Attribute = { name: 'ActivationDate', value: 5 };
const namespace: Attribute = {
  name: 'ApplicationSpecificInformation',
  value: { ApplicationNamespace: 'ns' },
};

t.test('attribute operations refuse objects that do not exist', async (t) => {
  const cases: [AnyOperation, object][] = [
    [GetAttributes, {}],
    [GetAttributeList, {}],
    [AddAttribute, { NewAttribute: custom('n', 1) }],
    [ModifyAttribute, { NewAttribute: contact('x') }],
    [DeleteAttribute, { AttributeReference: { name: 'ContactInformation' } }],
    [SetAttribute, { NewAttribute: contact('x') }],
    [AdjustAttribute, { AttributeReference: { vendor: 'x', name: 'n' }, AdjustmentType: 'Increment' }],
  ];
  for (const [operation, rest] of cases) {
    await refuses(t, service, operation, [
      ['unknown', at(rest, 'nobody'), 'ItemNotFound', 'ObjectNotFound'],
      ['archived', at(rest, archived), 'ObjectArchived'],
    ]);
  }
});

t.test('Add Attribute refuses unsuitable attributes', (t) =>
  refuses(t, service, AddAttribute, [
    ['an attribute of the server', at({ NewAttribute: state }), 'PermissionDenied', 'ReadOnlyAttribute'],
    [
      'a fact',
      at({ NewAttribute: { name: 'CryptographicLength', value: 256 } }),
      'PermissionDenied',
      'ReadOnlyAttribute',
    ],
    [
      'one of other objects',
      at({ NewAttribute: { name: 'CryptographicDomainParameters', value: { Qlength: 256 } } }),
      'PermissionDenied',
      'InvalidAttribute',
    ],
    ['a second value', at({ NewAttribute: contact('you') }), 'IllegalOperation', 'AttributeSingleValued'],
    ['a Name it has', at({ NewAttribute: named('taken') }), 'IllegalOperation', 'NonUniqueNameAttribute'],
    ['data left to the server', at({ NewAttribute: namespace }), 'ApplicationNamespaceNotSupported'],
    ['no attribute', [uid(id)], 'InvalidMessage'],
  ]),
);

t.test('Add Attribute refuses an Attribute Index of the client', async (t) => {
  for (const version of ['1.0', '1.2', '1.4'] as const) {
    const NewAttribute = { ...custom('n', 1), index: 1 };
    t.equal(await outcome(service, version, AddAttribute, at({ NewAttribute })), 'InvalidField', version);
    const away = at({ NewAttribute: { ...named('other'), index: 7 } });
    t.equal(await outcome(service, version, ModifyAttribute, away), 'ItemNotFound');
    const missing = at({ AttributeReference: { name: 'Name' }, AttributeIndex: 7 });
    t.equal(await outcome(service, version, DeleteAttribute, missing), 'ItemNotFound');
  }
});

t.test('Modify Attribute refuses missing and read-only attributes', async (t) => {
  await refuses(t, service, ModifyAttribute, [
    ['one that is not there', at({ NewAttribute: custom('absent', 1) }), 'InvalidField', 'AttributeNotFound'],
    ['an attribute of the server', at({ NewAttribute: state }), 'PermissionDenied', 'AttributeReadOnly'],
  ]);
  for (const version of testedVersions) {
    const actual = await outcome(service, version, ModifyAttribute, at({ NewAttribute: activation }));
    t.equal(
      actual,
      version === '2.1' ? 'WrongKeyLifecycleState' : 'PermissionDenied',
      `${version}: a date whose time is over`,
    );
  }
  const other = at({ NewAttribute: contact('x'), CurrentAttribute: contact('somebody') });
  t.equal(await outcome(service, '2.1', ModifyAttribute, other), 'AttributeInstanceNotFound');
});

t.test('Delete Attribute refuses missing and required attributes', (t) =>
  refuses(t, service, DeleteAttribute, [
    [
      'an attribute of the server',
      at({ AttributeReference: { name: 'State' } }),
      'PermissionDenied',
      'AttributeReadOnly',
    ],
    [
      'one that must be there',
      at({ AttributeReference: { name: 'CryptographicUsageMask' } }),
      'PermissionDenied',
      'AttributeReadOnly',
    ],
    [
      'one that is not there',
      at({ AttributeReference: { name: 'ObjectGroup' } }),
      'ItemNotFound',
      'AttributeNotFound',
    ],
    [
      'a custom one that is not there',
      at({ AttributeReference: { vendor: 'x', name: 'absent' } }),
      'ItemNotFound',
      'AttributeNotFound',
    ],
    ['no attribute', at({}), 'InvalidMessage'],
  ]),
);

t.test('Set Attribute adds and replaces attributes', async (t) => {
  for (const version of versionsOf(SetAttribute)) {
    const key = await storedKey(service);
    for (const value of ['a', 'b']) {
      const { fields } = await ask(service, version, SetAttribute, {
        UniqueIdentifier: key,
        NewAttribute: contact(value),
      });
      t.equal(fields, 'UniqueIdentifier', version);
      t.equal(await attributeOf(service, key, 'ContactInformation'), value);
    }
  }
  await refuses(t, service, SetAttribute, [
    ['an attribute of the server', at({ NewAttribute: state }), '', 'ReadOnlyAttribute'],
    [
      'one of other objects',
      at({ NewAttribute: { name: 'OpaqueDataType', value: 0x80000001 } }),
      '',
      'ReadOnlyAttribute',
    ],
    [
      'a mask once it is set',
      at({ NewAttribute: { name: 'CryptographicUsageMask', value: 1 } }),
      '',
      'ReadOnlyAttribute',
    ],
  ]);
});

t.test('Adjust Attribute increments, decrements and negates values', async (t) => {
  for (const version of versionsOf(AdjustAttribute)) {
    const key = await storedKey(service, custom('n', 5), { name: 'DeactivationDate', value: 2_000_000_000 });
    const adjust = (reference: object, AdjustmentType: string, AdjustmentValue?: object) =>
      ask(service, version, AdjustAttribute, {
        UniqueIdentifier: key,
        AttributeReference: reference,
        AdjustmentType,
        AdjustmentValue,
      });
    const x = { vendor: 'x', name: 'n' };
    t.equal((await adjust(x, 'Increment')).fields, 'UniqueIdentifier', version);
    await adjust(x, 'Decrement', { type: 'Integer', value: 10 });
    await adjust(x, 'Negate');
    t.match(await attributeOf(service, key, 'n' as 'Name'), { value: 4 });
    await adjust({ name: 'DeactivationDate' }, 'Increment', { type: 'Interval', value: 60 });
    t.equal(await attributeOf(service, key, 'DeactivationDate'), 2_000_000_060);
    t.equal((await adjust({ name: 'State' }, 'Increment')).reason, 'ReadOnlyAttribute');
    t.equal((await adjust({ name: 'ContactInformation' }, 'Increment')).reason, 'InvalidDataType');
    t.equal((await adjust(x, 'Increment', { type: 'Integer', value: 2 ** 31 - 1 })).reason, 'NumericRange');
    t.equal((await adjust({ vendor: 'x', name: 'none' }, 'Negate')).reason, 'AttributeNotFound');
  }
});

t.test(
  'Get Attributes returns all attributes, or the requested ones in their order, each once',
  async (t) => {
    for (const version of testedVersions) {
      const list = eraOf(version) === '1.x' ? 'Attribute' : 'Attributes';
      const all = await ask(service, version, GetAttributes, at({}));
      t.equal(all.fields, `UniqueIdentifier ${list}`, version);
      const references = (...names: string[]) => at({ AttributeReference: names.map((name) => ({ name })) });
      const some = await succeed(
        service,
        version,
        GetAttributes,
        references('State', 'ObjectType', 'ObjectGroup', 'Name'),
      );
      t.same(
        some.Attributes.map(({ name }) => name),
        ['State', 'ObjectType', 'Name'],
        'what is not there is left out',
      );
      t.equal(await outcome(service, version, GetAttributes, references('State', 'State')), 'InvalidMessage');
      const names = await ask(service, version, GetAttributeList, at({}));
      t.equal(
        names.fields,
        `UniqueIdentifier ${eraOf(version) === '1.x' ? 'AttributeName' : 'AttributeReference'}`,
      );
      t.same(
        new Set(names.payload.AttributeReference.map(({ name }) => name)),
        new Set(all.payload.Attributes.map(({ name }) => name)),
        'the list names what there is to get',
      );
    }
  },
);

t.test('vendor attributes are visible in 2.x only, and attributes with x- in both eras', async (t) => {
  const acme: Attribute = { vendor: 'Acme', name: 'n', value: { type: 'Integer', value: 1 } };
  const key = await storedKey(service, custom('n', 7), acme);
  for (const version of testedVersions) {
    const vendors = (await attributesOf(service, key, version)).filter(({ vendor }) => vendor !== undefined);
    t.same(
      vendors.map(({ vendor }) => vendor),
      eraOf(version) === '1.x' ? ['x'] : ['x', 'Acme'],
      version,
    );
  }
});

t.test('Add Attribute refuses more instances than an object may have', async (t) => {
  const groups = Array.from({ length: 1000 }, (_, n) => group(`g${n}`));
  const key = await storedKey(service, ...groups);
  const request = { UniqueIdentifier: key, NewAttribute: group('one more') };
  t.equal(await outcome(service, '1.4', AddAttribute, request), 'IndexOutOfBounds');
  t.equal(await outcome(service, '2.1', AddAttribute, request), 'ServerLimitExceeded');
});
