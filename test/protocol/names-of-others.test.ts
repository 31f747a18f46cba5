import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { eraOf, isWithin, type Version } from '../../codec/version.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { ReCertify } from '../../src/operations/certificates/re-certify.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../src/operations/creation/re-key-key-pair.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { actAs, askers, asMaker, enrolBoth, maker, other } from './makers.ts';
import {
  ask,
  attributesOf,
  contact,
  having,
  named,
  outcome,
  storedKey,
  succeed,
  testedVersions,
} from './operations/ask.ts';
import { authority, keyPair, p256 } from './operations/certificates/authority.ts';
import { metadataOnly, others } from './operations/objects.ts';
import { TestService } from './service.ts';

/**
 * Whoever may change the Names of an object decides which key the others find. In one group that is the
 * client that made the object, as long as it is enrolled, and clients with the permission `ForeignNames`.
 */

const service = await TestService.open();
t.teardown(() => service.close());

const alternative = (text: string): Attribute => ({
  name: 'AlternativeName',
  value: { AlternativeNameValue: text, AlternativeNameType: 'UninterpretedTextString' },
});
const [, raw] = others.find(([name]) => name === 'raw AES') as (typeof others)[number];

/** A request about an object, without the field of its identifier, in the form of the version. */
type Form = (version: Version) => object;
/** The instance with that value, which is the one of that index. */
const select =
  (attribute: Attribute, index: number): Form =>
  (version) =>
    eraOf(version) === '1.x'
      ? { AttributeReference: { name: attribute.name }, AttributeIndex: index }
      : { CurrentAttribute: attribute };
const modify =
  (before: Attribute, after: Attribute, index = 0): Form =>
  (version) =>
    eraOf(version) === '1.x'
      ? { NewAttribute: { ...after, index } }
      : { NewAttribute: after, CurrentAttribute: before };
const add =
  (NewAttribute: Attribute): Form =>
  () => ({ NewAttribute });
const replaceBy =
  (...Attributes: readonly Attribute[]): Form =>
  () => ({ ReplaceExisting: true, Attributes, Object: raw });

const twoNames = () => storedKey(service, named('a'), named('b'), alternative('a'));
const oneName = () => storedKey(service, named('a'), contact('a'));
const noName = () => storedKey(service);
const privateKey = async () => (await keyPair(service, [...p256, named('a')])).privateKey;
const certificate = async () => (await authority(service, 'Root', p256, named('a'))).certificate;
async function withoutValue(): Promise<string> {
  const request = { ObjectType: 'SymmetricKey', Attributes: having(named('a')), Object: metadataOnly };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}
async function destroyed(): Promise<string> {
  const UniqueIdentifier = await twoNames();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  return UniqueIdentifier;
}

type Change = readonly [
  name: string,
  operation: AnyOperation,
  make: () => Promise<string>,
  form: Form,
  since?: Version,
];

/** Every form in which a request changes Names of an object that exists. */
const changes: readonly Change[] = [
  ['a Name', AddAttribute, noName, add(named('c'))],
  ['another Name', AddAttribute, twoNames, add(named('c'))],
  ['an Alternative Name', AddAttribute, noName, add(alternative('c')), '1.2'],
  ['a Name of an object without a value', AddAttribute, withoutValue, add(named('c')), '1.2'],
  ['a Name of a destroyed object', AddAttribute, destroyed, add(named('c'))],
  ['the first Name', ModifyAttribute, twoNames, modify(named('a'), named('c'))],
  ['the second Name', ModifyAttribute, twoNames, modify(named('b'), named('c'), 1)],
  ['the only Name', ModifyAttribute, oneName, add(named('c'))],
  [
    'the type of a Name',
    ModifyAttribute,
    oneName,
    add({ name: 'Name', value: { NameValue: 'a', NameType: 'URI' } }),
  ],
  ['an Alternative Name', ModifyAttribute, twoNames, add(alternative('c')), '1.2'],
  ['a new Name', SetAttribute, noName, add(named('c'))],
  ['the only Name', SetAttribute, oneName, add(named('c'))],
  ['an Alternative Name', SetAttribute, noName, add(alternative('c'))],
  ['the first Name', DeleteAttribute, twoNames, select(named('a'), 0)],
  ['the second Name', DeleteAttribute, twoNames, select(named('b'), 1)],
  ['by its name', DeleteAttribute, twoNames, () => ({ AttributeReference: { name: 'Name' } })],
  ['an Alternative Name', DeleteAttribute, twoNames, select(alternative('a'), 0), '1.2'],
  ['of an object without a value', DeleteAttribute, withoutValue, select(named('a'), 0), '1.2'],
  ['of a destroyed object', DeleteAttribute, destroyed, select(named('a'), 0)],
  ['with the same Name', Import, oneName, replaceBy(named('a'))],
  ['without the Name', Import, oneName, replaceBy()],
  ['with a new Name', Import, noName, replaceBy(named('c'))],
  ['with a new Alternative Name', Import, noName, replaceBy(alternative('c'))],
  ['with one more Name', ReKey, oneName, () => ({ Attributes: having(named('c')) })],
  ['with an Alternative Name', ReKey, noName, () => ({ Attributes: having(alternative('c')) }), '1.2'],
  ['with a Name of both', ReKeyKeyPair, privateKey, () => ({ CommonAttributes: having(named('c')) })],
  ['of the public key', ReKeyKeyPair, privateKey, () => ({ PublicKeyAttributes: having(named('c')) })],
  ['with one more Name', ReCertify, certificate, () => ({ Attributes: having(named('c')) })],
];

