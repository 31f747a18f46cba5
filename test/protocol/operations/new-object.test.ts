import t from 'tap';
import type { Attribute, TemplateAttribute } from '../../../codec/attribute.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { eraOf } from '../../../codec/version.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../src/operations/creation/re-key-key-pair.ts';
import { Archive } from '../../../src/operations/lifecycle/archive.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { enumerated, structure, text } from '../../client.ts';
import { attribute1x, TestService } from '../service.ts';
import {
  aes,
  algorithm,
  ask,
  attributesOf,
  everything,
  having,
  named,
  outcome,
  storedKey,
  succeed,
  versionsOf,
} from './ask.ts';
import { others } from './objects.ts';

/** Tests of the behaviour that all operations that make objects share. */

const service = await TestService.open();
t.teardown(() => service.close());

const [, raw] = others[0] as (typeof others)[0];
const pair = { attributes: [algorithm('ECDSA')], templates: [] };
const oldKey = await storedKey(service);
const oldPair = await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: pair });

/** A request that succeeds, with these attributes or Templates added to it. */
type Requester = (more: TemplateAttribute) => object;
const plus = (
  own: readonly Attribute[],
  { attributes, templates }: TemplateAttribute,
): TemplateAttribute => ({
  attributes: [...own, ...attributes],
  templates,
});
const makers: [operation: AnyOperation, request: Requester][] = [
  [Create, (more) => ({ ObjectType: 'SymmetricKey', Attributes: plus(aes, more) })],
  [CreateKeyPair, (more) => ({ CommonAttributes: pair, PrivateKeyAttributes: more })],
  [CreateKeyPair, (more) => ({ CommonAttributes: pair, PublicKeyAttributes: more })],
  [CreateKeyPair, (more) => ({ CommonAttributes: plus(pair.attributes, more) })],
  [Register, (more) => ({ ObjectType: raw.type, Attributes: more, Object: raw })],
  [ReKey, (more) => ({ UniqueIdentifier: oldKey, Attributes: more })],
  [ReKeyKeyPair, (more) => ({ ...privateKey, PrivateKeyAttributes: more })],
  [ReKeyKeyPair, (more) => ({ ...privateKey, PublicKeyAttributes: more })],
];
const privateKey = { PrivateKeyUniqueIdentifier: oldPair.PrivateKeyUniqueIdentifier };

const groups = Array.from({ length: 1001 }, (_, n): Attribute => ({ name: 'ObjectGroup', value: `g${n}` }));
const refused: [what: string, attributes: Attribute[], classic: string, modern: string][] = [
  ['an attribute of the server', [{ name: 'State', value: 'Active' }], 'InvalidField', 'AttributeReadOnly'],
  [
    'application data left to the server',
    [{ name: 'ApplicationSpecificInformation', value: { ApplicationNamespace: 'ns' } }],
    'ApplicationNamespaceNotSupported',
    'ApplicationNamespaceNotSupported',
  ],
  ['the same Name twice', [named('n'), named('n')], 'InvalidField', 'NonUniqueNameAttribute'],
  ['too many of one', groups, 'IndexOutOfBounds', 'ServerLimitExceeded'],
  [
    'an attribute of other objects',
    [{ name: 'CertificateType', value: 'X_509' }],
    'InvalidField',
    'InvalidAttribute',
  ],
  [
    'dates in the wrong order',
    [
      { name: 'ActivationDate', value: 2 },
      { name: 'ProcessStartDate', value: 1 },
    ],
    'InvalidField',
    'InvalidAttributeValue',
  ],
];

t.test('creations refuse attributes that no object may be made with', async (t) => {
  for (const [operation, request] of makers) {
    for (const version of versionsOf(operation)) {
      const before = await everything(service);
      for (const [what, attributes, classic, modern] of refused) {
        const actual = await outcome(service, version, operation, request(having(...attributes)));
        t.equal(actual, eraOf(version) === '1.x' ? classic : modern, `${version} ${operation.name}: ${what}`);
      }
      t.same(await everything(service), before, `${version} ${operation.name}: nothing has changed`);
    }
  }
});

t.test('creations resolve Templates', async (t) => {
  const template = async (name: string) => {
    const contact: Attribute = { name: 'ContactInformation', value: name };
    const Object = { type: 'Template', value: { Attributes: [contact] } };
    const request = { ObjectType: 'Template', Attributes: having(named(name)), Object };
    return (await succeed(service, '1.2', Register, request)).UniqueIdentifier;
  };
  await template('used');
  await succeed(service, '1.2', Archive, { UniqueIdentifier: await template('archived') });
  await storedKey(service, named('a key'));
  const refer = (name: string): TemplateAttribute => ({
    attributes: [],
    templates: [{ NameValue: name, NameType: 'UninterpretedTextString' }],
  });
  for (const [operation, request] of makers) {
    for (const version of versionsOf(operation).filter((each) => eraOf(each) === '1.x')) {
      const actual = (name: string) => outcome(service, version, operation, request(refer(name)));
      const name = `${version} ${operation.name}`;
      t.equal(await actual('nobody'), 'ItemNotFound', name);
      t.equal(await actual('a key'), 'ItemNotFound', `${name}: not everything of that Name is a Template`);
      t.equal(await actual('archived'), 'ObjectArchived', name);
      const { payload } = await ask(service, version, operation, request(refer('used')));
      const ids = Object.values(payload as Record<string, string>);
      const contacts = await Promise.all(
        ids
          .filter((id) => id.length === 36)
          .map(async (id) =>
            (await attributesOf(service, id)).find((each) => each.name === 'ContactInformation'),
          ),
      );
      t.ok(
        contacts.some((each) => each?.value === 'used'),
        name,
      );
    }
  }
});

t.test('creations refuse a value outside the dictionary', async (t) => {
  const badName = structure('Name', text('NameValue', 'n'), enumerated('NameType', 99));
  const asValue = { ...badName, tag: tagNumber('AttributeValue') };
  const classic = structure(
    'TemplateAttribute',
    attribute1x('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
    attribute1x('Name', asValue),
  );
  const object = [enumerated('ObjectType', 2)];
  t.equal(await outcome(service, '1.4', Create, [...object, classic]), 'InvalidField');
  const modern = structure('Attributes', enumerated('CryptographicAlgorithm', 3), badName);
  t.equal(await outcome(service, '2.1', Create, [...object, modern]), 'InvalidAttributeValue');
});
