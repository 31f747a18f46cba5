import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../../codec/masks.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { ReKey } from '../../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../../src/operations/creation/re-key-key-pair.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import {
  algorithm,
  ask,
  attributeOf,
  attributesOf,
  contact,
  having,
  length,
  materialOf,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
  versionsOf,
} from '../ask.ts';
import { metadataOnly } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const now = service.now / 1000;
const day = 86_400;
const dateNames = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
const dated = (name: (typeof dateNames)[number], days: number): Attribute => ({
  name,
  value: now + days * day,
});
const life = dateNames.map((name, index) => dated(name, [1, 2, 3, 4][index] as number));

/** Reads the dates of an object in days from now. */
async function days(id: string): Promise<(number | undefined)[]> {
  const attributes = await attributesOf(service, id);
  return dateNames.map((name) => {
    const value = attributes.find((each) => each.name === name)?.value as number | undefined;
    return value === undefined ? undefined : (value - now) / day;
  });
}

t.test('Re-key makes a new key, moves names and links both keys in every version', async (t) => {
  for (const version of testedVersions) {
    const old = await storedKey(service, named(`k ${version}`), contact('me'), {
      name: 'ObjectGroup',
      value: 'g',
    });
    const { fields, id } = await ask(service, version, ReKey, { UniqueIdentifier: old });
    t.equal(fields, 'UniqueIdentifier', version);
    const fresh = id as string;
    const [before, after] = await Promise.all(
      [old, fresh].map((each) => succeed(service, version, Get, { UniqueIdentifier: each })),
    );
    t.not(materialOf(before?.Object).toHex(), materialOf(after?.Object).toHex(), 'other bytes');
    t.equal(materialOf(after?.Object).length, 32);
    t.equal(await attributeOf(service, old, 'Name'), undefined);
    t.match(await attributeOf(service, fresh, 'Name'), { NameValue: `k ${version}` });
    t.match(await attributeOf(service, old, 'Link'), {
      LinkType: 'ReplacementObjectLink',
      LinkedObjectIdentifier: fresh,
    });
    t.match(await attributeOf(service, fresh, 'Link'), {
      LinkType: 'ReplacedObjectLink',
      LinkedObjectIdentifier: old,
    });
    t.equal(await attributeOf(service, fresh, 'ContactInformation'), 'me');
    t.equal(await attributeOf(service, fresh, 'ObjectGroup'), 'g');
    t.equal(await attributeOf(service, old, 'State'), 'PreActive', 'the old one stays as it is');
  }
});

t.test('Re-key copies dates or moves them by the Offset', async (t) => {
  const cases: [
    name: string,
    old: Attribute[],
    offset: number | undefined,
    given: Attribute[],
    days: unknown[],
  ][] = [
    ['without Offset they are copied', life, undefined, [], [1, 2, 3, 4]],
    ['with Offset all keep their distance', life, 10 * day, [], [10, 11, 12, 13]],
    ['Offset 0: from now', life, 0, [], [0, 1, 2, 3]],
    ['Offset alone dates the activation', [], 5 * day, [], [5, undefined, undefined, undefined]],
    ['explicit dates go first', life, undefined, [dated('DeactivationDate', 9)], [1, 2, 3, 9]],
  ];
  for (const [name, old, Offset, given, expected] of cases) {
    for (const version of testedVersions) {
      const id = await storedKey(service, ...old);
      const request = { UniqueIdentifier: id, Offset, Attributes: having(...given) };
      const { UniqueIdentifier } = await succeed(service, version, ReKey, request);
      t.same(await days(UniqueIdentifier), expected, `${version}: ${name}`);
      t.equal(
        await attributeOf(service, UniqueIdentifier, 'State'),
        expected[0] === 0 ? 'Active' : 'PreActive',
      );
    }
  }
});

t.test('Re-key refuses unsuitable keys and attributes', async (t) => {
  const key = await storedKey(service, ...life);
  const dateless = await storedKey(service, dated('DeactivationDate', 4));
  const archived = await storedKey(service);
  await succeed(service, '1.4', Archive, { UniqueIdentifier: archived });
  const destroyed = await storedKey(service);
  await succeed(service, '1.4', Destroy, { UniqueIdentifier: destroyed });
  const pair = await succeed(service, '1.4', CreateKeyPair, { CommonAttributes: having(algorithm('ECDSA')) });
  const Object = metadataOnly;
  const withoutValue = await succeed(service, '1.4', Register, {
    ObjectType: Object.type,
    Attributes: having(),
    Object,
  });
  const at = (UniqueIdentifier: string, rest: object = {}) => ({ UniqueIdentifier, ...rest });
  await refuses(t, service, ReKey, [
    ['an unknown object', at('nobody'), 'ItemNotFound', 'ObjectNotFound'],
    ['an archived object', at(archived), 'ObjectArchived'],
    ['a destroyed object', at(destroyed), 'ItemNotFound', 'ObjectDestroyed'],
    ['another type of object', at(pair.PrivateKeyUniqueIdentifier), 'PermissionDenied', 'InvalidObjectType'],
    [
      'Offset beside dates',
      at(key, { Offset: 1, Attributes: having(dated('DeactivationDate', 9)) }),
      'InvalidMessage',
    ],
    ['Offset and nothing to count from', at(dateless, { Offset: 1 }), 'IllegalOperation', 'InvalidField'],
    [
      'another algorithm',
      at(key, { Attributes: having(algorithm('RSA')) }),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'an attribute of the server',
      at(key, { Attributes: having({ name: 'State', value: 'Active' }) }),
      'InvalidField',
      'AttributeReadOnly',
    ],
  ]);
  for (const [version, reason] of [
    ['1.0', 'IllegalOperation'],
    ['1.2', 'KeyValueNotPresent'],
    ['2.1', 'KeyValueNotPresent'],
  ] as const) {
    t.equal(await outcome(service, version, ReKey, at(withoutValue.UniqueIdentifier)), reason, version);
  }
  t.equal(
    await outcome(service, '2.1', ReKey, at(key, { ProtectionStorageMasks: { ProtectionStorageMask: [2] } })),
    'ProtectionStorageUnavailable',
  );
});