/** What decides on no Name. */
const harmless: readonly Change[] = [
  ['a contact', AddAttribute, noName, add(contact('c'))],
  ['the same Name', ModifyAttribute, oneName, add(named('a'))],
  ['the same Name', SetAttribute, oneName, add(named('a'))],
  ['a contact', ModifyAttribute, oneName, add(contact('b'))],
  ['a contact', DeleteAttribute, oneName, () => ({ AttributeReference: { name: 'ContactInformation' } })],
  ['an object without a Name', Import, noName, replaceBy()],
  ['a key with a Name', Destroy, oneName, () => ({})],
  ['a key with a Name', ReKey, oneName, () => ({})],
  ['a key with the Name that it has', ReKey, oneName, () => ({ Attributes: having(named('a')) })],
  ['a pair with Names', ReKeyKeyPair, privateKey, () => ({})],
  ['a certificate with a Name', ReCertify, certificate, () => ({})],
];

/** The last version of each era, and the first that has the attribute and the operation. */
function versionsOf({ since, until }: AnyOperation, from: Version = '1.0'): Version[] {
  const all = testedVersions.filter(
    (version) => isWithin(version, since, until) && isWithin(version, from, undefined),
  );
  return all.filter((version, at) => at === 0 || version === '1.4' || version === '2.1');
}

async function change(version: Version, operation: AnyOperation, id: string, form: Form) {
  const field = operation === ReKeyKeyPair ? 'PrivateKeyUniqueIdentifier' : 'UniqueIdentifier';
  return ask(service, version, operation, { [field]: id, ...form(version) });
}

for (const [who, asker] of Object.entries(askers)) {
  const { sender, isFree } = asker;
  t.test(`Names that another client's object has, changed by ${who}`, async (t) => {
    for (const [name, operation, make, form, since] of changes) {
      for (const version of versionsOf(operation, since)) {
        await enrolBoth(service);
        const id = await asMaker(service, make);
        const attributes = await asMaker(service, () => attributesOf(service, id));
        await actAs(service, asker);
        const { reason, status } = await change(version, operation, id, form);
        const title = `${version} ${operation.name}: ${name}`;
        // With Rights no object is replaced, whoever made it.
        const expected = isFree && !(operation === Import && sender.rights) ? 'Success' : 'PermissionDenied';
        t.equal(reason ?? status, expected, title);
        if (expected !== 'Success')
          t.same(await asMaker(service, () => attributesOf(service, id)), attributes, `${title}: unchanged`);
      }
    }
  });
}

t.test('what changes no Name needs no permission', async (t) => {
  await enrolBoth(service);
  for (const [name, operation, make, form, since] of harmless) {
    for (const version of versionsOf(operation, since)) {
      const id = await asMaker(service, make);
      service.sender = other;
      const { reason, status } = await change(version, operation, id, form);
      t.equal(reason ?? status, 'Success', `${version} ${operation.name}: ${name}`);
    }
  }
});

t.test('a replacement is the object of the client that made the first one', async (t) => {
  await enrolBoth(service);
  for (const [operation, make, field] of [
    [ReKey, oneName, 'UniqueIdentifier'],
    [ReKeyKeyPair, privateKey, 'PrivateKeyUniqueIdentifier'],
    [ReKeyKeyPair, privateKey, 'PublicKeyUniqueIdentifier'],
    [ReCertify, certificate, 'UniqueIdentifier'],
  ] as const) {
    const id = await asMaker(service, make);
    service.sender = other;
    const { payload } = await change('2.1', operation, id, () => ({}));
    const replacement = { UniqueIdentifier: (payload as Record<string, string>)[field] };
    const rename = () => outcome(service, '2.1', SetAttribute, { ...replacement, NewAttribute: named('c') });
    t.equal(await rename(), 'PermissionDenied', `${operation.name} ${field}`);
    t.equal(await asMaker(service, rename), 'Success');
  }
});

t.test('objects of which the server does not know the maker are free', async (t) => {
  await enrolBoth(service);
  const { enrolledAt: _, ...unknown } = maker;
  service.sender = unknown;
  const UniqueIdentifier = await oneName();
  service.sender = other;
  const request = { UniqueIdentifier, NewAttribute: named('c') };
  t.equal(await outcome(service, '2.1', SetAttribute, request), 'Success');
});

t.test('the log says which permission the role lacks', async (t) => {
  await enrolBoth(service);
  const UniqueIdentifier = await asMaker(service, oneName);
  service.refusedPermissions.length = 0;
  service.sender = other;
  await outcome(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute: named('c') });
  t.match(service.refusedPermissions, [{ client: 'other', role: 'clerk', operation: 'ForeignNames' }]);
});
