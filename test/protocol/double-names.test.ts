import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { DeleteAttribute } from '../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Recover } from '../../src/operations/lifecycle/recover.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { DelegatedLogin } from '../../src/operations/sessions/delegated-login.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import type { CommitResult, Store } from '../../src/store/store.ts';
import { sendAs, ticketOf } from './credentials/credential-headers.ts';
import { poll, submit, waitForJobs } from './jobs.ts';
import { enrolBoth, maker, other } from './makers.ts';
import { aes, contact, having, named, outcome, payloadOf, storedKey, succeed } from './operations/ask.ts';
import { others } from './operations/objects.ts';
import { createAesPayload2x, TestService } from './service.ts';

/** Names that several objects have from before `uniqueNames`, and Names that the store refuses. */

const [, raw] = others.find(([each]) => each === 'raw AES') as (typeof others)[number];
const compromise = { RevocationReason: { RevocationReasonCode: 'KeyCompromise' } };
const keyOf = (text: string) => ({ ObjectType: 'SymmetricKey', Attributes: having(...aes, named(text)) });
let count = 0;
const newName = () => `name ${count++}`;

/** A service with the option over a database that was used without it. */
async function openWithDoubles(names: readonly (readonly [string, string])[]) {
  const options = { uniqueNames: false };
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  await enrolBoth(service);
  const made: (readonly [id: string, name: string])[][] = [];
  for (const pair of names) {
    const ids: (readonly [string, string])[] = [];
    for (const [at, text] of pair.entries()) {
      service.sender = at === 0 ? maker : other;
      ids.push([await storedKey(service, named(text)), text]);
    }
    made.push(ids);
  }
  options.uniqueNames = true;
  await service.restart();
  return { service, made };
}

type Step = readonly [operation: AnyOperation, request: object];

/** What each client does with its own object of a Name, one request after the other. */
const uses: Readonly<Record<string, (text: string) => readonly Step[]>> = {
  'a life': () => [
    [Get, {}],
    [AddAttribute, { NewAttribute: contact('a') }],
    [ModifyAttribute, { NewAttribute: contact('b') }],
    [DeleteAttribute, { AttributeReference: { name: 'ContactInformation' } }],
    [Activate, {}],
    [Encrypt, { CryptographicParameters: { BlockCipherMode: 'GCM' }, Data: new Uint8Array(16) }],
    [Archive, {}],
    [Recover, {}],
    [Revoke, compromise],
    [Destroy, {}],
  ],
  'Revoke at once': () => [[Revoke, compromise]],
  'Archive at once': () => [[Archive, {}]],
  'Destroy at once': () => [[Destroy, {}]],
  'a Name beside it': () => [[AddAttribute, { NewAttribute: named(newName()) }]],
  'another Name': () => [[SetAttribute, { NewAttribute: named(newName()) }]],
  'Import of the same Name': (text) => [
    [Import, { ReplaceExisting: true, Attributes: [named(text)], Object: raw }],
  ],
  'Re-key': () => [
    [ReKey, {}],
    [Get, {}],
  ],
};

for (const [kind, suffix] of Object.entries({ 'the same': '', 'one that looks alike': ' ' }))
  t.test(`objects of one Name from before the option stay usable: ${kind}`, async (t) => {
    const names = Object.keys(uses).map(() => newName());
    const { service, made } = await openWithDoubles(names.map((name) => [name, name + suffix]));
    for (const [at, [use, stepsOf]] of Object.entries(uses).entries())
      for (const sender of [other, maker]) {
        service.sender = sender;
        const [UniqueIdentifier = '', text = ''] = made[at]?.[sender === maker ? 0 : 1] ?? [];
        for (const [operation, request] of stepsOf(text)) {
          const given = await outcome(service, '2.1', operation, { UniqueIdentifier, ...request });
          t.equal(given, 'Success', `${use}: ${operation.name} by ${sender.client}`);
        }
      }
  });

