import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { KeyFormatType } from '../../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { eraOf } from '../../../../codec/version.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Export } from '../../../../src/operations/transfer/export.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import {
  ask,
  attributeOf,
  attributesOf,
  contact,
  having,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
  versionsOf,
} from '../ask.ts';
import { keyFamilies, others } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

async function registered(object: ManagedObjectValue, ...attributes: readonly Attribute[]): Promise<string> {
  const request = { ObjectType: object.type, Attributes: having(...attributes), Object: object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

const blockOf = (object: ManagedObjectValue) =>
  (object.value as { KeyBlock: { KeyFormatType: KeyFormatType } }).KeyBlock;
const specimen = (name: string): ManagedObjectValue =>
  (others.find(([each]) => each === name) as (typeof others)[0])[1];

t.test('Get converts every key into every other format of its kind', async (t) => {
  for (const { algorithm, type, forms } of await keyFamilies()) {
    const expressible = forms.filter((form) => KeyFormatType.isKnownIn(blockOf(form).KeyFormatType, '2.1'));
    for (const from of expressible) {
      const id = await registered(from);
      for (const to of expressible) {
        const format = blockOf(to).KeyFormatType;
        const read = await succeed(service, '2.1', Get, { UniqueIdentifier: id, KeyFormatType: format });
        t.same(read.Object, to, `${algorithm} ${type}: ${blockOf(from).KeyFormatType} as ${format}`);
      }
    }
  }
});

t.test('Get converts symmetric keys between raw and transparent formats', async (t) => {
  const id = await registered(specimen('raw AES'));
  for (const version of testedVersions) {
    const request = { UniqueIdentifier: id, KeyFormatType: 'TransparentSymmetricKey' };
    const { payload, fields } = await ask(service, version, Get, request);
    t.equal(fields, 'ObjectType UniqueIdentifier SymmetricKey', version);
    const Key = Uint8Array.from({ length: 16 }, (_, n) => n + 1);
    t.match(payload.Object, {
      value: { KeyBlock: { KeyFormatType: 'TransparentSymmetricKey', KeyValue: { KeyMaterial: { Key } } } },
    });
  }
});

t.test('Get refuses impossible formats and compressions', async (t) => {
  const raw = await registered(specimen('raw AES'));
  const opaque = await registered(specimen('an opaque object'));
  const wrapped = await registered(specimen('a wrapped key'));
  const at = (UniqueIdentifier: string, rest: object = {}) => ({ UniqueIdentifier, ...rest });
  const wrapping = { WrappingMethod: 'Encrypt', AttributeName: [] };
  await refuses(t, service, Get, [
    ['a format the key has not', at(raw, { KeyFormatType: 'PKCS_8' }), 'KeyFormatTypeNotSupported'],
    ['a format of an object without one', at(opaque, { KeyFormatType: 'Raw' }), 'KeyFormatTypeNotSupported'],
    [
      'another format of a wrapped key',
      at(wrapped, { KeyFormatType: 'TransparentSymmetricKey' }),
      'KeyFormatTypeNotSupported',
    ],
    [
      'compression of a symmetric key',
      at(raw, { KeyCompressionType: 'ECPublicKeyTypeX9_62CompressedPrime' }),
      'KeyCompressionTypeNotSupported',
    ],
    ['wrapping without a key', at(raw, { KeyWrappingSpecification: wrapping }), 'InvalidField'],
  ]);
  for (const version of ['1.4', '2.0', '2.1'] as const) {
    const actual = await outcome(service, version, Get, at(wrapped, { KeyWrapType: 'NotWrapped' }));
    t.equal(actual, eraOf(version) === '1.x' ? 'FeatureNotSupported' : 'KeyWrapTypeNotSupported', version);
    t.equal(await outcome(service, version, Get, at(wrapped, { KeyWrapType: 'AsRegistered' })), 'Success');
  }
});

t.test('Get and Export refuse sensitive and not extractable objects in every version', async (t) => {
  const sensitive = await storedKey(service, { name: 'Sensitive', value: true });
  const notExtractable = await storedKey(service, { name: 'Extractable', value: false });
  for (const operation of [Get, Export]) {
    for (const version of versionsOf(operation)) {
      const old = version === '1.0' || version === '1.2';
      for (const [id, reason] of [
        [sensitive, 'Sensitive'],
        [notExtractable, 'NotExtractable'],
      ] as const) {
        const request = { UniqueIdentifier: id, KeyFormatType: 'TransparentSymmetricKey' };
        const answer = await ask(service, version, operation, request);
        t.equal(answer.reason, old ? 'PermissionDenied' : reason, `${operation.name} ${version}`);
        t.equal(answer.payload, undefined);
      }
    }
  }
});

t.test('the first Get sets Fresh to False and Export does not', async (t) => {
  const id = await storedKey(service);
  await succeed(service, '1.4', Export, { UniqueIdentifier: id });
  t.equal(await attributeOf(service, id, 'Fresh'), true);
  await succeed(service, '1.4', Get, { UniqueIdentifier: id });
  t.equal(await attributeOf(service, id, 'Fresh'), false);
});

t.test('Import stores in one group an object exported from another', async (t) => {
  const id = await registered(specimen('raw AES'), named('traveller'), contact('me'), {
    name: 'ActivationDate',
    value: 1000,
  });
  for (const version of versionsOf(Export)) {
    const { payload, fields } = await ask(service, version, Export, { UniqueIdentifier: id });
    t.equal(
      fields,
      `ObjectType UniqueIdentifier ${version === '1.4' ? 'Attribute' : 'Attributes'} SymmetricKey`,
      version,
    );
    const elsewhere = `import-${version}`;
    const imported = await ask(service, version, Import, {
      UniqueIdentifier: elsewhere,
      Attributes: payload.Attributes,
      Object: payload.Object,
    });
    t.equal(`${imported.fields} ${imported.id}`, `UniqueIdentifier ${elsewhere}`);
    const without = (list: readonly Attribute[]) =>
      list.filter(
        ({ name }) => !['UniqueIdentifier', 'ShortUniqueIdentifier', 'LastChangeDate'].includes(name),
      );
    t.same(
      new Set(without(await attributesOf(service, elsewhere, version))),
      new Set(without(payload.Attributes)),
      'with every attribute it had',
    );
    t.same((await succeed(service, version, Get, { UniqueIdentifier: elsewhere })).Object, payload.Object);
  }
});

t.test('Export returns the attributes of a destroyed object', async (t) => {
  const id = await storedKey(service);
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
  for (const version of versionsOf(Export)) {
    const { payload, fields } = await ask(service, version, Export, { UniqueIdentifier: id });
    t.notMatch(fields, /SymmetricKey/, version);
    t.ok(payload.Attributes.some(({ name, value }) => name === 'State' && value === 'Destroyed'));
  }
});

t.test('Import replaces an object only with Replace Existing', async (t) => {
  const Object = specimen('raw AES');
  const request = { UniqueIdentifier: 'mine', Attributes: [named('first')], Object };
  await succeed(service, '1.4', Import, request);
  t.equal(
    await outcome(service, '1.4', Import, {
      ...request,
      ReplaceExisting: true,
      Attributes: [named('second')],
    }),
    'Success',
  );
  t.match(await attributeOf(service, 'mine', 'Name'), { NameValue: 'second' });
  const opaque = specimen('an opaque object');
  await refuses(t, service, Import, [
    ['an identifier that is taken', request, 'ObjectAlreadyExists'],
    ['another type in its place', { ...request, ReplaceExisting: true, Object: opaque }, 'InvalidField'],
    ['no identifier', { ...request, UniqueIdentifier: '' }, 'InvalidField'],
    ['a long identifier', { ...request, UniqueIdentifier: 'i'.repeat(128) }, 'InvalidField'],
    [
      'the same Name twice',
      {
        ...request,
        UniqueIdentifier: 'new',
        Attributes: [named('n'), { ...named('n'), value: { NameValue: 'n', NameType: 'URI' } } as Attribute],
      },
      'InvalidField',
      'NonUniqueNameAttribute',
    ],
  ]);
  const typed = { ...request, UniqueIdentifier: 'typed', ObjectType: 'SecretData' };
  t.equal(await outcome(service, '2.1', Import, typed), 'InvalidField');
});

t.test('Get refuses a value that the version cannot express, and returns another format', async (t) => {
  const pgp = await registered(specimen('a PGP key'));
  const ec = (await keyFamilies()).find(({ forms }) =>
    forms.some((form) => blockOf(form).KeyFormatType === 'TransparentECPrivateKey'),
  );
  const transparent = ec?.forms.find((form) => blockOf(form).KeyFormatType === 'TransparentECPrivateKey');
  const key = await registered(transparent as ManagedObjectValue);
  for (const [version, id, format, actual] of [
    ['1.1', pgp, undefined, 'IllegalOperation'],
    ['1.2', pgp, undefined, 'Success'],
    ['1.2', key, undefined, 'KeyFormatTypeNotSupported'],
    ['1.2', key, 'ECPrivateKey', 'Success'],
    ['1.3', key, undefined, 'Success'],
  ] as const) {
    const request = { UniqueIdentifier: id, KeyFormatType: format };
    t.equal(await outcome(service, version, Get, request), actual, `${version} ${format ?? 'as it is'}`);
  }
  t.equal(await outcome(service, '1.4', Export, { UniqueIdentifier: key }), 'Success');
});
