import type { Test } from 'tap';
import { isEnrolledSince } from '../../../src/identity/certificate.ts';
import { clientCertificateKind, clientKind } from '../../../src/identity/client-entry.ts';
import { type ClientCredentials, noCredentials } from '../../../src/identity/credentials.ts';
import { type ClientDirectory, omitForged } from '../../../src/identity/principal.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { ReProvision } from '../../../src/operations/certificates/re-provision.ts';
import { StoredClients } from '../../../src/protocol/authentication/client-directory.ts';
import { CredentialDirectory } from '../../../src/protocol/authentication/credential-directory.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { openDatabase } from '../../../src/store/open.ts';
import type { SqlRow as Row, SqlDriver } from '../../../src/store/sql-driver.ts';
import { createSqlStore } from '../../../src/store/sql-store.ts';
import { SealBrokenError, type Vault } from '../../../src/vault/vault.ts';
import { recordKey } from '../../row-index.ts';
import { sendAs, user } from '../credentials/credential-headers.ts';
import { openEnrolled } from '../enrolments.ts';
import { named, outcome, storedKey } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import { newClient } from './clients-suite.ts';

/**
 * Whoever writes to the database gains nothing by the rows of clients: after each change of a row the client
 * is refused, or keeps its second factor, spent one-time passwords stay spent, and its Names stay its own.
 * One change is found later only, by the set hash: a whole row of before that is put back, which still has
 * its second factor.
 */

const enrolled = {
  tester: newClient('tester', { group: 'g' }),
  other: newClient('other', { group: 'g', fingerprint: 'b2'.repeat(32) }),
};
const locate = { operation: 'Locate' };
const spent = {
  CredentialType: 'OneTimePassword',
  CredentialValue: { Username: 'alice', OneTimePassword: 'one' },
} as const;

/** A database as another program changes it. */
export interface ForeignDatabase {
  readonly store: string;
  /** Runs SQL with parameters $1, $2 …, and resolves to its rows. */
  run(sql: string, ...parameters: readonly string[]): Promise<readonly Row[]>;
  /** Inserts a row of sealed_record in place of those with its key or number. */
  put(row: Row): Promise<void>;
  columns(): Promise<readonly string[]>;
}

/** Creates a database for one test. */
export type OpenForeign = (t: Test) => Promise<ForeignDatabase>;

interface Opened extends ForeignDatabase {
  readonly service: TestService;
  /** Key of the record of a client. */
  readonly keyOf: (client: string) => string;
  /** Key of the record of a client's certificate. */
  readonly certificateKeyOf: (client: keyof typeof enrolled) => string;
  readonly rowOf: (key: string) => Promise<Row>;
  /** The rows of the client before it has used its one-time password. */
  readonly before: readonly Row[];
}

async function open(t: Test, openForeign: OpenForeign, credentials: ClientCredentials): Promise<Opened> {
  const database = await openForeign(t);
  const service = await TestService.open({ store: database.store });
  t.teardown(() => service.close());
  const { store, vault, clients } = service;
  for (const client of Object.values(enrolled)) {
    await clients.add(client);
    await new CredentialDirectory(store, vault).set(client.name, credentials);
  }
  const keyOf = (client: string) => recordKey(vault, clientKind, client);
  const certificateKeyOf = (client: keyof typeof enrolled) =>
    recordKey(vault, clientCertificateKind, enrolled[client].fingerprint);
  const rowOf = async (key: string) =>
    (await database.run('select * from sealed_record where key = $1', key))[0] as Row;
  const before = [await rowOf(keyOf('tester')), await rowOf(certificateKeyOf('tester'))];
  const { fingerprint, enrolledAt } = enrolled.tester;
  service.sender = { fingerprint, enrolledAt, secondFactor: credentials.users.length > 0 };
  return { ...database, service, keyOf, certificateKeyOf, rowOf, before };
}

/** Finds the client of the certificate, as a new session does. */
const find = (clients: ClientDirectory) => omitForged(clients.byFingerprint(enrolled.tester.fingerprint));

/** The clients of a database that answers every question with these rows. */
const lyingClients = (vault: Vault, answer: readonly Row[]) =>
  new StoredClients(
    createSqlStore({ searchSlots: 1, read: async () => answer } as unknown as SqlDriver),
    vault,
  );