const ecPair = async (...attributes: readonly Attribute[]) => {
  const CommonAttributes = having(algorithm('ECDSA'), length(256), ...attributes);
  return succeed(service, '1.4', CreateKeyPair, {
    CommonAttributes,
    PrivateKeyAttributes: having(named('priv')),
    PublicKeyAttributes: having(named('pub')),
  });
};

t.test('Re-key Key Pair makes a new pair in every version', async (t) => {
  for (const version of versionsOf(ReKeyKeyPair)) {
    const old = await ecPair(...life);
    const request = { PrivateKeyUniqueIdentifier: old.PrivateKeyUniqueIdentifier, Offset: 10 * day };
    const { payload, fields } = await ask(service, version, ReKeyKeyPair, request);
    t.equal(fields, 'PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier', version);
    const links = async (id: string) =>
      Object.fromEntries(
        (await attributesOf(service, id))
          .filter(({ name }) => name === 'Link')
          .map(({ value }) => [
            (value as { LinkType: string }).LinkType,
            (value as { LinkedObjectIdentifier: string }).LinkedObjectIdentifier,
          ]),
      );
    t.same(await links(payload.PrivateKeyUniqueIdentifier), {
      PublicKeyLink: payload.PublicKeyUniqueIdentifier,
      ReplacedObjectLink: old.PrivateKeyUniqueIdentifier,
    });
    t.same(await links(payload.PublicKeyUniqueIdentifier), {
      PrivateKeyLink: payload.PrivateKeyUniqueIdentifier,
      ReplacedObjectLink: old.PublicKeyUniqueIdentifier,
    });
    t.same(
      (await links(old.PublicKeyUniqueIdentifier))['ReplacementObjectLink'],
      payload.PublicKeyUniqueIdentifier,
    );
    for (const [half, name] of [
      [payload.PrivateKeyUniqueIdentifier, 'priv'],
      [payload.PublicKeyUniqueIdentifier, 'pub'],
    ] as const) {
      t.match(await attributeOf(service, half, 'Name'), { NameValue: name });
      t.same(await days(half), [10, 11, 12, 13]);
      t.equal(await attributeOf(service, half, 'CryptographicLength'), 256);
    }
  }
});

t.test('Re-key Key Pair refuses unsuitable pairs and attributes', async (t) => {
  const pair = await ecPair(...life);
  const orphan = await ecPair();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: orphan.PublicKeyUniqueIdentifier });
  const made = await ecPair();
  const { Object: object } = await succeed(service, '2.1', Get, {
    UniqueIdentifier: made.PrivateKeyUniqueIdentifier,
  });
  const { UniqueIdentifier: misled } = await succeed(service, '2.1', Register, {
    ObjectType: 'PrivateKey',
    Object: object as never,
    Attributes: having({ name: 'CryptographicUsageMask', value: CryptographicUsageMask.bit('Sign') }),
  });
  const LinkedObjectIdentifier = await storedKey(service);
  const NewAttribute: Attribute = {
    name: 'Link',
    value: { LinkType: 'PublicKeyLink', LinkedObjectIdentifier },
  };
  await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: misled, NewAttribute });
  const at = (PrivateKeyUniqueIdentifier: string, rest: object = {}) => ({
    PrivateKeyUniqueIdentifier,
    ...rest,
  });
  await refuses(t, service, ReKeyKeyPair, [
    ['an unknown object', at('nobody'), 'ItemNotFound', 'ObjectNotFound'],
    ['the public half', at(pair.PublicKeyUniqueIdentifier), 'PermissionDenied', 'InvalidObjectType'],
    ['a symmetric key', at(LinkedObjectIdentifier), 'PermissionDenied', 'InvalidObjectType'],
    ['a destroyed public half', at(orphan.PrivateKeyUniqueIdentifier), 'ItemNotFound', 'ObjectDestroyed'],
    ['a link that leads elsewhere', at(misled), 'ItemNotFound', 'ObjectNotFound'],
    [
      'Offset beside dates',
      at(pair.PrivateKeyUniqueIdentifier, {
        Offset: 1,
        CommonAttributes: having(dated('DeactivationDate', 9)),
      }),
      'InvalidMessage',
    ],
  ]);
});
