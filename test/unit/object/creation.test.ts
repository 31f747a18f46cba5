import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { isAttributeKnownIn } from '../../../codec/attribute-table.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { buildObject, mergeTemplates } from '../../../src/object/creation.ts';
import { aesKey, custom, name, now, refusals, registered, symmetricKey } from './fixtures.ts';

const serverValues = {
  digest: { HashingAlgorithm: 'SHA_256', DigestValue: new Uint8Array(32), KeyFormatType: 'Raw' },
  shortIdentifier: new Uint8Array(32),
  randomNumberGenerator: { RNGAlgorithm: 'DRBG' },
} as const;

/** Attributes of a generated key in the test cases TL-M-3 and SKLC-O-1 for each version. */
const listed: Partial<Record<Version, string>> = {
  '1.0':
    'CryptographicAlgorithm CryptographicLength CryptographicUsageMask Digest InitialDate LastChangeDate LeaseTime Name ObjectType State UniqueIdentifier',
  '1.1':
    'CryptographicAlgorithm CryptographicLength CryptographicUsageMask Digest Fresh InitialDate LastChangeDate LeaseTime Name ObjectType State UniqueIdentifier',
  '1.2':
    'CryptographicAlgorithm CryptographicLength CryptographicUsageMask Digest Fresh InitialDate LastChangeDate LeaseTime Name ObjectType OriginalCreationDate State UniqueIdentifier',
  '1.4':
    'AlwaysSensitive CryptographicAlgorithm CryptographicLength CryptographicUsageMask Digest Extractable Fresh InitialDate LastChangeDate LeaseTime Name NeverExtractable ObjectType OriginalCreationDate RandomNumberGenerator Sensitive State UniqueIdentifier',
  '2.1':
    'AlwaysSensitive CryptographicAlgorithm CryptographicLength CryptographicUsageMask Digest Extractable Fresh InitialDate KeyFormatType LastChangeDate LeaseTime Name NeverExtractable ObjectType OriginalCreationDate ProtectionStorageMask RandomNumberGenerator Sensitive ShortUniqueIdentifier State UniqueIdentifier',
};

t.test('a created key has the attributes that the conformance cases list', async (t) => {
  const keys = aesKey([name('a')], serverValues).attributes.keys();
  for (const [version, names] of Object.entries(listed)) {
    const visible = keys.filter((key) => isAttributeKnownIn(key as 'State', version as Version)).sort();
    t.same(visible, names.split(' '), version);
  }
});

t.test('buildObject sets the implicit attributes', async (t) => {
  const { attributes } = aesKey([], serverValues);
  t.equal(attributes.get('UniqueIdentifier'), 'k1');
  t.equal(attributes.get('ObjectType'), 'SymmetricKey');
  t.equal(attributes.get('State'), 'PreActive');
  t.equal(attributes.get('InitialDate'), now);
  t.equal(attributes.get('LastChangeDate'), now);
  t.equal(attributes.get('OriginalCreationDate'), now);
  t.equal(attributes.get('LeaseTime'), 3600);
  t.equal(attributes.get('CryptographicUsageMask'), 12);
  t.equal(attributes.get('KeyFormatType'), 'Raw');
  t.equal(attributes.get('ProtectionStorageMask'), 1);
  t.same(
    (['Fresh', 'Sensitive', 'AlwaysSensitive', 'Extractable', 'NeverExtractable'] as const).map((each) =>
      attributes.get(each),
    ),
    [true, false, false, true, false],
  );
});

