import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { GetAttributes } from '../../src/operations/attributes/get-attributes.ts';
import { operations } from '../../src/operations/index.ts';
import { Locate } from '../../src/operations/locate.ts';
import { Export } from '../../src/operations/transfer/export.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { integer, structure } from '../client.ts';
import { ask, everything as everyObject, having, named, outcome, succeed } from './operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  register,
  secret,
  symmetric,
  wrappingKey,
} from './operations/transfer/wrapping-keys.ts';
import { underRole } from './restricted.ts';
import { outline, TestService, uid } from './service.ts';
import { allUses, waysToMake } from './ways-to-make.ts';

/** What the types and algorithms of a role reach: no way leads to other objects, none makes one. */

const service = await TestService.open();
t.teardown(() => service.close());

const free = () => {
  service.sender = {};
};
const as = (table: Parameters<typeof underRole>[0]) => {
  service.sender = underRole(table);
};
const key = (bytes: number, ...attributes: Attribute[]) =>
  register(service, symmetric(counted(bytes)), active, allUses, ...attributes);

const types = [
  ...['SymmetricKey', 'PrivateKey', 'PublicKey', 'SplitKey', 'SecretData', 'OpaqueObject', 'Certificate'],
];
const algorithms = ['AES', 'EC', 'ECDSA', 'ML_KEM_512', 'none'];
const without = (list: readonly string[], entry: string) => list.filter((each) => each !== entry);

t.test('what a role does not reach is made by no operation', async (t) => {
  for (const { what, operation, request, makes, algorithm, names = {} } of waysToMake) {
    const attempt = async (table: Parameters<typeof underRole>[0], expected: string) => {
      free();
      const given = await request(service);
      const before = await everyObject(service);
      as(table);
      t.equal(await outcome(service, '2.1', operation, given), expected, `${what}: ${JSON.stringify(table)}`);
      free();
      if (expected !== 'Success') t.same(await everyObject(service), before, `${what}: nothing has changed`);
    };
    const { reason = 'ObjectNotFound' } = names;
    const refusal = (isNamed = false) => (isNamed ? reason : 'PermissionDenied');
    await attempt({ objectTypes: types }, 'Success');
    await attempt({ objectTypes: without(types, makes) }, refusal(names.type));
    await attempt({ algorithms }, 'Success');
    await attempt({ algorithms: without(algorithms, algorithm) }, refusal(names.algorithm));
    // The public half is not reached.
    if (makes === 'PrivateKey') await attempt({ objectTypes: ['PrivateKey'] }, refusal(names.type));
  }
  const tried = new Set<string>(waysToMake.map(({ operation }) => operation.name));
  const untried = [...operations.values()].filter(
    ({ name, target }) => target.kind === 'creation' && !tried.has(name),
  );
  t.same(
    untried.map(({ name }) => name),
    ['ReProvision'],
    'every operation that makes objects; re-provision.test.ts has the last one',
  );
});

t.test('lengths of algorithms bound what is made and found', async (t) => {
  free();
  const [short, long] = [await key(16), await key(32)];
  const text = await register(service, secret(counted(8)));
  for (const [algorithms, reached] of [
    [['AES'], [short, long]],
    [['AES=256'], [long]],
    [['AES>=192'], [long]],
    [['AES=192'], []],
    [
      ['AES=128', 'none'],
      [short, text],
    ],
    [['none'], [text]],
    [['HMAC_SHA256'], []],
  ] as const) {
    as({ algorithms });
    for (const id of [short, long, text]) {
      const expected = (reached as readonly string[]).includes(id) ? 'Success' : 'ObjectNotFound';
      for (const operation of [Get, Export, GetAttributes])
        t.equal(
          await outcome(service, '2.1', operation, { UniqueIdentifier: id }),
          expected,
          `${algorithms}`,
        );
    }
    for (const [bytes, id] of [
      [16, short],
      [32, long],
    ] as const) {
      const Object = symmetric(counted(bytes));
      const request = { ObjectType: 'SymmetricKey', Attributes: having(allUses), Object };
      const expected = (reached as readonly string[]).includes(id) ? 'Success' : 'PermissionDenied';
      t.equal(await outcome(service, '2.1', Register, request), expected, `${algorithms}: ${bytes} bytes`);
    }
  }
});

