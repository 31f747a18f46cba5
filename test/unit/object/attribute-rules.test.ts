import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { applyAdd, applyDelete, applyModify, applySet } from '../../../src/object/attribute-rules.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { aesKey, custom, name, now, refusals, registered } from './fixtures.ts';

const later = now + 100;
const era1x = { era: '1.x' } as const;
const era2x = { era: '2.x' } as const;

function active(): ManagedObject {
  const key = aesKey();
  key.activate(now);
  return key;
}

type Reasons = [reason14: string, reason20: string, reason21: string];
const allowed: Reasons = ['', '', ''];

/** Changes and the Result Reasons for clients of 1.4, 2.0 and 2.1; empty: allowed. */
const refused: [what: string, act: () => unknown, reasons: Reasons][] = [
  // BL-M-5
  [
    'add a second Description',
    () => applyAdd(aesKey([{ name: 'Description', value: 'a' }]), { name: 'Description', value: 'b' }, later),
    ['IllegalOperation', 'AttributeSingleValued', 'AttributeSingleValued'],
  ],
  // BL-M-8
  [
    'add a Name of the object again',
    () => applyAdd(aesKey([name('a')]), name('a'), later),
    ['IllegalOperation', 'NonUniqueNameAttribute', 'NonUniqueNameAttribute'],
  ],
  [
    'add an attribute of the server',
    () => applyAdd(aesKey(), { name: 'InitialDate', value: now }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'add a derived attribute',
    () => applyAdd(registered('OpaqueObject'), { name: 'CryptographicLength', value: 128 }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'add with an index',
    () => applyAdd(aesKey(), { ...name('a'), index: 1 }, later),
    ['InvalidField', 'InvalidField', 'InvalidField'],
  ],
  [
    'add an attribute of another object type',
    () =>
      applyAdd(
        aesKey(),
        { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_256' } },
        later,
      ),
    ['PermissionDenied', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add an attribute that no version knows',
    () => applyAdd(aesKey(), { vendor: '', name: 'Colour', value: { type: 'Integer', value: 1 } }, later),
    ['InvalidField', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add an attribute of a vendor with an invalid name',
    () => applyAdd(aesKey(), { vendor: 'a:b', name: 'c', value: { type: 'Integer', value: 1 } }, later),
    ['InvalidField', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add a Name of an unknown type',
    () => applyAdd(aesKey(), { name: 'Name', value: { NameValue: 'a', NameType: 77 } }, later),
    ['InvalidField', 'InvalidAttributeValue', 'InvalidAttributeValue'],
  ],
  [
    'add Application Specific Information without data',
    () =>
      applyAdd(
        aesKey(),
        { name: 'ApplicationSpecificInformation', value: { ApplicationNamespace: 'ssl' } },
        later,
      ),
    [
      'ApplicationNamespaceNotSupported',
      'ApplicationNamespaceNotSupported',
      'ApplicationNamespaceNotSupported',
    ],
  ],
  [
    'add a structure in a structure',
    () => applyAdd(aesKey(), nested(), later),
    ['InvalidField', 'InvalidAttributeValue', 'InvalidAttributeValue'],
  ],
  // BL-M-10
  [
    'modify a derived attribute',
    () => applyModify(registered('Certificate'), era2x, { name: 'CertificateLength', value: 123 }, later),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  // SKLC-M-3, AKLC-M-3
  [
    'modify the Activation Date of an Active key',
    () => applyModify(active(), era2x, { name: 'ActivationDate', value: later }, later),
    ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  ],
  [
    'modify an absent attribute',
    () => applyModify(aesKey(), era1x, { name: 'Description', value: 'a' }, later),
    ['InvalidField', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'modify an absent instance',
    () => applyModify(aesKey([name('a')]), { ...era1x, index: 1 }, name('b'), later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'modify an absent value',
    () => applyModify(aesKey([name('a')]), { ...era2x, current: name('z') }, name('b'), later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'modify one of several without selecting one',
    () => applyModify(aesKey([name('a'), name('b')]), era2x, name('c'), later),
    ['IllegalOperation', 'MultiValuedAttribute', 'MultiValuedAttribute'],
  ],
  [
    'change a Name to another Name of the object',
    () => applyModify(aesKey([name('a'), name('b')]), { ...era1x, index: 1 }, name('a'), later),
    ['IllegalOperation', 'NonUniqueNameAttribute', 'NonUniqueNameAttribute'],
  ],
  [
    "modify the server's custom attribute",
    () =>
      applyModify(
        aesKey([{ ...custom('A', 1), vendor: 'y' } as Attribute]),
        era2x,
        { ...custom('A', 2), vendor: 'y' } as Attribute,
        later,
      ),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  [
    'set an attribute of the server',
    () => applySet(aesKey(), { name: 'State', value: 'Active' }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'set a present attribute that cannot change',
    () => applySet(aesKey(), { name: 'Fresh', value: false }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  // TC-SETATTR-3
  [
    'set one of several',
    () => applySet(aesKey([name('a'), name('b')]), name('c'), later),
    ['IllegalOperation', 'MultiValuedAttribute', 'MultiValuedAttribute'],
  ],
  [
    'delete a required attribute',
    () => applyDelete(aesKey(), { ...era2x, reference: { name: 'CryptographicUsageMask' } }, later),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  [
    'delete an absent attribute',
    () => applyDelete(aesKey(), { ...era2x, reference: { name: 'Comment' } }, later),
    ['ItemNotFound', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'delete an attribute that no version knows',
    () => applyDelete(aesKey(), { ...era2x, reference: { vendor: '', name: 'Colour' } }, later),
    ['ItemNotFound', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'delete an absent value',
    () => applyDelete(aesKey([name('a')]), { ...era2x, current: name('b') }, later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'delete an absent index',
    () => applyDelete(aesKey([name('a')]), { ...era1x, reference: { name: 'Name' }, index: 4 }, later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'delete without naming an attribute',
    () => applyDelete(aesKey(), era2x, later),
    ['InvalidMessage', 'InvalidMessage', 'InvalidMessage'],
  ],
  // A client may change Usage Limits until the first allocation.
  ['modify limits before an allocation', () => applyModify(limited(10n), era2x, limits(20n), later), allowed],
  [
    'modify limits after an allocation',
    () => applyModify(limited(9n), era2x, limits(20n), later),
    ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  ],
  [
    'delete limits after an allocation',
    () => applyDelete(limited(9n), { ...era2x, reference: { name: 'UsageLimits' } }, later),
    ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  ],
];

function nested(): Attribute {
  const inner = { tag: 0x420020, type: 'Structure', value: [] } as const;
  return { vendor: 'x', name: 'Deep', value: { type: 'Structure', value: [inner] } };
}

function limits(UsageLimitsTotal: bigint): Attribute {
  return { name: 'UsageLimits', value: { UsageLimitsTotal, UsageLimitsUnit: 'Byte' } };
}

function limited(left: bigint): ManagedObject {
  const key = aesKey([limits(10n)]);
  key.attributes.set('UsageLimits', {
    UsageLimitsTotal: 10n,
    UsageLimitsCount: left,
    UsageLimitsUnit: 'Byte',
  });
  return key;
}

for (const [what, act, reasons] of refused) {
  t.test(`a client gets the reason of its version for: ${what}`, async (t) => {
    t.same(
      refusals(act).map((reason) => reason ?? ''),
      reasons,
    );
  });
}

t.test('instances of an attribute are added, changed and deleted by index or value', async (t) => {
  const key = aesKey();
  t.same(applyAdd(key, custom('A', 'one'), later), custom('A', 'one'));
  t.same(applyAdd(key, { ...custom('A', 'two'), index: 0 } as Attribute, later), {
    ...custom('A', 'two'),
    index: 1,
  });
  t.equal(key.attributes.get('LastChangeDate'), later);
  t.same(applyModify(key, { ...era1x, index: 1 }, custom('A', 3), later), { ...custom('A', 3), index: 1 });
  t.same(
    applyModify(key, era1x, custom('A', 'zero'), later),
    custom('A', 'zero'),
    'index 0 is the default in 1.x',
  );
  t.same(applyModify(key, { ...era2x, current: custom('A', 3) }, custom('A', 4), later), {
    ...custom('A', 4),
    index: 1,
  });
  const reference = { vendor: 'x', name: 'A' };
  t.same(
    applyDelete(key.clone(), { ...era1x, reference }, later),
    [custom('A', 'zero')],
    '1.x: one instance',
  );
  t.equal(applyDelete(key.clone(), { ...era2x, reference }, later).length, 2, '2.x: all of them');
  t.same(applyDelete(key, { ...era2x, current: custom('A', 'zero') }, later), [custom('A', 'zero')]);
  t.same(key.attributes.all('x-A'), [{ ...custom('A', 4), index: 1 }], 'and the other keeps its index');
});

t.test('attributes of two vendors with one name are separate', async (t) => {
  const key = aesKey([
    custom('Site', 'Basel'),
    { vendor: 'Acme', name: 'Site', value: { type: 'TextString', value: 'Bern' } },
  ]);
  t.same(key.attributes.keys().slice(-2).length, 2);
  t.equal(key.attributes.all('x-Site').length, 1);
  t.equal(key.attributes.all('Acme:Site').length, 1);
  applyDelete(key, { ...era2x, reference: { vendor: 'Acme', name: 'Site' } }, later);
  t.ok(key.attributes.has('x-Site'));
});

t.test('applySet adds an attribute, then replaces its value', async (t) => {
  const key = aesKey();
  applySet(key, { name: 'Description', value: 'a' }, later);
  applySet(key, { name: 'Description', value: 'b' }, later);
  t.same(key.attributes.values('Description'), ['b']);
  applySet(key, name('n'), later);
  applySet(key, name('n'), later);
  t.equal(key.attributes.all('Name').length, 1, 'the same Name is not added twice');
});

t.test('Always Sensitive and Never Extractable become false for good', async (t) => {
  const key = aesKey([
    { name: 'Sensitive', value: true },
    { name: 'Extractable', value: false },
  ]);
  t.same([key.attributes.get('AlwaysSensitive'), key.attributes.get('NeverExtractable')], [true, true]);
  applySet(key, { name: 'Sensitive', value: false }, later);
  applySet(key, { name: 'Sensitive', value: true }, later);
  applyModify(key, era2x, { name: 'Extractable', value: true }, later);
  applyModify(key, era2x, { name: 'Extractable', value: false }, later);
  t.same([key.attributes.get('AlwaysSensitive'), key.attributes.get('NeverExtractable')], [false, false]);
  t.same([key.attributes.get('Sensitive'), key.attributes.get('Extractable')], [true, false]);
});

t.test('an Operation Policy Name may be set to the same value again', async (t) => {
  const key = aesKey();
  const policy = (value: string): Attribute => ({ name: 'OperationPolicyName', value });
  applyAdd(key, policy('default'), later);
  applyAdd(key, policy('default'), later);
  applyModify(key, era1x, policy('default'), later);
  t.same(key.attributes.values('OperationPolicyName'), ['default']);
  t.same(refusals(() => applyAdd(key, policy('public'), later))[0], 'IllegalOperation');
});

t.test('a text attribute may be empty', async (t) => {
  const key = aesKey();
  applyAdd(key, { name: 'ObjectGroup', value: '' }, later);
  t.same(key.attributes.values('ObjectGroup'), ['']);
});

t.test('applyAdd refuses more than the maximum of instances', async (t) => {
  const key = aesKey();
  for (let n = 0; n < 1_000; n++) applyAdd(key, custom('A', n), later);
  t.same(
    refusals(() => applyAdd(key, custom('A', 0), later)),
    ['IndexOutOfBounds', 'ServerLimitExceeded', 'ServerLimitExceeded'],
  );
});

t.test('the count of Usage Limits is reset to the total when a client changes them', async (t) => {
  const key = limited(10n);
  applyModify(
    key,
    era2x,
    {
      name: 'UsageLimits',
      value: { UsageLimitsTotal: 20n, UsageLimitsCount: 99n, UsageLimitsUnit: 'Object' },
    },
    later,
  );
  t.same(key.attributes.get('UsageLimits'), {
    UsageLimitsTotal: 20n,
    UsageLimitsCount: 20n,
    UsageLimitsUnit: 'Object',
  });
});