t.test('buildObject keeps the attributes that the client states', async (t) => {
  const { attributes } = aesKey([
    { name: 'CryptographicUsageMask', value: 0 },
    { name: 'Fresh', value: false },
    { name: 'Extractable', value: false },
    { name: 'CryptographicAlgorithm', value: 'AES' },
    { name: 'CryptographicLength', value: 256 },
    { name: 'ObjectGroup', value: '' },
    { name: 'UsageLimits', value: { UsageLimitsTotal: 5n, UsageLimitsUnit: 'Byte' } },
    custom('Purpose', 'demo'),
    { ...custom('Purpose', 'test'), index: 1 } as Attribute,
    { vendor: 'y', name: 'Mine', value: { type: 'Boolean', value: true } },
  ]);
  t.equal(attributes.get('CryptographicUsageMask'), 0, 'even an empty mask');
  t.equal(attributes.get('Fresh'), false);
  t.equal(attributes.get('NeverExtractable'), true);
  t.equal(attributes.get('ObjectGroup'), '');
  t.equal(attributes.get('UsageLimits')?.UsageLimitsCount, 5n);
  t.equal(attributes.all('x-Purpose').length, 2);
  t.ok(attributes.has('y-Mine'));
  t.equal(attributes.all('CryptographicLength').length, 1);
});

/** Activation and Deactivation Date relative to now, and the resulting State. */
const datesAndStates: [number | undefined, number | undefined, string][] = [
  [undefined, undefined, 'PreActive'],
  [10, undefined, 'PreActive'],
  [0, undefined, 'Active'],
  [-10, 10, 'Active'],
  [-10, -5, 'Deactivated'],
];

t.test('the dates of a new object decide its State', async (t) => {
  for (const [activation, deactivation, state] of datesAndStates) {
    const dates: Attribute[] = [];
    if (activation !== undefined) dates.push({ name: 'ActivationDate', value: now + activation });
    if (deactivation !== undefined) dates.push({ name: 'DeactivationDate', value: now + deactivation });
    t.equal(aesKey(dates).attributes.get('State'), state, `${activation}, ${deactivation}`);
  }
});

t.test('buildObject derives attributes from the value', async (t) => {
  const build = (value: ManagedObjectValue, attributes: Attribute[] = []) =>
    buildObject({ operation: 'Register', type: value.type, group: 'g', id: 'i', value, attributes, now })
      .attributes;
  const certificate = build(
    { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: new Uint8Array(1043) } },
    // BL-M-10 states the type in both places.
    [{ name: 'CertificateType', value: 'X_509' }],
  );
  t.equal(certificate.get('CertificateType'), 'X_509');
  t.equal(certificate.get('CertificateLength'), 1043);
  t.equal(certificate.get('KeyFormatType'), 'X_509');
  t.notOk(certificate.has('OriginalCreationDate'), 'unknown for a registered object');
  const opaque = build({
    type: 'OpaqueObject',
    value: { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(3) },
  });
  t.equal(opaque.get('OpaqueDataType'), 0x80000001);
  t.equal(opaque.get('State'), 'PreActive');
  t.notOk(opaque.has('CryptographicUsageMask'));
  const request = build({
    type: 'CertificateRequest',
    value: { CertificateRequestType: 'PKCS_10', CertificateRequestValue: new Uint8Array(3) },
  });
  t.equal(request.get('KeyFormatType'), 'PKCS_10');
  const metadata = build({ type: 'SymmetricKey', value: { KeyBlock: { KeyFormatType: 'Raw' } } });
  t.equal(metadata.get('KeyValuePresent'), false);
  t.notOk(build(symmetricKey()).has('KeyValuePresent'));
});

t.test('derived attributes of the crypto provider take precedence', async (t) => {
  const { attributes } = aesKey([], { derived: [{ name: 'CryptographicLength', value: 255 }] });
  t.equal(attributes.get('CryptographicLength'), 255);
});

t.test('a client may state a part of a derived attribute', async (t) => {
  const derived: Attribute[] = [
    { name: 'CryptographicDomainParameters', value: { Qlength: 256, RecommendedCurve: 'P_256' } },
  ];
  const build = (curve: 'P_256' | 'P_384') =>
    buildObject({
      operation: 'CreateKeyPair',
      type: 'PublicKey',
      group: 'g',
      id: 'i',
      attributes: [{ name: 'CryptographicDomainParameters', value: { RecommendedCurve: curve } }],
      derived,
      now,
    });
  t.same(build('P_256').attributes.get('CryptographicDomainParameters'), {
    Qlength: 256,
    RecommendedCurve: 'P_256',
  });
  t.equal(refusals(() => build('P_384'))[2], 'InvalidAttributeValue');
});

