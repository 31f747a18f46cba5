import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { eraOf, isWithin, type Version } from '../../codec/version.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { Certify } from '../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../src/operations/certificates/re-certify.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../src/operations/creation/re-key-key-pair.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { reservedNameKind } from '../../src/operations/name-rights.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { deleteOwnedRecords } from '../../src/protocol/client-records.ts';
import { actAs, askers, asMaker, enrolBoth, maker, other, permitted } from './makers.ts';
import { aes, ask, having, named, outcome, storedKey, succeed, testedVersions } from './operations/ask.ts';
import {
  authority,
  carrying,
  keyPair,
  linkTo,
  mask,
  p256,
  requestOf,
} from './operations/certificates/authority.ts';
import { others } from './operations/objects.ts';
import { TestService } from './service.ts';

/**
 * With `uniqueNames` a Name that an object has given up stays reserved to the client that made the object: no
 * other client puts it on a key of its own.
 */

const service = await TestService.open({ uniqueNames: true });
t.teardown(() => service.close());

const [, raw] = others.find(([each]) => each === 'raw AES') as (typeof others)[number];
const taken = (version: Version, legacyReason: string) =>
  eraOf(version) === '1.x' ? legacyReason : 'NonUniqueNameAttribute';
let count = 0;
const newName = () => `name ${count++}`;
const destroy = (UniqueIdentifier: string) => succeed(service, '2.1', Destroy, { UniqueIdentifier });

/** Makes a key of the Name as the maker and gives the Name up. */
const releases: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
  Destroy: async (text) => destroy(await storedKey(service, named(text))),
  async 'Destroy of a replacement'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    await destroy((await succeed(service, '2.1', ReKey, { UniqueIdentifier })).UniqueIdentifier);
  },
  async 'Destroy by another client'(text) {
    const id = await storedKey(service, named(text));
    service.sender = other;
    await destroy(id);
  },
  async 'Delete Attribute by index'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    const request = { UniqueIdentifier, AttributeReference: { name: 'Name' } };
    await succeed(service, '1.4', DeleteAttribute, request);
  },
  async 'Delete Attribute by value'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    await succeed(service, '2.1', DeleteAttribute, { UniqueIdentifier, CurrentAttribute: named(text) });
  },
  async 'Modify Attribute'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    await succeed(service, '1.4', ModifyAttribute, { UniqueIdentifier, NewAttribute: named(newName()) });
  },
  async 'Set Attribute'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    await succeed(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute: named(newName()) });
  },
  async 'Modify Attribute with the permission'(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    service.sender = permitted;
    await succeed(service, '2.1', ModifyAttribute, { UniqueIdentifier, NewAttribute: named(newName()) });
  },
  async Import(text) {
    const UniqueIdentifier = await storedKey(service, named(text));
    const request = { UniqueIdentifier, ReplaceExisting: true, Attributes: [], Object: raw };
    await succeed(service, '2.1', Import, request);
  },
};

const release = (how: (text: string) => Promise<unknown>, text: string) => asMaker(service, () => how(text));
const keyOf = (text: string) => ({ ObjectType: 'SymmetricKey', Attributes: having(...aes, named(text)) });
const create = (version: Version, text: string) => outcome(service, version, Create, keyOf(text));

for (const [how, give] of Object.entries(releases)) {
  t.test(`a Name given up by ${how} stays reserved`, async (t) => {
    for (const [who, asker] of Object.entries(askers)) {
      await enrolBoth(service);
      const text = newName();
      await release(give, text);
      await actAs(service, asker);
      t.equal(await create('2.1', text), asker.isFree ? 'Success' : 'NonUniqueNameAttribute', who);
    }
  });
}

type Taking = readonly [
  operation: AnyOperation,
  prepare: (version: Version) => Promise<(name: Attribute) => object>,
];

/**
 * Every operation that gives a Name to an object. The parts of a split key would all have one Name, so Create
 * Split Key is refused whatever is reserved.
 */
