import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { eraOf } from '../../../../codec/version.ts';
import { GetAttributeList } from '../../../../src/operations/attributes/get-attribute-list.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import {
  aes,
  ask,
  attributeOf,
  attributesOf,
  contact,
  having,
  length,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
} from '../ask.ts';
import { isExpressibleIn, keyFamilies, metadataOnly, others } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());
/** A service with few objects, because every refusal compares them all. */
const bare = await TestService.open();
t.teardown(() => bare.close());
await storedKey(bare);
const families = await keyFamilies();

const registration = (Object: ManagedObjectValue, ...attributes: readonly Attribute[]) => ({
  ObjectType: Object.type,
  Attributes: having(...attributes),
  Object,
});

t.test(
  'Get returns objects of every type and key format as registered, in every version that has them',
  async (t) => {
    const keys = families.flatMap(({ algorithm, forms }) => forms.map((form) => [algorithm, form] as const));
    for (const version of testedVersions) {
      for (const [name, object] of [...keys, ...others]) {
        if (!isExpressibleIn(version, object)) continue;
        const { payload, fields, message } = await ask(service, version, Register, registration(object));
        t.equal(fields, 'UniqueIdentifier', `${version} ${name} ${message ?? ''}`);
        const id = payload.UniqueIdentifier;
        const read = await ask(service, version, Get, { UniqueIdentifier: id });
        t.equal(read.fields, `ObjectType UniqueIdentifier ${object.type}`);
        t.same(read.payload.Object, object, `${version} ${name}`);
        t.equal(await attributeOf(service, id, 'ObjectType'), object.type);
        t.equal(await attributeOf(service, id, 'State'), 'PreActive');
        t.equal(await attributeOf(service, id, 'InitialDate'), service.now / 1000);
        const digest = (await attributeOf(service, id, 'Digest')) as object | undefined;
        t.equal(digest === undefined, name === 'a wrapped key', `${name}: Digest of what is not wrapped`);
      }
    }
  },
);

t.test('Register derives attributes from the object', async (t) => {
  for (const { algorithm, forms, type } of families) {
    for (const form of forms) {
      const block = (form.value as { KeyBlock: object }).KeyBlock;
      const silent = {
        type,
        value: { KeyBlock: { ...block, CryptographicLength: undefined } },
      } as ManagedObjectValue;
      const { UniqueIdentifier: id } = await succeed(
        service,
        isExpressibleIn('2.1', form) ? '2.1' : '1.2',
        Register,
        registration(silent),
      );
      t.equal(await attributeOf(service, id, 'CryptographicAlgorithm'), algorithm);
      const bits = (block as { CryptographicLength: number }).CryptographicLength;
      t.equal(await attributeOf(service, id, 'CryptographicLength'), bits, `${algorithm} ${type}`);
    }
  }
});

t.test('a Template has no state and no digest', async (t) => {
  for (const version of ['1.0', '1.2', '1.4'] as const) {
    const template: ManagedObjectValue = { type: 'Template', value: { Attributes: [...aes, contact('me')] } };
    const { UniqueIdentifier: id } = await succeed(
      service,
      version,
      Register,
      registration(template, named(`t${version}`)),
    );
    t.same((await succeed(service, version, Get, { UniqueIdentifier: id })).Object, template, version);
    const list = await ask(service, version, GetAttributeList, { UniqueIdentifier: id });
    t.equal(list.fields, 'UniqueIdentifier AttributeName');
    t.same(
      list.payload.AttributeReference.map(({ name }) => name),
      ['UniqueIdentifier', 'ObjectType', 'Name', 'InitialDate', 'OperationPolicyName', 'LastChangeDate'],
    );
  }
});

t.test('Register stores only attributes when the client keeps the value', async (t) => {
  for (const version of ['1.2', '1.4', '2.0', '2.1'] as const) {
    const location: Attribute = {
      name: 'KeyValueLocation',
      value: { KeyValueLocationValue: 'vault 3', KeyValueLocationType: 'UninterpretedTextString' },
    };
    const { UniqueIdentifier: id } = await succeed(
      service,
      version,
      Register,
      registration(metadataOnly, location),
    );
    t.equal(await attributeOf(service, id, 'KeyValuePresent', version), false, version);
    const read = await succeed(service, version, Get, { UniqueIdentifier: id });
    t.same(read.Object, metadataOnly, 'as TC-MDO-1 wants it');
    const other = { UniqueIdentifier: id, KeyFormatType: 'TransparentSymmetricKey' };
    const reason = eraOf(version) === '1.x' ? 'IllegalOperation' : 'KeyValueNotPresent';
    t.equal(await outcome(service, version, Get, other), reason);
    t.equal(await attributeOf(service, id, 'CryptographicLength'), 256);
  }
});

t.test(
  'Register prefers attributes of the request to those inside the Key Value, which Get omits',
  async (t) => {
    const [, raw] = others[0] as (typeof others)[0];
    const KeyBlock = {
      ...(raw.value as { KeyBlock: object }).KeyBlock,
      KeyValue: { KeyMaterial: new Uint8Array(16), Attributes: [contact('inside'), named('inside')] },
    };
    const inside = { type: 'SymmetricKey', value: { KeyBlock } } as never as ManagedObjectValue;
    const { UniqueIdentifier: id } = await succeed(
      service,
      '1.4',
      Register,
      registration(inside, contact('outside')),
    );
    t.equal(await attributeOf(service, id, 'ContactInformation'), 'outside');
    t.match(await attributeOf(service, id, 'Name'), { NameValue: 'inside' });
    const read = (await succeed(service, '1.4', Get, { UniqueIdentifier: id })).Object;
    t.match(read, { value: { KeyBlock: { KeyValue: { Attributes: [] } } } });
  },
);

