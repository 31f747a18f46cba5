import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { applyAdd, applyDelete, applyModify, applySet } from '../../../src/object/attribute-rules.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { aesKey, custom, name, now, refusals, registered } from './fixtures.ts';

const later = now + 100;
const classic = { era: '1.x' } as const;
const modern = { era: '2.x' } as const;

function active(): ManagedObject {
  const key = aesKey();
  key.activate(now);
  return key;
}

type Refused = [reason14: string, reason20: string, reason21: string];
const nothing: Refused = ['', '', ''];

/** Each row: what is asked, on what, and what the clients of 1.4, 2.0 and 2.1 are told. */
const refused: [what: string, act: () => unknown, reasons: Refused][] = [
  // BL-M-5
  [
    'add a second Description',
    () => applyAdd(aesKey([{ name: 'Description', value: 'a' }]), { name: 'Description', value: 'b' }, later),
    ['IllegalOperation', 'AttributeSingleValued', 'AttributeSingleValued'],
  ],
  // BL-M-8
  [
    'add the Name it has',
    () => applyAdd(aesKey([name('a')]), name('a'), later),
    ['IllegalOperation', 'NonUniqueNameAttribute', 'NonUniqueNameAttribute'],
  ],
  [
    'add what the server sets',
    () => applyAdd(aesKey(), { name: 'InitialDate', value: now }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'add a fact',
    () => applyAdd(registered('OpaqueObject'), { name: 'CryptographicLength', value: 128 }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'add with an index',
    () => applyAdd(aesKey(), { ...name('a'), index: 1 }, later),
    ['InvalidField', 'InvalidField', 'InvalidField'],
  ],
  [
    'add what does not belong there',
    () =>
      applyAdd(
        aesKey(),
        { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_256' } },
        later,
      ),
    ['PermissionDenied', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add what no version knows',
    () => applyAdd(aesKey(), { vendor: '', name: 'Colour', value: { type: 'Integer', value: 1 } }, later),
    ['InvalidField', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add for a vendor without a proper name',
    () => applyAdd(aesKey(), { vendor: 'a:b', name: 'c', value: { type: 'Integer', value: 1 } }, later),
    ['InvalidField', 'InvalidAttribute', 'InvalidAttribute'],
  ],
  [
    'add a Name of an unknown type',
    () => applyAdd(aesKey(), { name: 'Name', value: { NameValue: 'a', NameType: 77 } }, later),
    ['InvalidField', 'InvalidAttributeValue', 'InvalidAttributeValue'],
  ],
  [
    'add application data nobody gave',
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
    'modify a fact',
    () => applyModify(registered('Certificate'), modern, { name: 'CertificateLength', value: 123 }, later),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  // SKLC-M-3, AKLC-M-3
  [
    'modify the Activation Date of an Active key',
    () => applyModify(active(), modern, { name: 'ActivationDate', value: later }, later),
    ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  ],
  [
    'modify what is not there',
    () => applyModify(aesKey(), classic, { name: 'Description', value: 'a' }, later),
    ['InvalidField', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'modify an instance that is not there',
    () => applyModify(aesKey([name('a')]), { ...classic, index: 1 }, name('b'), later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'modify a value that is not there',
    () => applyModify(aesKey([name('a')]), { ...modern, current: name('z') }, name('b'), later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'modify one of several without saying which',
    () => applyModify(aesKey([name('a'), name('b')]), modern, name('c'), later),
    ['IllegalOperation', 'MultiValuedAttribute', 'MultiValuedAttribute'],
  ],
  [
    'rename to a Name it has',
    () => applyModify(aesKey([name('a'), name('b')]), { ...classic, index: 1 }, name('a'), later),
    ['IllegalOperation', 'NonUniqueNameAttribute', 'NonUniqueNameAttribute'],
  ],
  [
    "modify the server's custom attribute",
    () =>
      applyModify(
        aesKey([{ ...custom('A', 1), vendor: 'y' } as Attribute]),
        modern,
        { ...custom('A', 2), vendor: 'y' } as Attribute,
        later,
      ),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  [
    'set what the server sets',
    () => applySet(aesKey(), { name: 'State', value: 'Active' }, later),
    ['PermissionDenied', 'ReadOnlyAttribute', 'ReadOnlyAttribute'],
  ],
  [
    'set what is there and cannot change',
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
    'delete what must be there',
    () => applyDelete(aesKey(), { ...modern, reference: { name: 'CryptographicUsageMask' } }, later),
    ['PermissionDenied', 'AttributeReadOnly', 'AttributeReadOnly'],
  ],
  [
    'delete what is not there',
    () => applyDelete(aesKey(), { ...modern, reference: { name: 'Comment' } }, later),
    ['ItemNotFound', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'delete what no version knows',
    () => applyDelete(aesKey(), { ...modern, reference: { vendor: '', name: 'Colour' } }, later),
    ['ItemNotFound', 'AttributeNotFound', 'AttributeNotFound'],
  ],
  [
    'delete a value that is not there',
    () => applyDelete(aesKey([name('a')]), { ...modern, current: name('b') }, later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'delete an index that is not there',
    () => applyDelete(aesKey([name('a')]), { ...classic, reference: { name: 'Name' }, index: 4 }, later),
    ['ItemNotFound', 'AttributeInstanceNotFound', 'AttributeInstanceNotFound'],
  ],
  [
    'delete nothing in particular',
    () => applyDelete(aesKey(), modern, later),
    ['InvalidMessage', 'InvalidMessage', 'InvalidMessage'],
  ],
  // Usage Limits belong to the client until the first allocation.
  ['modify unspent limits', () => applyModify(limited(10n), modern, limits(20n), later), nothing],
  [
    'modify spent limits',
    () => applyModify(limited(9n), modern, limits(20n), later),
    ['PermissionDenied', 'PermissionDenied', 'WrongKeyLifecycleState'],
  ],
  [
    'delete spent limits',
    () => applyDelete(limited(9n), { ...modern, reference: { name: 'UsageLimits' } }, later),
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
  t.test(what, async (t) => {
    t.same(
      refusals(act).map((reason) => reason ?? ''),
      reasons,
    );
  });
}

t.test('an attribute is added, found, changed and deleted', async (t) => {
  const key = aesKey();
  t.same(applyAdd(key, custom('A', 'one'), later), custom('A', 'one'));
  t.same(applyAdd(key, { ...custom('A', 'two'), index: 0 } as Attribute, later), {
    ...custom('A', 'two'),
    index: 1,
  });
  t.equal(key.attributes.get('LastChangeDate'), later);
  t.same(applyModify(key, { ...classic, index: 1 }, custom('A', 3), later), { ...custom('A', 3), index: 1 });
  t.same(
    applyModify(key, classic, custom('A', 'zero'), later),
    custom('A', 'zero'),
    'index 0 goes without saying in 1.x',
  );
  t.same(applyModify(key, { ...modern, current: custom('A', 3) }, custom('A', 4), later), {
    ...custom('A', 4),
    index: 1,
  });
  const reference = { vendor: 'x', name: 'A' };
  t.same(
    applyDelete(key.clone(), { ...classic, reference }, later),
    [custom('A', 'zero')],
    '1.x: one instance',
  );
  t.equal(applyDelete(key.clone(), { ...modern, reference }, later).length, 2, '2.x: all of them');
  t.same(applyDelete(key, { ...modern, current: custom('A', 'zero') }, later), [custom('A', 'zero')]);
  t.same(key.attributes.all('x-A'), [{ ...custom('A', 4), index: 1 }], 'and the other keeps its index');
});

t.test('custom attributes of both eras are one', async (t) => {
  const key = aesKey([
    custom('Site', 'Basel'),
    { vendor: 'Acme', name: 'Site', value: { type: 'TextString', value: 'Bern' } },
  ]);
  t.same(key.attributes.keys().slice(-2).length, 2);
  t.equal(key.attributes.all('x-Site').length, 1);
  t.equal(key.attributes.all('Acme:Site').length, 1);
  applyDelete(key, { ...modern, reference: { vendor: 'Acme', name: 'Site' } }, later);
  t.ok(key.attributes.has('x-Site'));
});

t.test('set adds, then replaces', async (t) => {
  const key = aesKey();
  applySet(key, { name: 'Description', value: 'a' }, later);
  applySet(key, { name: 'Description', value: 'b' }, later);
  t.same(key.attributes.values('Description'), ['b']);
  applySet(key, name('n'), later);
  applySet(key, name('n'), later);
  t.equal(key.attributes.all('Name').length, 1, 'its own Name is no second one');
});

t.test('Sensitive and Extractable leave a trace', async (t) => {
  const key = aesKey([
    { name: 'Sensitive', value: true },
    { name: 'Extractable', value: false },
  ]);
  t.same([key.attributes.get('AlwaysSensitive'), key.attributes.get('NeverExtractable')], [true, true]);
  applySet(key, { name: 'Sensitive', value: false }, later);
  applySet(key, { name: 'Sensitive', value: true }, later);
  applyModify(key, modern, { name: 'Extractable', value: true }, later);
  applyModify(key, modern, { name: 'Extractable', value: false }, later);
  t.same([key.attributes.get('AlwaysSensitive'), key.attributes.get('NeverExtractable')], [false, false]);
  t.same([key.attributes.get('Sensitive'), key.attributes.get('Extractable')], [true, false]);
});

t.test('an Operation Policy Name may be set again to what it is', async (t) => {
  const key = aesKey();
  const policy = (value: string): Attribute => ({ name: 'OperationPolicyName', value });
  applyAdd(key, policy('default'), later);
  applyAdd(key, policy('default'), later);
  applyModify(key, classic, policy('default'), later);
  t.same(key.attributes.values('OperationPolicyName'), ['default']);
  t.same(refusals(() => applyAdd(key, policy('public'), later))[0], 'IllegalOperation');
});

t.test('texts may be empty', async (t) => {
  const key = aesKey();
  applyAdd(key, { name: 'ObjectGroup', value: '' }, later);
  t.same(key.attributes.values('ObjectGroup'), ['']);
});

t.test('the number of instances has a bound', async (t) => {
  const key = aesKey();
  for (let n = 0; n < 1_000; n++) applyAdd(key, custom('A', n), later);
  t.same(
    refusals(() => applyAdd(key, custom('A', 0), later)),
    ['IndexOutOfBounds', 'ServerLimitExceeded', 'ServerLimitExceeded'],
  );
});

t.test('limits start again at their total when a client changes them', async (t) => {
  const key = limited(10n);
  applyModify(
    key,
    modern,
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
