import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import type { DelegatedRight } from '../../../src/identity/principal.ts';
import { hideGuessable } from '../../../src/object/shown-attributes.ts';
import { GetAttributeList } from '../../../src/operations/attributes/get-attribute-list.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { succeed } from '../operations/ask.ts';
import { counted, register, secret, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { sensitive } from './history.ts';

/** A Digest confirms a guess at a password, so that only those see it who may fetch the password. */

const modes = ['strict', 'kmip'] as const;
const services = await Promise.all(modes.map((protection) => TestService.open({ protection })));
t.teardown(() => Promise.all(services.map((service) => service.close())));

const opaque = { OpaqueDataType: 0x80000001, OpaqueDataValue: counted(9) };
const objects: readonly (readonly [ManagedObjectValue, isGuessable: boolean])[] = [
  [secret(counted(20)), true],
  [{ type: 'OpaqueObject', value: opaque }, true],
  [symmetric(counted(32)), false],
];

const readingOperations = ['GetAttributes', 'GetAttributeList', 'Locate'];
const readings = { operations: readingOperations };
const group: Attribute = { name: 'ObjectGroup', value: 'passwords' };

/** Roles and Rights, and whether they allow to fetch the object of that identifier, which is in the group. */
const accesses: readonly [
  what: string,
  mayGet: boolean,
  rights: ((id: string) => readonly DelegatedRight[]) | undefined,
  isFetchable: boolean,
][] = [
  ['a role with Get', true, undefined, true],
  ['a role without Get', false, undefined, false],
  ['every Right, the role with Get', true, () => [{}], true],
  ['every Right, the role without Get', false, () => [{}], false],
  ['Rights without Get', true, () => [readings], false],
  ['a Right to Get', true, () => [readings, { operations: ['Get'] }], true],
  ['a Right to Get it', true, (id) => [readings, { operations: ['Get'], objects: [id] }], true],
  ['a Right to Get others', true, () => [readings, { operations: ['Get'], objects: ['other'] }], false],
  ['a Right to Get its group', true, () => [readings, { operations: ['Get'], groups: ['passwords'] }], true],
  ['a Right to Get a group', true, () => [readings, { operations: ['Get'], groups: ['other'] }], false],
];

for (const [at, service] of services.entries())
  for (const [object, isGuessable] of objects)
    for (const attributes of [[group], [group, sensitive]])
      t.test(`${modes[at]}: Digest of ${object.type}, ${attributes.length} attributes`, async (t) => {
        service.sender = {};
        const id = await register(service, object, ...attributes);
        const { DigestValue } = nodeCrypto.digestObject(object) ?? {};
        const condition: Attribute = { name: 'Digest', value: { DigestValue } as never };
        const isProtected = modes[at] === 'strict' && attributes.includes(sensitive);
        for (const [what, mayGet, rights, isFetchable] of accesses) {
          service.sender = {
            may: (operation) => mayGet || operation !== 'Get',
            ...(rights && { rights: rights(id) }),
          };
          const isShown = !isProtected && (!isGuessable || isFetchable);
          const has = (list: readonly { name: string }[]) => list.some(({ name }) => name === 'Digest');
          const asked = { UniqueIdentifier: id };
          const { Attributes } = await succeed(service, '2.1', GetAttributes, asked);
          t.equal(has(Attributes), isShown, `${what}: Get Attributes`);
          t.ok(Attributes.length > 5, 'the others are shown');
          const list = await succeed(service, '2.1', GetAttributeList, asked);
          t.equal(has(list.AttributeReference), isShown, `${what}: Get Attribute List`);
          const found = await succeed(service, '2.1', Locate, { Attributes: [condition] });
          t.equal(found.UniqueIdentifier.includes(id), isShown, `${what}: Locate`);
        }
      });

t.test('changes are announced without the Digest to clients that may not fetch values', async (t) => {
  const digest = { name: 'Digest', value: { DigestValue: counted(32) } } as never;
  const changes = { changed: [digest, group], deleted: [{ name: 'Digest', index: 1 } as const] };
  for (const [object, isGuessable] of objects)
    t.same(
      hideGuessable(changes, object.type),
      isGuessable ? { changed: [group], deleted: [] } : changes,
      object.type,
    );
});
