import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import {
  aes,
  algorithm,
  ask,
  attributeOf,
  attributesOf,
  contact,
  everything,
  having,
  length,
  materialOf,
  named,
  outcome,
  refuses,
  succeed,
  testedVersions,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('Create answers in every version', async (t) => {
  for (const version of testedVersions) {
    const { payload, fields } = await ask(service, version, Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes),
    });
    t.equal(fields, 'ObjectType UniqueIdentifier', version);
    t.equal(payload.ObjectType, 'SymmetricKey');
    const read = await succeed(service, version, Get, { UniqueIdentifier: payload.UniqueIdentifier });
    t.match(read.Object, {
      value: { KeyBlock: { KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 } },
    });
    t.equal(await attributeOf(service, payload.UniqueIdentifier, 'State'), 'PreActive');
  }
});

t.test('Create makes keys and secrets of the stated or default length', async (t) => {
  const cases: [given: Attribute[], bytes: number][] = [
    [[algorithm('AES'), length(128)], 16],
    [[algorithm('AES')], 32],
    [[algorithm('DES3'), length(168)], 24],
    [[algorithm('ChaCha20'), length(256)], 32],
  ];
  for (const [given, bytes] of cases) {
    const made = await succeed(service, '1.4', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...given),
    });
    const read = await succeed(service, '1.4', Get, { UniqueIdentifier: made.UniqueIdentifier });
    t.equal(materialOf(read.Object).length, bytes, JSON.stringify(given));
  }
  const secret = await succeed(service, '2.1', Create, {
    ObjectType: 'SecretData',
    Attributes: having(length(512)),
  });
  t.equal(secret.ObjectType, 'SecretData');
  t.equal(
    materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier: secret.UniqueIdentifier })).Object)
      .length,
    64,
  );
  t.equal(
    await outcome(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes),
      ProtectionStorageMasks: { ProtectionStorageMask: [2, 1] },
    }),
    'Success',
    'one alternative that fits is enough',
  );
});

t.test('Create makes different keys', async (t) => {
  const keys = await Promise.all(
    Array.from({ length: 32 }, async () => {
      const { UniqueIdentifier } = await succeed(service, '1.2', Create, {
        ObjectType: 'SymmetricKey',
        Attributes: having(...aes),
      });
      return Buffer.from(
        materialOf((await succeed(service, '1.2', Get, { UniqueIdentifier })).Object),
      ).toString('hex');
    }),
  );
  t.equal(new Set(keys).size, 32);
});

const keyOf = (...attributes: readonly Attribute[]) => ({
  ObjectType: 'SymmetricKey',
  Attributes: having(...attributes),
});

const limits = (UsageLimitsTotal: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal, UsageLimitsUnit: 'Object' },
});

