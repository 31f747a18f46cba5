import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { eraOf } from '../../../codec/version.ts';
import { combineParameters } from '../../../src/crypto/parameter-binding.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { active, withParameters } from '../keys.ts';
import { aes, attributesOf, having, outcome, storedKey, versionsOf } from '../operations/ask.ts';
import { TestService } from '../service.ts';

/** The Cryptographic Parameters of a key bind its uses; no change of attributes loosens them. */

const services = { strict: await TestService.open(), kmip: await TestService.open({ protection: 'kmip' }) };
t.teardown(() => Promise.all(Object.values(services).map((service) => service.close())));

const own: CryptographicParameters = { BlockCipherMode: 'GCM', RandomIV: true };
const other: CryptographicParameters = { BlockCipherMode: 'CTR' };

const narrower: CryptographicParameters = { ...own, TagLength: 16 };
const name: CryptographicParameters = { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' };
const asPss: CryptographicParameters = { ...name, PaddingMethod: 'PSS' };

type Request = (UniqueIdentifier: string, current: CryptographicParameters) => object;

/** A change: the operation, the sets before, whether the sets after it permit less, and the request. */
type Change = readonly [
  AnyOperation,
  before: readonly CryptographicParameters[],
  isNarrower: boolean,
  request: Request,
];

const modify =
  (value: CryptographicParameters): Request =>
  (id, current) => ({ ...added(id, value), CurrentAttribute: withParameters(current) });
const add =
  (value: CryptographicParameters): Request =>
  (id) =>
    added(id, value);
const deleteOne: Request = (UniqueIdentifier, current) => ({
  UniqueIdentifier,
  CurrentAttribute: withParameters(current),
});
const deleteAll: Request = (UniqueIdentifier) => ({
  UniqueIdentifier,
  AttributeReference: { name: 'CryptographicParameters' },
});

/** Every operation that changes attributes of a structure, and whether its change narrows. */
const changes: Readonly<Record<string, Change>> = {
  'Add to none': [AddAttribute, [], true, add(other)],
  'Add another to one': [AddAttribute, [own], false, add(other)],
  'Add a part of one': [AddAttribute, [own], false, add({ BlockCipherMode: 'GCM' })],
  'Add a narrower one': [AddAttribute, [own], true, add(narrower)],
  'Set where there is none': [SetAttribute, [], true, add(other)],
  'Set another': [SetAttribute, [own], false, add(other)],
  'Set a narrower one': [SetAttribute, [own], true, add(narrower)],
  'Modify to another': [ModifyAttribute, [own], false, modify(other)],
  'Modify to a wider one': [ModifyAttribute, [narrower], false, modify(own)],
  'Modify to a narrower one': [ModifyAttribute, [own], true, modify(narrower)],
  'Modify what a name means': [ModifyAttribute, [name], false, modify(asPss)],
  'Modify one of two to the other': [
    ModifyAttribute,
    [own, narrower],
    true,
    modify({ ...own, TagLength: 12 }),
  ],
  'Delete one': [DeleteAttribute, [own, other], true, deleteOne],
  'Delete the only one': [DeleteAttribute, [own], false, deleteOne],
  'Delete all': [DeleteAttribute, [own, other], false, deleteAll],
};

function added(UniqueIdentifier: string, value: CryptographicParameters) {
  return { UniqueIdentifier, NewAttribute: withParameters(value) };
}

const states: Readonly<Record<string, readonly Attribute[]>> = { PreActive: [], Active: [active] };

for (const [protection, service] of Object.entries(services))
  for (const [state, attributes] of Object.entries(states))
    for (const [what, [operation, before, isNarrower, request]] of Object.entries(changes))
      t.test(`${what}: a key that is ${state} under ${protection}`, async (t) => {
        const [current = {}] = before;
        for (const version of versionsOf(operation).filter((each) => each >= '1.4')) {
          const isOlder = eraOf(version) === '1.x';
          // The older versions delete one instance at a time, by its index.
          if (isOlder && what === 'Delete all') continue;
          const id = await storedKey(service, ...attributes, ...before.map(withParameters));
          const setsOf = async () =>
            (await attributesOf(service, id)).filter(({ name }) => name === 'CryptographicParameters');
          const first = await setsOf();
          const isAllowed = protection === 'kmip' || (state === 'PreActive' && isNarrower);
          const asked = isOlder && request === deleteOne ? deleteAll(id, current) : request(id, current);
          const came = await outcome(service, version, operation, asked as never);
          t.equal(came, isAllowed ? 'Success' : 'PermissionDenied', version);
          (isAllowed ? t.notSame : t.same)(await setsOf(), first, version);
        }
      });

t.test('no change makes an empty set', async (t) => {
  const rows: readonly (readonly [AnyOperation, object])[] = [
    [AddAttribute, {}],
    [SetAttribute, {}],
    [ModifyAttribute, { CurrentAttribute: withParameters(own) }],
  ];
  for (const [operation, rest] of rows) {
    const id = await storedKey(services.strict, ...(operation === AddAttribute ? [] : [withParameters(own)]));
    const request = { ...added(id, {}), ...rest } as never;
    t.equal(
      await outcome(services.strict, '2.1', operation, request),
      'InvalidAttributeValue',
      operation.name,
    );
  }
});

t.test('no new object has an empty set', async (t) => {
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes, withParameters({})) };
  t.equal(await outcome(services.strict, '2.1', Create, request), 'InvalidAttributeValue');
});

t.test('an empty set of an older object loosens no other', async (t) => {
  t.equal(combineParameters([own, {}], other), undefined);
  t.same(combineParameters([{}], other), other);
});