/** What becomes of a row; `own` and `foreign` are the keys of this client and of the other one. */
const changes: Readonly<Record<string, (opened: Opened, own: string, foreign: string) => Promise<unknown>>> =
  {
    deleted: ({ run }, own) => run('delete from sealed_record where key = $1', own),
    'moved to the other client': async ({ run, put, rowOf }, own, foreign) => {
      const row = await rowOf(own);
      await run('delete from sealed_record where key in ($1, $2)', own, foreign);
      await put({ ...row, key: foreign });
    },
    'moved to an unknown name': ({ run }, own) =>
      run('update sealed_record set key = $1 where key = $2', '0'.repeat(32), own),
    'copied from the other client': async ({ put, rowOf }, own, foreign) =>
      put({ ...(await rowOf(foreign)), key: own, seq: (await rowOf(own)).seq ?? null }),
    'with the box of the other client': async ({ put, rowOf }, own, foreign) =>
      put({ ...(await rowOf(own)), box: (await rowOf(foreign)).box ?? null }),
    'in another group': async ({ put, rowOf }, own) => put({ ...(await rowOf(own)), grp: 'red' }),
    'of another kind': async ({ put, rowOf }, own) => put({ ...(await rowOf(own)), kind: 'ticket' }),
    'of another version': async ({ put, rowOf }, own) => {
      const row = await rowOf(own);
      await put({ ...row, version: Number(row.version) + 1 });
    },
    'with the box of an older version': async ({ put, rowOf, before }, own) => {
      const box = before.find(({ key }) => key === own)?.box ?? null;
      const row = await rowOf(own);
      await put({ ...row, box, version: Number(row.version) + 1 });
    },
    expired: async ({ put, rowOf }, own) => put({ ...(await rowOf(own)), expires: 1 }),
    'without a box': async ({ put, rowOf }, own) => put({ ...(await rowOf(own)), box: new Uint8Array() }),
  };

/** Whether a row is not found any more after that change. */
const isAbsent = (change: string) => change === 'deleted' || /^(moved|of another kind)/.test(change);

/** The rows of a client. */
const rows = {
  client: ({ keyOf }: Opened) => [keyOf('tester'), keyOf('other')] as const,
  certificate: ({ certificateKeyOf }: Opened) =>
    [certificateKeyOf('tester'), certificateKeyOf('other')] as const,
};

const withOneTimePassword = async () => ({
  users: [await user('alice', 'right', ['one', 'two'])],
  devices: [],
});

/** Tests on an engine. */
export async function alteredClientsSuite(t: Test, openForeign: OpenForeign): Promise<void> {
  await testRefusals(t, openForeign);
  await testColumns(t, openForeign);
  await testOlderRow(t, openForeign);
  await testReplacedCertificate(t, openForeign);
  await testOtherRow(t, openForeign);
  await testOtherKind(t, openForeign);
  await testNames(t, openForeign);
  await testForgedRow(t, openForeign);
  await testUnreadable(t, openForeign);
}

async function testRefusals(t: Test, openForeign: OpenForeign): Promise<void> {
  for (const [what, keysOf] of Object.entries(rows))
    for (const [change, apply] of Object.entries(changes)) {
      await t.test(
        `a client is refused, and its password stays spent, when its row (${what}) is ${change}`,
        async (t) => {
          const opened = await open(t, openForeign, await withOneTimePassword());
          const { service } = opened;
          t.equal((await sendAs(service, '2.1', [locate], spent)).reasons, 'Success');
          await apply(opened, ...keysOf(opened));
          // The session that is open already.
          for (const shown of [[], [spent]])
            t.not((await sendAs(service, '2.1', [locate], ...shown)).reasons, 'Success');
          t.equal(await find(service.clients), undefined, 'a new session is refused');
        },
      );
    }
}

async function testColumns(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('every column of a record changes something above, or only orders', async (t) => {
    const { columns } = await open(t, openForeign, noCredentials);
    const covered = ['key', 'kind', 'grp', 'version', 'expires', 'box', 'seq'];
    t.same([...(await columns())].sort(), covered.sort());
  });
}

async function testOlderRow(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('an older row of a client, put back, lets nobody in', async (t) => {
    const opened = await open(t, openForeign, await withOneTimePassword());
    const { service, before, put } = opened;
    t.equal((await sendAs(service, '2.1', [locate], spent)).reasons, 'Success');
    for (const row of before) await put(row);
    t.equal(await find(service.clients), undefined, 'a later one was seen');
    t.not((await sendAs(service, '2.1', [locate])).reasons, 'Success');
  });
}

