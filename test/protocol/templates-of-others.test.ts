import t from 'tap';
import type { Principal } from '../../src/identity/principal.ts';
import { DeleteAttribute } from '../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { actAs, askers, enrolBoth, maker, other } from './makers.ts';
import {
  algorithm,
  ask,
  attributeOf,
  having,
  length,
  named,
  outcome,
  storedKey,
  succeed,
} from './operations/ask.ts';
import { TestService } from './service.ts';

/** The client's own Template of a Name decides what it makes, and never an ambiguous one of others. */

const service = await TestService.open();
t.teardown(() => service.close());
await enrolBoth(service);

const { enrolledAt: _, ...unknown } = { ...other, client: 'unknown', fingerprint: 'f6' };
const senders: Readonly<Record<string, Partial<Principal>>> = {
  own: maker,
  other,
  third: { ...other, client: 'third', fingerprint: 'f5' },
  // A client that was removed and enrolled again under its name.
  again: { ...other, fingerprint: 'f7', enrolledAt: 2_000 },
  // As objects of an older kmipd, which recorded no maker.
  unknown,
};

const templateOf = (bits: number) => {
  const Attributes = [algorithm('AES'), length(bits), { name: 'CryptographicUsageMask', value: 12 }];
  return { type: 'Template', value: { Attributes } };
};
async function register(name: string, bits: number): Promise<string> {
  const request = { ObjectType: 'Template', Attributes: having(named(name)), Object: templateOf(bits) };
  return (await succeed(service, '1.2', Register, request)).UniqueIdentifier;
}

/** Makes Templates of one Name for keys of that many bits, and returns what Create by the Name makes. */
async function createBy(name: string, templates: readonly (readonly [who: string, bits: number])[]) {
  for (const [who, bits] of templates) {
    service.sender = senders[who] ?? {};
    await register(name, bits);
  }
  service.sender = maker;
  return bitsBy(name);
}

/** Returns the length of a key that Create makes by the Template of that Name, or the refusal. */
async function bitsBy(name: string) {
  const reference = { NameValue: name, NameType: 'UninterpretedTextString' };
  const Attributes = { templates: [reference], attributes: [] };
  const { reason, id } = await ask(service, '1.2', Create, { ObjectType: 'SymmetricKey', Attributes });
  return id === undefined ? reason : attributeOf(service, id, 'CryptographicLength');
}

const many = (who: string, bits: number, times: number) =>
  Array.from({ length: times }, () => [who, bits] as const);

t.test('the Template of a Name is the own one, or that of one other client', async (t) => {
  const cases: readonly [expected: unknown, ...templates: (readonly [who: string, bits: number])[]][] = [
    ['ItemNotFound'],
    [256, ['own', 256]],
    [256, ['own', 192], ['own', 256]],
    [128, ['other', 128]],
    [128, ['other', 192], ['other', 128]],
    [128, ['unknown', 192], ['unknown', 128]],
    [256, ['own', 256], ['other', 128]],
    [256, ['other', 128], ['own', 256]],
    [256, ['own', 256], ['unknown', 128]],
    [256, ['own', 192], ['other', 128], ['own', 256], ['third', 128]],
    [256, ['own', 256], ...many('other', 128, 63)],
    ['InvalidField', ['own', 256], ...many('other', 128, 64)],
    ['InvalidField', ['other', 128], ['third', 128]],
    ['InvalidField', ['third', 128], ['other', 128], ['third', 128]],
    ['InvalidField', ['other', 128], ['again', 128]],
    ['InvalidField', ['unknown', 128], ['other', 128]],
    [128, ...many('other', 128, 64)],
    ['InvalidField', ...many('other', 128, 65)],
    [256, ...many('other', 128, 65), ['own', 256]],
  ];
  for (const [at, [expected, ...templates]] of cases.entries()) {
    const title = `${templates.length}: ${[...new Set(templates.map(([who]) => who))].join(', ')}`;
    t.equal(await createBy(`template ${at}`, templates), expected, title);
  }
});

/** What ends the Template of a Name for Create. */
const ends: readonly (readonly [operation: AnyOperation, request: (name: string) => object])[] = [
  [Destroy, () => ({})],
  [Archive, () => ({})],
  [Revoke, () => ({ RevocationReason: { RevocationReasonCode: 'KeyCompromise' } })],
  [ModifyAttribute, (name) => ({ NewAttribute: named(`${name} of old`) })],
  [DeleteAttribute, () => ({ AttributeReference: { name: 'Name' } })],
];

t.test('no Template of another client takes the place of the own one that it ends', async (t) => {
  for (const [operation, request] of ends)
    for (const [who, asker] of Object.entries(askers)) {
      await enrolBoth(service);
      const name = `${operation.name} ${who}`;
      service.sender = maker;
      const own = await register(name, 256);
      await actAs(service, asker);
      const given = await outcome(service, '1.4', operation, { UniqueIdentifier: own, ...request(name) });
      // Only a client that decides on the Name ends it, and only then another Template is chosen.
      const isDone = given === 'Success';
      t.equal(isDone, operation !== Revoke && (asker.isFree || operation === Archive), `${name}: ${given}`);
      service.sender = other;
      await register(name, 128);
      service.sender = maker;
      const found = !isDone ? 256 : operation === Archive ? 'ObjectArchived' : 128;
      t.equal(await bitsBy(name), found, `${name}: what Create makes`);
    }
});

t.test('other named objects, and Templates without a Name, are destroyed by Destroy alone', async (t) => {
  await enrolBoth(service);
  service.sender = maker;
  const request = { ObjectType: 'Template', Attributes: having(), Object: templateOf(256) };
  const nameless = (await succeed(service, '1.2', Register, request)).UniqueIdentifier;
  const key = await storedKey(service, named('a key'));
  service.sender = other;
  for (const UniqueIdentifier of [nameless, key])
    t.equal(await outcome(service, '1.4', Destroy, { UniqueIdentifier }), 'Success');
});