t.test('a Template has only the attributes of every object', async (t) => {
  t.same(registered('Template', [name('t')]).attributes.keys(), [
    'UniqueIdentifier',
    'ObjectType',
    'Name',
    'InitialDate',
    'LastChangeDate',
  ]);
});

const refusedAttributes: [what: string, attributes: Attribute[], reason21: string][] = [
  ['State', [{ name: 'State', value: 'Active' }], 'AttributeReadOnly'],
  ['Unique Identifier', [{ name: 'UniqueIdentifier', value: 'mine' }], 'AttributeReadOnly'],
  ['another algorithm', [{ name: 'CryptographicAlgorithm', value: 'DES3' }], 'InvalidAttributeValue'],
  ['another length', [{ name: 'CryptographicLength', value: 128 }], 'InvalidAttributeValue'],
  ['another type', [{ name: 'ObjectType', value: 'SecretData' }], 'InvalidAttributeValue'],
  [
    'two Descriptions',
    [
      { name: 'Description', value: 'a' },
      { name: 'Description', value: 'b' },
    ],
    'AttributeSingleValued',
  ],
  ['one Name twice', [name('a'), name('a')], 'NonUniqueNameAttribute'],
  [
    'an unknown attribute',
    [{ vendor: '', name: 'Colour', value: { type: 'Integer', value: 1 } }],
    'InvalidAttribute',
  ],
  ['a certificate attribute', [{ name: 'CertificateType', value: 'X_509' }], 'InvalidAttribute'],
  [
    'dates in the wrong order',
    [
      { name: 'ActivationDate', value: now },
      { name: 'ProcessStartDate', value: now - 1 },
    ],
    'InvalidAttributeValue',
  ],
];

for (const [what, attributes, reason] of refusedAttributes) {
  t.test(`buildObject refuses ${what}`, async (t) => {
    t.same(
      refusals(() => aesKey(attributes)),
      ['InvalidField', reason, reason],
    );
  });
}

t.test('the length of a DES key may include the parity bits', async (t) => {
  const derived: Attribute[] = [{ name: 'CryptographicLength', value: 168 }];
  const { attributes } = aesKey([{ name: 'CryptographicLength', value: 192 }], { derived });
  t.equal(attributes.get('CryptographicLength'), 168);
});

t.test('an imported object keeps its attributes', async (t) => {
  const object = buildObject({
    operation: 'Import',
    type: 'SymmetricKey',
    group: 'g',
    id: 'theirs',
    value: symmetricKey(),
    now,
    attributes: [
      { name: 'UniqueIdentifier', value: 'theirs' },
      { name: 'State', value: 'Deactivated' },
      { name: 'InitialDate', value: now - 1000 },
      { name: 'AlwaysSensitive', value: true },
      { name: 'Fresh', value: false },
    ],
  });
  t.equal(object.state(now), 'Deactivated');
  t.equal(object.attributes.get('InitialDate'), now - 1000);
  t.equal(object.attributes.get('AlwaysSensitive'), true);
  t.equal(object.attributes.get('Fresh'), false);
  t.equal(object.attributes.all('UniqueIdentifier').length, 1);
});

t.test('mergeTemplates lets later sources override earlier ones', async (t) => {
  const length = (value: number): Attribute => ({ name: 'CryptographicLength', value });
  const merged = mergeTemplates(
    [length(128), name('first'), custom('A', 1)],
    [length(192), name('second'), name('first')],
    [length(256), custom('A', 2)],
  );
  t.same(merged, [name('first'), custom('A', 1), name('second'), length(256), custom('A', 2)]);
  t.same(
    mergeTemplates([length(128)], [length(192), length(256)]).length,
    2,
    'a contradiction in one source is left to be refused',
  );
  t.same(mergeTemplates(), []);
});