const takings: readonly Taking[] = [
  [Create, async () => (each) => ({ ObjectType: 'SymmetricKey', Attributes: having(...aes, each) })],
  [Register, async () => (each) => ({ ObjectType: raw.type, Attributes: having(each), Object: raw })],
  [CreateKeyPair, async () => (each) => pairWith({ PrivateKeyAttributes: having(mask('Sign'), each) })],
  [CreateKeyPair, async () => (each) => pairWith({ PublicKeyAttributes: having(mask('Verify'), each) })],
  [
    DeriveKey,
    async () => {
      const UniqueIdentifier = [await derivable()];
      return (each) => ({
        ObjectType: 'SymmetricKey',
        UniqueIdentifier,
        DerivationMethod: 'HMAC',
        DerivationParameters: {
          CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
          DerivationData: [new Uint8Array(8)],
        },
        Attributes: having(...aes, each),
      });
    },
  ],
  [
    JoinSplitKey,
    async () => {
      const split = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' };
      const request = { ObjectType: 'SplitKey', ...split, Attributes: having(...aes) };
      const { UniqueIdentifier } = await succeed(service, '2.1', CreateSplitKey, request);
      return (each) => ({ ObjectType: 'SymmetricKey', UniqueIdentifier, Attributes: having(each) });
    },
  ],
  [ReKey, async () => about(await storedKey(service), (each) => ({ Attributes: having(each) }))],
  [
    ReKeyKeyPair,
    async () => {
      const PrivateKeyUniqueIdentifier = (await keyPair(service)).privateKey;
      return (each) => ({ PrivateKeyUniqueIdentifier, PublicKeyAttributes: having(each) });
    },
  ],
  [
    Certify,
    async (version) => {
      const issuer = linkTo((await authority(service)).certificate);
      const fields = carrying(version, (await requestOf()).der);
      return (each) => ({ ...fields, Attributes: having(issuer, each) });
    },
  ],
  [
    ReCertify,
    async () => about((await authority(service)).certificate, (each) => ({ Attributes: having(each) })),
  ],
  [Import, async () => (each) => ({ UniqueIdentifier: newName(), Attributes: [each], Object: raw })],
  [
    Import,
    async () =>
      about(await storedKey(service), (each) => ({ ReplaceExisting: true, Attributes: [each], Object: raw })),
  ],
  [AddAttribute, async () => about(await storedKey(service), (NewAttribute) => ({ NewAttribute }))],
  [
    ModifyAttribute,
    async () => about(await storedKey(service, named(newName())), (NewAttribute) => ({ NewAttribute })),
  ],
  [SetAttribute, async () => about(await storedKey(service), (NewAttribute) => ({ NewAttribute }))],
];
async function derivable(): Promise<string> {
  const attributes = having(...aes.slice(0, 2), mask('DeriveKey'), { name: 'ActivationDate', value: 1 });
  const request = { ObjectType: 'SymmetricKey', Attributes: attributes };
  return (await succeed(service, '2.1', Create, request)).UniqueIdentifier;
}
const about = (UniqueIdentifier: string, more: (name: Attribute) => object) => (each: Attribute) => ({
  UniqueIdentifier,
  ...more(each),
});
const pairWith = (half: object) => ({
  CommonAttributes: having(...p256),
  PrivateKeyAttributes: having(mask('Sign')),
  PublicKeyAttributes: having(mask('Verify')),
  ...half,
});

t.test('no operation gives a reserved Name to an object of another client', async (t) => {
  await enrolBoth(service);
  const edits: readonly AnyOperation[] = [AddAttribute, ModifyAttribute, SetAttribute];
  for (const [operation, prepare] of takings) {
    const all = testedVersions.filter((version) => isWithin(version, operation.since, operation.until));
    for (const version of all.filter((each, at) => at === 0 || each === '1.4' || each === '2.1')) {
      const used = newName();
      await release((text) => storedKey(service, named(text)), used);
      for (const sender of [other, permitted, maker]) {
        const reserved = newName();
        await release((text) => storedKey(service, named(text)).then(destroy), reserved);
        service.sender = sender;
        const send = async (text: string) =>
          outcome(service, version, operation, (await prepare(version))(named(text)));
        const title = `${version} ${operation.name} by ${sender === permitted ? 'the permission' : sender.client}`;
        const refusal = taken(version, edits.includes(operation) ? 'IllegalOperation' : 'InvalidField');
        t.equal(await send(used), refusal, `${title}: another object has it`);
        t.equal(await send(reserved), sender === other ? refusal : 'Success', `${title}: reserved`);
      }
    }
  }
});