t.test('Locate finds and counts what the role reaches, in a batch too', async (t) => {
  free();
  const name = named('counted');
  const own = [await key(32, name), await key(32, name)];
  await key(16, name);
  await register(service, secret(counted(8)), name);
  const find = async () => {
    const { LocatedItems, UniqueIdentifier } = await succeed(service, '2.1', Locate, { Attributes: [name] });
    return [LocatedItems, UniqueIdentifier.toSorted()];
  };
  t.match(await find(), [4]);
  as({ algorithms: ['AES=256'] });
  t.same(await find(), [2, own.toSorted()]);
  as({ objectTypes: ['SecretData'] });
  t.match(await find(), [1]);
  const create = { operation: 'Register', payload: [] };
  t.equal(outline(await service.batch('2.1', [create])), 'Register:InvalidMessage', 'a batch is answered');
  as({ objectTypes: ['OpaqueObject'] });
  t.match(await find(), [0, []]);
  const again = [
    { operation: 'Locate', payload: [structure('Attributes', integer('CryptographicLength', 256))] },
    { operation: 'Get', payload: [] },
  ];
  t.equal(
    outline(await service.batch('2.1', again)),
    'Locate:Success Get:ItemNotFound'.replace('Item', 'Object'),
  );
});

t.test('Import replaces no object that the role does not reach, nor one by such a value', async (t) => {
  free();
  const [short, long] = [await key(16), await key(32)];
  for (const id of [short, long]) await service.call('2.1', 'Revoke', [uid(id), revocation]);
  const replace = (UniqueIdentifier: string, bytes: number) => {
    const Object = symmetric(counted(bytes).fill(7));
    return ask(service, '2.1', Import, {
      UniqueIdentifier,
      ReplaceExisting: true,
      Attributes: [allUses],
      Object,
    });
  };
  const state = () => everyObject(service);
  const before = await state();
  as({ algorithms: ['AES=256'] });
  const hidden = await replace(short, 32);
  service.sender = { ...service.sender, group: 'other' };
  const foreign = await replace(short, 32);
  t.same([hidden.reason, hidden.message], [foreign.reason, foreign.message], 'as that of another group');
  as({ algorithms: ['AES=256'] });
  t.match(await replace(long, 16), {
    reason: 'PermissionDenied',
    message: /does not include AES of 128 bits/,
  });
  free();
  t.same(await state(), before, 'nothing has changed');
  as({ algorithms: ['AES=256'] });
  t.match(await replace(long, 32), { status: 'Success' });
});

const revocation = structure('RevocationReason', {
  ...integer('RevocationReasonCode', 1),
  type: 'Enumeration',
} as never);

t.test('keys that wrap, unwrap and are linked have to be reached', async (t) => {
  free();
  const [near, far] = [await wrappingKey(service, counted(32)), await wrappingKey(service, counted(16))];
  const id = await key(32);
  const wrapped = await blockOf(service, id, encryptWith(far));
  as({ algorithms: ['AES=256'] });
  t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(near) }), 'Success');
  const hidden = await ask(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(far) });
  const missing = await ask(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith('nothing') });
  t.equal(hidden.reason, 'WrappingObjectNotFound');
  t.same([hidden.reason, hidden.message], [missing.reason, missing.message]);
  const Object: ManagedObjectValue = { type: 'SymmetricKey', value: { KeyBlock: wrapped } };
  const imported = {
    UniqueIdentifier: 'unwrapped',
    KeyWrapType: 'NotWrapped',
    Attributes: [allUses],
    Object,
  };
  t.equal(await outcome(service, '2.1', Import, imported), 'WrappingObjectNotFound');
  const link = { LinkType: 'ParentLink', LinkedObjectIdentifier: far } as const;
  const NewAttribute: Attribute = { name: 'Link', value: link };
  t.equal(
    await outcome(service, '2.1', AddAttribute, { UniqueIdentifier: far, NewAttribute }),
    'ObjectNotFound',
  );
});

t.test('a change of the role is effective at the next item', async (t) => {
  free();
  const id = await key(16);
  let table: Parameters<typeof underRole>[0] = {};
  service.sender = { ...underRole({}), restrictions: () => underRole(table).restrictions?.() };
  t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: id }), 'Success');
  table = { objectTypes: ['SecretData'] };
  t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: id }), 'ObjectNotFound');
  t.equal((await ask(service, '1.0', Get, { UniqueIdentifier: id })).reason, 'ItemNotFound');
});