async function testReplacedCertificate(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('a certificate that was replaced is not enrolled by its row of before', async (t) => {
    const opened = await open(t, openForeign, noCredentials);
    const { service, before, put, rowOf, certificateKeyOf } = opened;
    const { store, vault, clients } = service;
    const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 1 });
    unit.actFor('g');
    const { name, group, fingerprint } = enrolled.tester;
    const replacement = 'd4'.repeat(32);
    unit.reenrol({ client: name, group, before: fingerprint, fingerprint: replacement, certificate: 'new' });
    t.equal(await unit.commit(), 'committed');
    const [, certificate] = before as [Row, Row];
    await put(certificate);
    t.ok(await rowOf(certificateKeyOf('tester')), 'it is there again');
    t.equal(await find(clients), undefined);
    t.match(await clients.byFingerprint(replacement), { name: 'tester' });
  });
}

async function testOtherRow(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('a row that the database answers in place of another one is not taken for it', async (t) => {
    const { service, keyOf, rowOf } = await open(t, openForeign, noCredentials);
    const lying = lyingClients(service.vault, [await rowOf(keyOf('other'))]);
    t.match(await lying.byName('other'), { name: 'other' });
    await t.rejects(lying.byName('tester'), SealBrokenError);
  });
}

async function testOtherKind(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('a row of another kind is no client, whatever the database answers', async (t) => {
    const { service, keyOf, certificateKeyOf, rowOf } = await open(t, openForeign, noCredentials);
    const lying = lyingClients(service.vault, [
      await rowOf(keyOf('other')),
      await rowOf(certificateKeyOf('tester')),
    ]);
    t.match(await lying.list(), [{ name: 'other' }]);
    await t.rejects(lying.list('refuse'), SealBrokenError, 'where one that is not known may matter');
  });
}

async function testNames(t: Test, openForeign: OpenForeign): Promise<void> {
  for (const [change, apply] of Object.entries(changes))
    await t.test(`the Names of a client stay its own when its row is ${change}`, async (t) => {
      const opened = await open(t, openForeign, noCredentials);
      const { service, store, keyOf } = opened;
      const { name, enrolledAt } = enrolled.tester;
      service.sender = { ...enrolled.tester, client: name };
      const UniqueIdentifier = await storedKey(service, named('a'));
      service.sender = {
        ...enrolled.other,
        client: 'other',
        may: (operation) => operation !== 'ForeignNames',
      };
      const rename = () =>
        outcome(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute: named('b') });
      t.equal(await rename(), 'PermissionDenied');
      const daemon = await openDatabase(store);
      t.teardown(() => daemon.close());
      await daemon.protectRecords(service.vault);
      await apply(opened, keyOf('tester'), keyOf('other'));
      const isEnrolled = isEnrolledSince(
        { client: name, enrolledAt },
        new StoredClients(daemon.store, service.vault),
      );
      await t.rejects(isEnrolled, SealBrokenError, 'a daemon knows which rows there are');
      // The store of the service does not: to it, what has no row is no client.
      if (!isAbsent(change)) t.equal(await rename(), 'GeneralFailure');
    });
}

async function testForgedRow(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test('a forged row hides no other client, and can be removed', async (t) => {
    const opened = await open(t, openForeign, noCredentials);
    const { service, put, rowOf, keyOf, certificateKeyOf } = opened;
    await put({ ...(await rowOf(keyOf('other'))), grp: 'red' });
    t.same(
      (await service.clients.list()).map(({ name }) => name),
      ['tester'],
    );
    await put({ ...(await rowOf(certificateKeyOf('tester'))), grp: 'red' });
    t.equal(await service.clients.remove('tester'), true, 'although its certificate’s row is forged too');
    t.same(await service.clients.list(), []);
  });
}

async function testUnreadable(t: Test, openForeign: OpenForeign): Promise<void> {
  await t.test(
    'a key that others could fetch is made for nobody while a client cannot be read',
    async (t) => {
      const { store, run } = await openForeign(t);
      const { service, enrol, change, entry } = await openEnrolled(t, { store });
      await enrol('neighbour');
      const key = recordKey(service.vault, clientKind, 'neighbour');
      await run("update sealed_record set grp = 'red' where key = $1", key);
      t.equal(await outcome(service, '2.1', ReProvision, {}), 'GeneralFailure');
      await run("update sealed_record set grp = 'g' where key = $1", key);
      await change(await entry('neighbour'), { group: 'red' });
      t.equal(await outcome(service, '2.1', ReProvision, {}), 'Success');
    },
  );
}