t.test('a reserved Name and a Name in use are refused in the same words', async (t) => {
  await enrolBoth(service);
  const [reserved, used] = [newName(), newName()];
  await release((text) => storedKey(service, named(text)).then(destroy), reserved);
  await release((text) => storedKey(service, named(text)), used);
  service.sender = other;
  const answer = ({ id: _, ...rest }: Awaited<ReturnType<typeof ask>>) => rest;
  const [first, second] = await Promise.all(
    [reserved, used].map((text) => ask(service, '2.1', Create, keyOf(text))),
  );
  t.same(first && answer(first), second && answer(second));
});

t.test('whoever takes a reserved Name with the permission has it reserved in turn', async (t) => {
  await enrolBoth(service);
  const text = newName();
  await release((each) => storedKey(service, named(each)).then(destroy), text);
  service.sender = permitted;
  await destroy(await storedKey(service, named(text)));
  t.equal(await asMaker(service, () => create('2.1', text)), 'NonUniqueNameAttribute');
  service.sender = other;
  t.equal(await create('2.1', text), 'Success');
});

t.test('a client that lost the permission still edits the other Names of its objects', async (t) => {
  await enrolBoth(service);
  const text = newName();
  await release((each) => storedKey(service, named(each)).then(destroy), text);
  service.sender = permitted;
  const UniqueIdentifier = await storedKey(service, named(text));
  service.sender = other;
  const request = { UniqueIdentifier, NewAttribute: named(newName()) };
  t.equal(await outcome(service, '2.1', AddAttribute, request), 'Success');
});

t.test('a reservation ends when it is old, and when the client is removed', async (t) => {
  await enrolBoth(service);
  const [old, owned] = [newName(), newName()];
  for (const text of [old, owned])
    await release((each) => storedKey(service, named(each)).then(destroy), text);
  const records = () => service.store.records({ kind: reservedNameKind, limit: 1_000 });
  const before = (await records()).length;
  await deleteOwnedRecords(service.store, service.vault, { name: 'other', group: 'g' });
  service.sender = other;
  t.equal(await create('2.1', owned), 'NonUniqueNameAttribute', 'another client was removed');
  await deleteOwnedRecords(service.store, service.vault, { name: 'maker', group: 'g' });
  t.ok((await records()).length <= before - 2, 'the records of the removed client are deleted');
  t.equal(await create('2.1', owned), 'Success');
  await release((each) => storedKey(service, named(each)).then(destroy), old);
  service.now += (defaultLimits.reservedNameSeconds - 1) * 1_000;
  t.equal(await create('2.1', old), 'NonUniqueNameAttribute', 'until the last second');
  service.now += 1_000;
  t.equal(await create('2.1', old), 'Success');
});

t.test('a ticket with limited Rights finds Names reserved and reserves them', async (t) => {
  await enrolBoth(service);
  const [theirs, own] = [newName(), newName()];
  await release((each) => storedKey(service, named(each)).then(destroy), theirs);
  service.sender = other;
  const UniqueIdentifier = await storedKey(service, named(own));
  service.sender = { ...other, rights: [{ objects: [UniqueIdentifier] }] };
  const rename = (text: string) =>
    outcome(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute: named(text) });
  t.equal(await rename(theirs), 'NonUniqueNameAttribute');
  t.equal(await rename(newName()), 'Success');
  t.equal(await asMaker(service, () => create('2.1', own)), 'NonUniqueNameAttribute');
});

t.test('without unique Names several clients give one Name to their objects', async (t) => {
  const lenient = await TestService.open();
  t.teardown(() => lenient.close());
  await enrolBoth(lenient);
  for (const sender of [maker, other]) {
    lenient.sender = sender;
    const UniqueIdentifier = await storedKey(lenient, named('shared'));
    await succeed(lenient, '2.1', Destroy, { UniqueIdentifier });
    t.equal(await outcome(lenient, '2.1', Create, keyOf('shared')), 'Success', sender.client);
  }
  t.same(await lenient.store.records({ kind: reservedNameKind, limit: 1 }), [], 'nothing is reserved');
});
