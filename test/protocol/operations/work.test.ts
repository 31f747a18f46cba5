import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { AdjustAttribute } from '../../../src/operations/attributes/adjust-attribute.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { children, find } from '../../client.ts';
import { TestService } from '../service.ts';
import {
  aes,
  ask,
  attributeOf,
  contact,
  everything,
  having,
  named,
  outcome,
  payloadOf,
  storedKey,
  succeed,
} from './ask.ts';

/** Tests of the cost of single requests, and of their view of other groups' objects. */

const service = await TestService.open();
t.teardown(() => service.close());

t.test('Import refuses an identifier of another group and reveals nothing else', async (t) => {
  const id = await storedKey(service);
  const before = await everything(service);
  const Object = {
    type: 'OpaqueObject',
    value: { OpaqueDataType: 0x80000001, OpaqueDataValue: Uint8Array.of(1) },
  };
  for (const ReplaceExisting of [undefined, true]) {
    const request = { UniqueIdentifier: id, ReplaceExisting, Attributes: [], Object };
    t.equal((await ask(service, '1.4', Import, request, 'other')).reason, 'ObjectAlreadyExists');
    t.equal((await ask(service, '2.1', Import, request, 'other')).reason, 'ObjectAlreadyExists');
  }
  t.same(await everything(service), before);
  t.same(service.unexpected, []);
});

t.test(
  'Adjust Attribute adjusts a Big Integer of 900,000 bytes without delay',
  { timeout: 20_000 },
  async (t) => {
    const id = await storedKey(service);
    const value = new Uint8Array(900_000).fill(0x70);
    const reference = { vendor: 'x', name: 'Big' };
    await succeed(service, '2.1', SetAttribute, {
      UniqueIdentifier: id,
      NewAttribute: { ...reference, value: { type: 'BigInteger', value } },
    });
    const adjust = { UniqueIdentifier: id, AttributeReference: reference, AdjustmentType: 'Increment' };
    await succeed(service, '2.1', AdjustAttribute, adjust);
    const after = (await attributeOf(service, id, 'Big')) as { value: Uint8Array };
    t.equal(after.value.length, value.length);
    t.equal(after.value.at(-1), 0x71);
  },
);

t.test('Locate refuses negative pages and answers empty and oversized ones', async (t) => {
  await storedKey(service);
  const page = (MaximumItems: number | undefined, OffsetItems: number) => ({
    MaximumItems,
    OffsetItems,
    Attributes: [],
  });
  t.equal(await outcome(service, '2.1', Locate, page(-1, 0)), 'InvalidField');
  t.equal(await outcome(service, '2.1', Locate, page(1, -1)), 'InvalidField');
  const all = await succeed(service, '2.1', Locate, page(undefined, 0));
  for (const [maximum, offset, found] of [
    [0, 0, 0],
    [2 ** 31 - 1, 0, all.UniqueIdentifier.length],
    [2 ** 31 - 1, 2 ** 31 - 1, 0],
  ] as const) {
    const answer = await succeed(service, '2.1', Locate, page(maximum, offset));
    t.equal(answer.UniqueIdentifier.length, found);
    t.equal(answer.LocatedItems, all.UniqueIdentifier.length);
  }
  const condition: Attribute = { name: 'ObjectGroup', value: 'g' };
  t.equal(await outcome(service, '2.1', Locate, { Attributes: Array(128).fill(condition) }), 'Success');
  t.equal(await outcome(service, '2.1', Locate, { Attributes: Array(129).fill(condition) }), 'InvalidField');
});

t.test('concurrent clients of two groups are all answered', async (t) => {
  const id = await storedKey(service);
  const custom = (n: number): Attribute => ({ vendor: 'x', name: 'n', value: { type: 'Integer', value: n } });
  const set = (group: string, id: string, n: number) =>
    ask(service, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute: custom(n) }, group);
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes) };
  const foreign = (await ask(service, '2.1', Create, request, 'other')).payload.UniqueIdentifier;
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, n) => [set('g', id, n), set('other', foreign, n)]).flat(),
  );
  t.ok(answers.every(({ status }) => status === 'Success'));
});

t.test('an object refuses more attributes than it may have, whichever operation adds them', async (t) => {
  const thousand = (one: (n: number) => Attribute) => Array.from({ length: 1000 }, (_, n) => one(n));
  const group = (n: number): Attribute => ({ name: 'ObjectGroup', value: `g${n}` });
  const full = [
    ...thousand((n) => named(`n${n}`)),
    ...thousand(group),
    ...thousand((n) => ({
      name: 'ApplicationSpecificInformation',
      value: { ApplicationNamespace: 'ns', ApplicationData: `d${n}` },
    })),
    ...thousand((n) => ({
      name: 'AlternativeName',
      value: { AlternativeNameValue: `a${n}`, AlternativeNameType: 'URI' },
    })),
  ];
  const before = await everything(service);
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, ...full) };
  t.equal(await outcome(service, '2.1', Create, request), 'ServerLimitExceeded');
  t.equal(await outcome(service, '1.4', Create, request), 'IndexOutOfBounds');
  const Object = {
    type: 'OpaqueObject',
    value: { OpaqueDataType: 0x80000001, OpaqueDataValue: Uint8Array.of(1) },
  };
  const imported = { UniqueIdentifier: 'full', Attributes: [...thousand(group), group(1000)], Object };
  t.equal(await outcome(service, '2.1', Import, imported), 'ServerLimitExceeded');
  t.same(await everything(service), before);

  const id = await storedKey(service, ...full.slice(aes.length));
  for (const operation of [AddAttribute, SetAttribute]) {
    const more = { UniqueIdentifier: id, NewAttribute: contact('one more') };
    t.equal(await outcome(service, '2.1', operation, more), 'ServerLimitExceeded', operation.name);
  }
  const again = { UniqueIdentifier: id, NewAttribute: { name: 'Sensitive', value: true } };
  t.equal(await outcome(service, '2.1', SetAttribute, again), 'Success', 'what is there can be changed');
});

t.test('Get Attributes returns hundreds of attributes by name', async (t) => {
  const attributes = Array.from(
    { length: 500 },
    (_, n): Attribute => ({
      vendor: 'Acme',
      name: `attribute-${n}`,
      value: { type: 'Integer', value: n },
    }),
  );
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, ...attributes) };
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, request);
  const AttributeReference = attributes.map(({ vendor, name }) => ({ vendor, name }));
  const items = [
    {
      operation: 'GetAttributes',
      payload: payloadOf('2.1', GetAttributes, { UniqueIdentifier, AttributeReference }),
    },
  ];
  const [answer] = await service.batch('2.1', items);
  t.equal(answer?.status, 'Success');
  t.equal(children(find(answer?.payload as Node, 'Attributes'), 'Attribute').length, 500);
});