t.test('Create refuses unsuitable attributes', (t) =>
  refuses(t, service, Create, [
    ['less than nothing to use', keyOf(...aes, limits(-1n)), 'InvalidField', 'InvalidAttributeValue'],
    [
      'an object type that cannot be created',
      { ObjectType: 'Certificate', Attributes: having(...aes) },
      'InvalidField',
      'InvalidObjectType',
    ],
    [
      'an object type nobody knows',
      { ObjectType: 99, Attributes: having(...aes) },
      'InvalidField',
      'InvalidObjectType',
    ],
    ['no algorithm', keyOf(length(256)), 'InvalidField'],
    [
      'a length the algorithm has not',
      keyOf(algorithm('AES'), length(100)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'a negative length',
      keyOf(algorithm('AES'), length(-256)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'an algorithm of pairs',
      keyOf(algorithm('RSA'), length(2048)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'an attribute of the server',
      keyOf(...aes, { name: 'State', value: 'Active' }),
      'InvalidField',
      'AttributeReadOnly',
    ],
    ['a second length', keyOf(...aes, length(128)), 'InvalidField', 'InvalidAttributeValue'],
    [
      'two values of a single one',
      keyOf(...aes, contact('a'), contact('b')),
      'InvalidField',
      'AttributeSingleValued',
    ],
    ['the same Name twice', keyOf(...aes, named('n'), named('n')), 'InvalidField', 'NonUniqueNameAttribute'],
    [
      'dates in the wrong order',
      keyOf(...aes, { name: 'ActivationDate', value: 2 }, { name: 'ProcessStartDate', value: 1 }),
      'InvalidField',
      'InvalidAttributeValue',
    ],
    [
      'application data left to the server',
      keyOf(...aes, { name: 'ApplicationSpecificInformation', value: { ApplicationNamespace: 'ns' } }),
      'ApplicationNamespaceNotSupported',
    ],
  ]),
);

t.test('creations refuse protection storage that is not offered, with the reason of the half', async (t) => {
  const hardware = { ProtectionStorageMask: [2] };
  const pair = { CommonAttributes: having(algorithm('ECDSA')) };
  t.equal(
    await outcome(service, '2.0', Create, { ...keyOf(...aes), ProtectionStorageMasks: hardware }),
    'ProtectionStorageUnavailable',
  );
  t.equal(
    await outcome(service, '2.0', CreateKeyPair, { ...pair, CommonProtectionStorageMasks: hardware }),
    'ProtectionStorageUnavailable',
  );
  t.equal(
    await outcome(service, '2.0', CreateKeyPair, { ...pair, PrivateProtectionStorageMasks: hardware }),
    'PrivateProtectionStorageUnavailable',
  );
  t.equal(
    await outcome(service, '2.0', CreateKeyPair, { ...pair, PublicProtectionStorageMasks: hardware }),
    'PublicProtectionStorageUnavailable',
  );
});

t.test('Create refuses QuantumSafe for a key that is too short', async (t) => {
  const weak = keyOf(algorithm('AES'), length(128), { name: 'QuantumSafe', value: true });
  t.equal(await outcome(service, '2.1', Create, weak), 'GeneralFailure');
});

t.test('explicit attributes precede Templates, and later Templates precede earlier ones', async (t) => {
  const template = (name: string, ...attributes: readonly Attribute[]) =>
    succeed(service, '1.2', Register, {
      ObjectType: 'Template',
      Attributes: having(named(name)),
      Object: { type: 'Template', value: { Attributes: attributes } },
    });
  const group = (value: string): Attribute => ({ name: 'ObjectGroup', value });
  await template('first', ...aes, contact('first'), group('one'));
  const second = await template('second', contact('second'), group('two'), length(192));
  const refer = (templates: readonly string[], ...attributes: readonly Attribute[]) => ({
    ObjectType: 'SymmetricKey',
    Attributes: { templates: templates.map((name) => named(name).value), attributes },
  });
  const cases: [templates: string[], given: Attribute[], contact: string, bits: number][] = [
    [['first'], [], 'first', 256],
    [['first', 'second'], [], 'second', 192],
    [['second', 'first'], [], 'first', 256],
    [['first', 'second'], [contact('own'), length(128)], 'own', 128],
  ];
  for (const [templates, given, expected, bits] of cases) {
    const { UniqueIdentifier: id } = await succeed(service, '1.2', Create, refer(templates, ...given));
    t.equal(await attributeOf(service, id, 'ContactInformation'), expected, templates.join());
    t.equal(await attributeOf(service, id, 'CryptographicLength'), bits);
    const groups = (await attributesOf(service, id))
      .filter(({ name }) => name === 'ObjectGroup')
      .map(({ value }) => value);
    t.same(
      groups.toSorted(),
      templates.length > 1 ? ['one', 'two'] : ['one'],
      'instances of a multi-valued one add up',
    );
  }
  t.equal(await outcome(service, '1.2', Create, refer(['none'])), 'ItemNotFound');
  t.equal(await outcome(service, '1.2', Create, refer(Array(16).fill('first'))), 'Success');
  t.equal(
    await outcome(service, '1.2', Create, refer(Array(17).fill('first'))),
    'InvalidField',
    'each one costs a search',
  );
  await succeed(service, '1.2', Archive, { UniqueIdentifier: second.UniqueIdentifier });
  t.equal(await outcome(service, '1.2', Create, refer(['second'])), 'ObjectArchived');
});

t.test('Create refuses more instances of an attribute than an object may have', async (t) => {
  const many = Array.from({ length: 1001 }, (_, n): Attribute => ({ name: 'ObjectGroup', value: `g${n}` }));
  const before = await everything(service);
  t.equal(await outcome(service, '1.4', Create, keyOf(...aes, ...many)), 'IndexOutOfBounds');
  t.equal(await outcome(service, '2.1', Create, keyOf(...aes, ...many)), 'ServerLimitExceeded');
  t.same(await everything(service), before);
});

t.test('names of JavaScript object members are ordinary attribute names', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const custom: Attribute = { vendor: 'x', name, value: { type: 'TextString', value: name } };
    const vendor: Attribute = { vendor: '__proto__', name, value: { type: 'Integer', value: -1 } };
    const { UniqueIdentifier: id } = await succeed(
      service,
      '2.1',
      Create,
      keyOf(...aes, named(name), custom, vendor),
    );
    const attributes = await attributesOf(service, id);
    t.match(
      attributes.find((each) => each.vendor === 'x'),
      custom,
      name,
    );
    t.match(
      attributes.find((each) => each.vendor === '__proto__'),
      vendor,
    );
    t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: name }), 'ObjectNotFound');
  }
});
