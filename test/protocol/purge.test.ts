import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { verifyRows } from '../../src/cli/verification/verify-rows.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import { Locate } from '../../src/operations/locate.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { type PurgedDatabase, type PurgeOptions, purgePage } from '../../src/protocol/purge.ts';
import { attributesOf, named, outcome, storedKey, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** Of a destroyed object that was purged, a tombstone without texts is left. */

const service = await TestService.open({ uniqueNames: true });
t.teardown(() => service.close());

const written: readonly Attribute[] = [
  { name: 'Comment', value: 'written by a client' },
  { name: 'Description', value: 'written by a client' },
  { name: 'ContactInformation', value: 'somebody' },
  { name: 'ObjectGroup', value: 'a group' },
  { name: 'ApplicationSpecificInformation', value: { ApplicationNamespace: 'ssh', ApplicationData: 'x' } },
  { name: 'Custom', vendor: 'x', value: { type: 'TextString', value: 'written by a client' } } as never,
];

const database = {
  vault: service.vault,
  list: (after: number) => service.snapshot((rows) => rows.destroyDates(after)),
};
/** Identifiers that the last purge has stated. */
let purgedIds: string[] = [];
async function purgeAll(purged: PurgedDatabase, options: PurgeOptions): Promise<number> {
  let count = 0;
  purgedIds = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<typeof purgePage>> = await purgePage(purged, after, options);
    count += page.count;
    purgedIds.push(...page.ids);
    after = page.next;
  }
  return count;
}
const seconds = () => Math.floor(service.now / 1000);
const purge = (destroyedUntil = seconds(), dryRun = false) =>
  purgeAll({ ...database, store: service.store }, { destroyedUntil, now: seconds(), dryRun });
const dryRun = (): PurgeOptions => ({ destroyedUntil: seconds(), now: seconds(), dryRun: true });
const verify = () => service.snapshot((rows) => verifyRows(rows, service.vault, async () => {}));

const make = (name: string) => storedKey(service, named(name), ...written);
const destroy = async (id: string) => {
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: id,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise', RevocationMessage: 'found in a café' },
  });
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
};

const living = await make('living');
const early = await make('early');
for (const [LinkType, LinkedObjectIdentifier] of [
  ['ParentLink', living],
  ['ChildLink', 'any text of a client'],
] as const)
  await succeed(service, '2.1', AddAttribute, {
    UniqueIdentifier: early,
    NewAttribute: { name: 'Link', value: { LinkType, LinkedObjectIdentifier } },
  });
await destroy(early);
const boundary = seconds();
service.now += 86_400_000;
const late = await make('late');
await destroy(late);
const before = await attributesOf(service, early);

t.test('objects are counted before', async (t) => {
  t.equal(await purge(seconds(), true), 2);
  t.strictSame(purgedIds, []);
  t.same(await attributesOf(service, early), before, 'nothing has changed');
});

t.test('what was destroyed long ago is purged, once', async (t) => {
  t.equal(await purge(boundary), 1);
  t.strictSame(purgedIds, [early]);
  t.equal(await purge(boundary), 0);
  const left = await attributesOf(service, early);
  const namesOf = (attributes: typeof left) => attributes.map(({ name }) => name);
  for (const name of [...namesOf([named(''), ...written]), 'Digest']) {
    t.ok(namesOf(before).includes(name), `${name} was there`);
    t.notOk(namesOf(left).includes(name), `no ${name}`);
  }
  t.match(left.find(({ name }) => name === 'RevocationReason')?.value, {
    RevocationReasonCode: 'KeyCompromise',
  });
  t.strictSame(
    left.filter(({ name }) => name === 'Link').map(({ value }) => value),
    [{ LinkType: 'ParentLink', LinkedObjectIdentifier: living }],
    'a Link to an object',
  );
  t.notMatch(
    JSON.stringify(left, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    /café|client/,
  );
  for (const name of [
    'UniqueIdentifier',
    'ObjectType',
    'State',
    'DestroyDate',
    'CompromiseDate',
    'InitialDate',
  ]) {
    const was = before.find((each) => each.name === name)?.value;
    t.not(was, undefined, name);
    t.same(left.find((each) => each.name === name)?.value, was, name);
  }
  for (const id of [living, late])
    t.ok(
      (await attributesOf(service, id)).some(({ name }) => name === 'Comment'),
      'others stay as they are',
    );
});

t.test('a tombstone is no other object', async (t) => {
  t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: early }), 'ObjectDestroyed');
  const found = await succeed(service, '2.1', Locate, { StorageStatusMask: 7, Attributes: [named('early')] });
  t.same(found.UniqueIdentifier, []);
  const value = {
    type: 'OpaqueObject',
    value: { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(1) },
  };
  const request = { UniqueIdentifier: early, ObjectType: 'OpaqueObject', Attributes: [], Object: value };
  t.equal(
    await outcome(service, '2.1', Import, request),
    'ObjectAlreadyExists',
    'its identifier stays taken',
  );
  t.match(await verify(), { problems: [], objects: 3 });
});

t.test('a purge ends although clients create objects meanwhile', async (t) => {
  let [created, pages] = [0, 0];
  const growing: PurgedDatabase['list'] = async (after) => {
    pages += 1;
    const page = await database.list(after);
    if (created < 3) await make(`meanwhile ${created++}`);
    return page;
  };
  t.equal(await purgeAll({ ...database, store: service.store, list: growing }, dryRun()), 1);
  t.equal(pages, 1, 'what was created later is not looked at');
});

t.test('many objects are purged, also while clients change them', async (t) => {
  const ids: string[] = [];
  for (let at = 0; at < 70; at += 1) ids.push(await make(`many ${at}`));
  for (const id of ids) await destroy(id);
  const { commit } = service.store;
  let conflicts = 0;
  const store: typeof service.store = {
    ...service.store,
    commit: (unit) => (conflicts++ === 0 ? Promise.resolve('conflict') : commit(unit)),
  };
  const options = { destroyedUntil: seconds(), now: seconds(), dryRun: false };
  t.equal(await purgeAll({ ...database, store }, options), 71);
  t.equal(new Set(purgedIds).size, 71);
  t.equal(conflicts, 3, 'two commits, the first tried again');
  t.match(await verify(), { problems: [], objects: 74 });
  const busy = { ...store, commit: () => Promise.resolve('conflict' as const) };
  await destroy(living);
  await t.rejects(purgeAll({ ...database, store: busy }, options), { message: /try again/ });
});