/** Lets the next commits of objects give that result; returns how many were asked for. */
function answerCommits(service: TestService, result: CommitResult, times: number): () => number {
  const store = service.store as { -readonly [K in keyof Store]: Store[K] };
  const { commit } = store;
  let asked = 0;
  store.commit = async (unit) => {
    if (unit.inserts.length + unit.updates.length === 0) return commit(unit);
    asked++;
    return asked <= times ? result : commit(unit);
  };
  return () => asked;
}

t.test('a Name that the store refuses is tried again once', async (t) => {
  const cases: readonly [refused: number, expected: string, commits: number][] = [
    [0, 'Success', 1],
    [1, 'Success', 2],
    [2, 'NonUniqueNameAttribute', 2],
    [1_000, 'NonUniqueNameAttribute', 2],
  ];
  for (const [refused, expected, commits] of cases)
    for (const isJob of [false, true]) {
      const service = await TestService.open({ uniqueNames: true });
      t.teardown(() => service.close());
      const asked = answerCommits(service, 'taken', refused);
      const create = { operation: 'Create', payload: createAesPayload2x() };
      if (isJob) {
        const { values } = await submit(service, '2.1', [create]);
        await waitForJobs(service);
        const { reason, status } = await poll(service, '2.1', values[0]);
        t.equal(reason ?? status, expected, `a job, ${refused}`);
      } else {
        t.equal(await outcome(service, '2.1', Create, keyOf('name')), expected, `${refused}`);
      }
      t.equal(asked(), commits, `commits, ${refused}`);
    }
});

t.test('limited Rights give no Name that an object outside them has', async (t) => {
  const service = await TestService.open({ uniqueNames: true });
  t.teardown(() => service.close());
  await enrolBoth(service);
  service.sender = maker;
  const inside = { name: 'ObjectGroup', value: 'blue' } as const;
  const [seen, hidden, gone] = [newName(), newName(), newName()];
  await storedKey(service, named(seen), inside);
  await storedKey(service, named(hidden));
  const UniqueIdentifier = await storedKey(service, named(gone));
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  const own = await storedKey(service, inside);
  const second = await storedKey(service, inside, named(newName()));
  const Right = [{ ObjectGroups: { ObjectGroup: ['blue'] } }];
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right } });
  const ticket = ticketOf(Ticket.TicketValue.slice());
  service.sender = other;
  const asked = answerCommits(service, 'committed', 0);
  const rows: readonly [operation: AnyOperation, request: (name: Attribute) => object][] = [
    [Create, (name) => ({ ObjectType: 'SymmetricKey', Attributes: having(...aes, inside, name) })],
    [AddAttribute, (NewAttribute) => ({ UniqueIdentifier: own, NewAttribute })],
    [SetAttribute, (NewAttribute) => ({ UniqueIdentifier: own, NewAttribute })],
    [ModifyAttribute, (NewAttribute) => ({ UniqueIdentifier: second, NewAttribute })],
    [ReKey, (name) => ({ UniqueIdentifier: own, Attributes: having(name) })],
  ];
  const names = { 'of an object in them': seen, 'outside them': hidden, 'that looks alike': `${hidden} ` };
  for (const [operation, requestOf] of rows) {
    const send = async (name: string) => {
      const payload = payloadOf('2.1', operation, requestOf(named(name))).value as Node[];
      const { answers } = await sendAs(service, '2.1', [{ operation: operation.name, payload }], ticket);
      return `${answers[0]?.reason}: ${answers[0]?.message}`;
    };
    const before = asked();
    for (const [what, name] of Object.entries(names))
      t.equal(
        await send(name),
        'NonUniqueNameAttribute: the Name belongs to another object or client',
        `${operation.name}: a Name ${what}`,
      );
    t.equal(asked(), before, `${operation.name}: nothing was tried at the store`);
    t.equal(
      await send(operation === Create ? gone : newName()),
      'undefined: undefined',
      `${operation.name}: a free one`,
    );
  }
});
