import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { combineParameters } from '../../../src/crypto/parameter-binding.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { active, withParameters } from '../keys.ts';
import { aes, attributesOf, having, outcome, storedKey } from '../operations/ask.ts';
import { TestService } from '../service.ts';

/** The Cryptographic Parameters of a key bind its uses; no change of attributes loosens them. */

const services = { strict: await TestService.open(), kmip: await TestService.open({ protection: 'kmip' }) };
t.teardown(() => Promise.all(Object.values(services).map((service) => service.close())));

const own: CryptographicParameters = { BlockCipherMode: 'GCM', RandomIV: true };
const other: CryptographicParameters = { BlockCipherMode: 'CTR' };

/** Every operation that changes attributes of a structure, with the sets that the key has before. */
const changes: Readonly<
  Record<
    string,
    readonly [
      AnyOperation,
      before: readonly CryptographicParameters[],
      request: (UniqueIdentifier: string, value: CryptographicParameters) => object,
      givesValue?: boolean,
    ]
  >
> = {
  'Add to none': [AddAttribute, [], (id, value) => added(id, value)],
  'Add to one': [AddAttribute, [own], (id, value) => added(id, value)],
  'Set where there is none': [SetAttribute, [], (id, value) => added(id, value)],
  'Set where there is one': [SetAttribute, [own], (id, value) => added(id, value)],
  Modify: [
    ModifyAttribute,
    [own],
    (id, value) => ({ ...added(id, value), CurrentAttribute: withParameters(own) }),
  ],
  'Delete one': [
    DeleteAttribute,
    [own, other],
    (UniqueIdentifier) => ({ UniqueIdentifier, CurrentAttribute: withParameters(own) }),
    false,
  ],
  'Delete all': [
    DeleteAttribute,
    [own],
    (UniqueIdentifier) => ({ UniqueIdentifier, AttributeReference: { name: 'CryptographicParameters' } }),
    false,
  ],
};

function added(UniqueIdentifier: string, value: CryptographicParameters) {
  return { UniqueIdentifier, NewAttribute: withParameters(value) };
}

const states: Readonly<Record<string, readonly Attribute[]>> = { PreActive: [], Active: [active] };

for (const [protection, service] of Object.entries(services))
  for (const [state, attributes] of Object.entries(states))
    for (const [what, [operation, before, request, givesValue = true]] of Object.entries(changes))
      t.test(`${what}: a key that is ${state} under ${protection}`, async (t) => {
        const id = await storedKey(service, ...attributes, ...before.map(withParameters));
        const setsOf = async () =>
          (await attributesOf(service, id)).filter(({ name }) => name === 'CryptographicParameters');
        const first = await setsOf();
        if (givesValue) {
          const empty = await outcome(service, '2.1', operation, request(id, {}) as never);
          t.equal(empty, 'InvalidAttributeValue', 'an empty set');
          t.same(await setsOf(), first);
        }
        const isAllowed = protection === 'kmip' || state === 'PreActive';
        const came = await outcome(service, '2.1', operation, request(id, other) as never);
        t.equal(came, isAllowed ? 'Success' : 'PermissionDenied');
        (isAllowed ? t.notSame : t.same)(await setsOf(), first);
      });

t.test('no new object has an empty set', async (t) => {
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, withParameters({})) };
  t.match(await outcome(services.strict, '2.1', Create, request), /InvalidAttributeValue|InvalidField/);
});

t.test('an empty set of an older object loosens no other', async (t) => {
  t.equal(combineParameters([own, {}], other), undefined);
  t.same(combineParameters([{}], other), other);
});