const [, raw] = others[0] as (typeof others)[0];
const broken = (change: object): ManagedObjectValue =>
  ({
    type: raw.type,
    value: { KeyBlock: { ...(raw.value as { KeyBlock: object }).KeyBlock, ...change } },
  }) as never;
const certificate: ManagedObjectValue = {
  type: 'Certificate',
  value: { CertificateType: 'X_509', CertificateValue: Uint8Array.of(0x30, 0x03, 1, 2, 3) },
};

t.test('Register refuses inconsistent requests', (t) =>
  refuses(t, bare, Register, [
    [
      'another Object Type than the object',
      { ...registration(raw), ObjectType: 'SecretData' },
      'InvalidField',
    ],
    ['an Object Type nobody knows', { ...registration(raw), ObjectType: 99 }, 'InvalidField'],
    ['a length the material has not', registration(broken({ CryptographicLength: 256 })), 'InvalidField'],
    ['a negative length', registration(broken({ CryptographicLength: -128 })), 'InvalidField'],
    [
      'a length that contradicts the key',
      registration(raw, length(256)),
      'InvalidField',
      'InvalidAttributeValue',
    ],
    ['a format of other keys', registration(broken({ KeyFormatType: 'PKCS_8' })), 'InvalidField'],
    ['a certificate that is none', registration(certificate), 'InvalidField'],
    [
      'an attribute of the server',
      registration(raw, { name: 'InitialDate', value: 1 }),
      'InvalidField',
      'AttributeReadOnly',
    ],
    [
      'the same Name twice',
      registration(raw, named('n'), named('n')),
      'InvalidField',
      'NonUniqueNameAttribute',
    ],
    [
      'two values of a single one',
      registration(raw, contact('a'), contact('b')),
      'InvalidField',
      'AttributeSingleValued',
    ],
    [
      'an attribute of other objects',
      registration(raw, { name: 'CertificateType', value: 'X_509' }),
      'InvalidField',
      'InvalidAttribute',
    ],
  ]),
);

t.test('Register refuses impossible numbers of a Split Key and lengths', async (t) => {
  const [, split] = others.find(([name]) => name === 'a split key') as (typeof others)[0];
  const counted = (SplitKeyParts: number, KeyPartIdentifier: number, SplitKeyThreshold: number) => {
    const value = { ...split.value, SplitKeyParts, KeyPartIdentifier, SplitKeyThreshold };
    return registration({ type: 'SplitKey', value } as ManagedObjectValue);
  };
  const { KeyBlock } = metadataOnly.value as { KeyBlock: object };
  const negative = { type: 'SymmetricKey', value: { KeyBlock: { ...KeyBlock, CryptographicLength: -1 } } };
  await refuses(t, bare, Register, [
    ['a part that is none of them', counted(3, 4, 2), 'InvalidField'],
    ['part 0', counted(3, 0, 2), 'InvalidField'],
    ['more needed than there are', counted(3, 1, 4), 'InvalidField'],
    ['fewer than none', counted(-3, -4, -5), 'InvalidField'],
    [
      'a negative length of a key that stays away',
      registration(negative as ManagedObjectValue),
      'InvalidField',
    ],
  ]);
  t.equal(await outcome(service, '1.0', Register, counted(3, 3, 3)), 'Success');
});

t.test('a registered key has the attributes that were stated', async (t) => {
  const given: Attribute[] = [
    named('full'),
    contact('ops'),
    { name: 'ObjectGroup', value: 'g1' },
    { name: 'ObjectGroup', value: 'g2' },
    { name: 'ActivationDate', value: 1_000 },
    { name: 'UsageLimits', value: { UsageLimitsTotal: 5n, UsageLimitsCount: 1n, UsageLimitsUnit: 'Object' } },
    { vendor: 'x', name: 'Purpose', value: { type: 'TextString', value: 'demo' } },
  ];
  for (const version of testedVersions) {
    const { UniqueIdentifier: id } = await succeed(service, version, Register, registration(raw, ...given));
    const all = await attributesOf(service, id, version);
    for (const { index: _, ...attribute } of given) {
      const kept =
        attribute.name === 'UsageLimits'
          ? { name: attribute.name, value: { UsageLimitsCount: 5n } }
          : attribute;
      t.ok(
        all.some((each) => matchOnly(each, kept)),
        `${version} ${attribute.name}`,
      );
    }
    t.equal(await attributeOf(service, id, 'State', version), 'Active', 'its time has come');
  }
});

/** Whether `each` contains all fields of `kept`. */
function matchOnly(each: unknown, kept: unknown): boolean {
  if (typeof kept !== 'object' || kept === null) return each === kept;
  return Object.entries(kept).every(([key, value]) =>
    matchOnly((each as Record<string, unknown>)?.[key], value),
  );
}
