import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { Node } from '../../../../codec/wire/node.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { ReKey } from '../../../../src/operations/creation/re-key.ts';
import { GetConstraints } from '../../../../src/operations/group-policy/get-constraints.ts';
import { SetConstraints } from '../../../../src/operations/group-policy/set-constraints.ts';
import { SetDefaults } from '../../../../src/operations/group-policy/set-defaults.ts';
import { announcedDefaults } from '../../../../src/operations/server/announced-defaults.ts';
import { Query } from '../../../../src/operations/server/query.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { VaultUnavailableError } from '../../../../src/vault/vault.ts';
import { enumerated, structure } from '../../../client.ts';
import { TestService } from '../../service.ts';
import {
  aes,
  algorithm,
  ask,
  attributeOf,
  contact,
  everything,
  having,
  length,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const group = (value: string): Attribute => ({ name: 'ObjectGroup', value });
const mask = (value: number): Attribute => ({ name: 'CryptographicUsageMask', value });
const types = (...ObjectType: string[]) => ({ ObjectTypes: { ObjectType } });
const groups = (...ObjectGroup: string[]) => ({ ObjectGroups: { ObjectGroup } });
const constrain = (...Constraint: object[]) =>
  succeed(service, '2.1', SetConstraints, { Constraints: { Constraint } });
const preset = (...ObjectDefaults: object[]) =>
  succeed(service, '2.1', SetDefaults, { DefaultsInformation: { ObjectDefaults } });
const key = (...attributes: Attribute[]) => ({
  ObjectType: 'SymmetricKey',
  Attributes: having(...attributes),
});
const symmetric = (bits: number) => [algorithm('AES'), length(bits), mask(12)];
const secretOf = (bytes: number) => ({
  type: 'SymmetricKey',
  value: {
    KeyBlock: {
      KeyFormatType: 'Raw',
      KeyValue: { KeyMaterial: new Uint8Array(bytes), Attributes: [] },
      CryptographicAlgorithm: 'AES',
      CryptographicLength: bytes * 8,
    },
  },
});

t.test('Set Constraints stores constraints unchanged and removes them when none are given', async (t) => {
  t.same((await ask(service, '2.1', GetConstraints, {})).fields, 'Constraints', 'there even when empty');
  const given = [
    { ...types('SymmetricKey'), ...groups('g1', 'g2'), Attributes: symmetric(256) },
    { Attributes: [{ vendor: 'x', name: 'Cost', value: { type: 'Integer', value: 5 } }] },
  ];
  await constrain(...given);
  t.match((await succeed(service, '2.1', GetConstraints, {})).Constraints.Constraint, given);
  t.same((await ask(service, '2.1', GetConstraints, {}, 'other')).payload.Constraints.Constraint, []);
  await succeed(service, '2.1', SetConstraints, {});
  t.same((await succeed(service, '2.1', GetConstraints, {})).Constraints.Constraint, []);
});

t.test(
  'constraints of one type are alternatives, and those of an Object Group precede general ones',
  async (t) => {
    await constrain(
      { ...types('SymmetricKey'), ...groups('strong'), Attributes: [algorithm('AES'), length(256)] },
      { ...types('SymmetricKey'), Attributes: [algorithm('AES'), length(192), length(128)] },
      { ...types('SymmetricKey'), Attributes: [algorithm('DES3'), length(192)] },
    );
    const cases: [expected: string, attributes: Attribute[]][] = [
      ['Success', symmetric(128)],
      ['Success', symmetric(192)],
      ['Success', [algorithm('DES3'), length(168)]],
      ['ConstraintViolation', symmetric(256)],
      ['Success', [...symmetric(256), group('strong')]],
      ['Success', [...symmetric(256), group('any'), group('strong')]],
      ['ConstraintViolation', [...symmetric(128), group('strong')]],
      ['ConstraintViolation', [algorithm('ChaCha20'), length(256)]],
    ];
    for (const [expected, attributes] of cases)
      t.equal(
        await outcome(service, '2.1', Create, key(...attributes)),
        expected,
        JSON.stringify(attributes),
      );
    for (const version of ['1.0', '1.4', '2.0'] as const)
      t.equal(await outcome(service, version, Create, key(...aes)), 'PermissionDenied', version);
    await constrain({ Attributes: [algorithm('AES')] });
    const value = { Attributes: [algorithm('DES3')] };
    const template = {
      ObjectType: 'Template',
      Attributes: having(named('constrained')),
      Object: { type: 'Template', value },
    };
    t.equal(await outcome(service, '1.3', Register, template), 'Success', 'a Template');
    const made = {
      ObjectType: 'SymmetricKey',
      Attributes: {
        attributes: [length(168), mask(12)],
        templates: [{ NameValue: 'constrained', NameType: 'UninterpretedTextString' }],
      },
    };
    t.equal(await outcome(service, '1.3', Create, made), 'PermissionDenied', 'what is made with it');
    await constrain({ ...types('SymmetricKey'), Attributes: [algorithm('AES')] });
    const secret = { ObjectType: 'SecretData', Attributes: having() };
    t.equal(await outcome(service, '2.1', Create, secret), 'Success', 'another type');
  },
);

t.test(
  'constraints apply to every operation that makes objects, and a refused one leaves none',
  async (t) => {
    const id = await storedKey(service, length(128)).catch(() => undefined);
    t.equal(id, undefined);
    await succeed(service, '2.1', SetConstraints, {});
    const old = await storedKey(service);
    await constrain({ ...types('SymmetricKey', 'PublicKey'), Attributes: [length(128)] });
    const before = await everything(service);
    t.equal(await outcome(service, '2.1', ReKey, { UniqueIdentifier: old }), 'ConstraintViolation');
    const pair = { CommonAttributes: having(algorithm('ECDSA'), length(256)) };
    t.equal(await outcome(service, '2.1', CreateKeyPair, pair), 'ConstraintViolation');
    const register = (bytes: number) => ({
      ObjectType: 'SymmetricKey',
      Attributes: having(mask(12)),
      Object: secretOf(bytes),
    });
    t.equal(await outcome(service, '2.1', Register, register(32)), 'ConstraintViolation');
    const bring = (bytes: number) => ({
      UniqueIdentifier: `brought-${bytes}`,
      ObjectType: 'SymmetricKey',
      Attributes: [mask(12)],
      Object: secretOf(bytes),
    });
    t.equal(await outcome(service, '2.1', Import, bring(32)), 'ConstraintViolation');
    t.same(await everything(service), before);
    t.equal(await outcome(service, '2.1', Register, register(16)), 'Success');
    t.equal(await outcome(service, '2.1', Import, bring(16)), 'Success');
    await succeed(service, '2.1', SetConstraints, {});
  },
);

t.test('Set Constraints and Set Defaults refuse entries without meaning', async (t) => {
  const fill = (count: number) => Array.from({ length: count }, () => ({ Attributes: [] }));
  const one = (...items: Node[]) => [structure('Constraints', structure('Constraint', ...items))];
  await refuses(t, service, SetConstraints, [
    ['a type that is none', one(structure('ObjectTypes', enumerated('ObjectType', 77))), 'InvalidObjectType'],
    [
      'a value that is none',
      one(structure('Attributes', enumerated('CryptographicAlgorithm', 77_000))),
      'InvalidAttributeValue',
    ],
    ['too many', { Constraints: { Constraint: fill(257) } }, 'ServerLimitExceeded'],
  ]);
  const defaults = (entry: object) => ({ DefaultsInformation: { ObjectDefaults: [entry] } });
  await refuses(t, service, SetDefaults, [
    ['no type', defaults({ Attributes: [] }), 'InvalidMessage'],
    [
      'an attribute the server gives',
      defaults({ ...types('SymmetricKey'), Attributes: [{ name: 'InitialDate', value: 1 }] }),
      'AttributeReadOnly',
    ],
    [
      'an attribute of other types',
      defaults({
        ...types('SymmetricKey', 'OpaqueObject'),
        Attributes: [{ name: 'CertificateType', value: 'X_509' }],
      }),
      'InvalidAttribute',
    ],
  ]);
});

t.test(
  'defaults fill attributes that the client leaves open, those of its Object Groups first',
  async (t) => {
    await preset(
      {
        ...types('SymmetricKey', 'SecretData'),
        Attributes: [contact('all'), { name: 'LeaseTime', value: 60 }],
      },
      { ...types('SymmetricKey'), Attributes: [algorithm('AES'), length(128), mask(4)] },
      { ...types('SymmetricKey'), ...groups('special'), Attributes: [length(192), contact('special')] },
      { ...types('PrivateKey'), Attributes: [algorithm('ECDSA'), length(256), mask(1)] },
      { ...types('PublicKey'), Attributes: [algorithm('ECDSA'), length(256), mask(2)] },
    );
    const cases: [requested: Attribute[], expected: Record<string, unknown>][] = [
      [[], { CryptographicLength: 128, CryptographicUsageMask: 4, ContactInformation: 'all', LeaseTime: 60 }],
      [[length(256), contact('mine')], { CryptographicLength: 256, ContactInformation: 'mine' }],
      [[group('special')], { CryptographicLength: 192, ContactInformation: 'special', LeaseTime: 60 }],
      [[group('others')], { CryptographicLength: 128, ContactInformation: 'all' }],
    ];
    for (const [requested, expected] of cases) {
      for (const version of ['1.4', '2.1'] as const) {
        const { UniqueIdentifier: id } = await succeed(service, version, Create, key(...requested));
        for (const [name, value] of Object.entries(expected))
          t.equal(await attributeOf(service, id, name as Attribute['name']), value, `${version} ${name}`);
      }
    }
    const pair = await succeed(service, '2.1', CreateKeyPair, {});
    t.equal(await attributeOf(service, pair.PrivateKeyUniqueIdentifier, 'CryptographicUsageMask'), 1);
    t.equal(await attributeOf(service, pair.PublicKeyUniqueIdentifier, 'CryptographicUsageMask'), 2);
    const { UniqueIdentifier: registered } = await succeed(service, '2.1', Register, {
      ObjectType: 'SymmetricKey',
      Attributes: having(),
      Object: secretOf(32),
    });
    t.equal(await attributeOf(service, registered, 'CryptographicLength'), 256, 'the key itself says more');
    t.equal(await attributeOf(service, registered, 'CryptographicUsageMask'), 4);
    const { UniqueIdentifier: replacement } = await succeed(service, '2.1', ReKey, {
      UniqueIdentifier: registered,
      Attributes: having(contact('again')),
    });
    t.equal(await attributeOf(service, replacement, 'CryptographicLength'), 256);
  },
);

t.test('Query lists the defaults, and Set Defaults removes them when none are given', async (t) => {
  const lengthOf = (entries: readonly { ObjectTypes?: unknown; Attributes: readonly Attribute[] }[]) =>
    entries.flatMap(({ Attributes }) =>
      Attributes.filter(({ name }) => name === 'CryptographicLength').map(({ value }) => value),
    );
  const queryDefaults = async (version: '2.0' | '2.1', request = {}) => {
    const asked = { QueryFunction: ['QueryDefaultsInformation'], ...request };
    return (await succeed(service, version, Query, asked)).DefaultsInformation?.ObjectDefaults ?? [];
  };
  t.same(lengthOf(await queryDefaults('2.1')), [128, 256, 256, 192]);
  t.same(lengthOf(await queryDefaults('2.0')), [128, 256, 256], 'groups have defaults since 2.1');
  t.same(lengthOf(await queryDefaults('2.1', groups('special'))), [192, 256, 256]);
  const id = await storedKey(service, group('plain'));
  t.ok(id);
  const many = { QueryFunction: ['QueryDefaultsInformation'], ...groups(...Array(65).fill('plain')) };
  t.equal(await outcome(service, '2.1', Query, many), 'ServerLimitExceeded');
  t.same(lengthOf(await queryDefaults('2.1', groups('plain'))), [128, 256, 256]);
  await succeed(service, '2.1', SetDefaults, {});
  t.same(lengthOf(await queryDefaults('2.1')), []);
  t.equal((await queryDefaults('2.1')).length, 4, "the server's own are left");
  t.equal(await outcome(service, '2.1', Create, key()), 'InvalidField');
});

t.test('Query lists the defaults of the server while the vault is sealed', async (t) => {
  const load = () => Promise.reject(new VaultUnavailableError('the root key is away'));
  const sealed = { work: { records: { load } }, principal: { group: 'g' }, version: '2.1' } as never;
  const { ObjectDefaults } = await announcedDefaults([], sealed);
  t.equal(ObjectDefaults.length, 4);
  const broken = () => Promise.reject(new Error('a bug'));
  const bug = { work: { records: { load: broken } }, principal: { group: 'g' }, version: '2.1' } as never;
  await t.rejects(announcedDefaults([], bug), /a bug/);
});
