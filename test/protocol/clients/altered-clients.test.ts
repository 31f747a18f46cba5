import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import t, { type Test } from 'tap';
import { clientCertificateKind, clientKind } from '../../../src/identity/client-entry.ts';
import { type ClientCredentials, noCredentials } from '../../../src/identity/credentials.ts';
import { StoredClients } from '../../../src/protocol/authentication/client-directory.ts';
import { CredentialDirectory } from '../../../src/protocol/authentication/credential-directory.ts';
import { recordKey } from '../../../src/protocol/unit-of-work/record-boxes.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import type { Store } from '../../../src/store/store.ts';
import { sendAs, user } from '../credentials/credential-headers.ts';
import { TestService } from '../service.ts';
import { newClient } from './clients-suite.ts';

/**
 * Whoever writes to the database gains nothing by the rows of clients: after each change of a row the client
 * is refused, or keeps its second factor, and spent one-time passwords stay spent. One change is found later
 * only, by the set hash: a whole row of before that is put back, which still has its second factor.
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

type Row = Readonly<Record<string, SQLInputValue>>;

interface Opened {
  readonly service: TestService;
  readonly database: DatabaseSync;
  /** Key of the record of a client. */
  readonly keyOf: (client: string) => string;
  /** Key of the record of a client's certificate. */
  readonly certificateKeyOf: (client: keyof typeof enrolled) => string;
  readonly rowOf: (key: string) => Row;
  readonly put: (row: Row) => void;
  /** The rows of the client before it has used its one-time password. */
  readonly before: readonly Row[];
}

async function open(t: Test, credentials: ClientCredentials): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-altered-'));
  const file = join(directory, 'kmipd.db');
  const service = await TestService.open({ store: `sqlite:${file}` });
  const database = new DatabaseSync(file);
  t.teardown(async () => {
    database.close();
    await service.close();
    await rm(directory, { recursive: true });
  });
  const { store, vault, clients } = service;
  for (const client of Object.values(enrolled)) {
    await clients.add(client);
    await new CredentialDirectory(store, vault).set(client.name, credentials);
  }
  const keyOf = (client: string) => recordKey(vault, clientKind, client);
  const certificateKeyOf = (client: keyof typeof enrolled) =>
    recordKey(vault, clientCertificateKind, enrolled[client].fingerprint);
  const rowOf = (key: string) =>
    database.prepare('select * from sealed_record where key = ?').get(key) as Row;
  const put = (row: Row) => {
    const names = Object.keys(row);
    database
      .prepare(`replace into sealed_record (${names}) values (${names.map(() => '?')})`)
      .run(...Object.values(row));
  };
  const before = [rowOf(keyOf('tester')), rowOf(certificateKeyOf('tester'))];
  const { fingerprint, enrolledAt } = enrolled.tester;
  service.sender = { fingerprint, enrolledAt, secondFactor: credentials.users.length > 0 };
  return { service, database, keyOf, certificateKeyOf, rowOf, put, before };
}

/** What becomes of a row; `own` and `foreign` are the keys of this client and of the other one. */
const changes: Readonly<Record<string, (opened: Opened, own: string, foreign: string) => void>> = {
  deleted: ({ database }, own) => void database.prepare('delete from sealed_record where key = ?').run(own),
  'moved to the other client': ({ database, put, rowOf }, own, foreign) => {
    const row = rowOf(own);
    database.prepare('delete from sealed_record where key in (?, ?)').run(own, foreign);
    put({ ...row, key: foreign });
  },
  'moved to an unknown name': ({ database }, own) =>
    void database.prepare('update sealed_record set key = ? where key = ?').run('0'.repeat(32), own),
  'copied from the other client': ({ put, rowOf }, own, foreign) =>
    put({ ...rowOf(foreign), key: own, seq: rowOf(own).seq ?? null }),
  'with the box of the other client': ({ put, rowOf }, own, foreign) =>
    put({ ...rowOf(own), box: rowOf(foreign).box ?? null }),
  'in another group': ({ put, rowOf }, own) => put({ ...rowOf(own), grp: 'red' }),
  'of another kind': ({ put, rowOf }, own) => put({ ...rowOf(own), kind: 'ticket' }),
  'of another version': ({ put, rowOf }, own) =>
    put({ ...rowOf(own), version: Number(rowOf(own).version) + 1 }),
  'with the box of an older version': ({ put, rowOf, before }, own) => {
    const box = before.find(({ key }) => key === own)?.box ?? null;
    put({ ...rowOf(own), box, version: Number(rowOf(own).version) + 1 });
  },
  expired: ({ put, rowOf }, own) => put({ ...rowOf(own), expires: 1 }),
  'without a box': ({ put, rowOf }, own) => put({ ...rowOf(own), box: new Uint8Array() }),
};

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

for (const [what, keysOf] of Object.entries(rows))
  for (const [change, apply] of Object.entries(changes)) {
    t.test(
      `a client is refused, and its password stays spent, when its row (${what}) is ${change}`,
      async (t) => {
        const opened = await open(t, await withOneTimePassword());
        const { service } = opened;
        t.equal((await sendAs(service, '2.1', [locate], spent)).reasons, 'Success');
        apply(opened, ...keysOf(opened));
        // The session that is open already.
        for (const shown of [[], [spent]])
          t.not((await sendAs(service, '2.1', [locate], ...shown)).reasons, 'Success');
        const found = await service.clients.byFingerprint(enrolled.tester.fingerprint);
        t.equal(found, undefined, 'a new session is refused');
      },
    );
  }

t.test('every column of a record changes something above, or only orders', async (t) => {
  const { database } = await open(t, noCredentials);
  const columns = database.prepare("select name from pragma_table_info('sealed_record')").all();
  const covered = ['key', 'kind', 'grp', 'version', 'expires', 'box', 'seq'];
  t.same(columns.map(({ name }) => name).sort(), covered.sort());
});

t.test('an older row of a client, put back, lets nobody in', async (t) => {
  const opened = await open(t, await withOneTimePassword());
  const { service, before, put } = opened;
  t.equal((await sendAs(service, '2.1', [locate], spent)).reasons, 'Success');
  for (const row of before) put(row);
  t.equal(
    await service.clients.byFingerprint(enrolled.tester.fingerprint),
    undefined,
    'a later one was seen',
  );
  t.not((await sendAs(service, '2.1', [locate])).reasons, 'Success');
});

t.test('a certificate that was replaced is not enrolled by its row of before', async (t) => {
  const opened = await open(t, noCredentials);
  const { service, before, put, rowOf, certificateKeyOf } = opened;
  const { store, vault, clients } = service;
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 1 });
  unit.actFor('g');
  const { name, group, fingerprint } = enrolled.tester;
  const replacement = 'd4'.repeat(32);
  unit.reenrol({ client: name, group, before: fingerprint, fingerprint: replacement, certificate: 'new' });
  t.equal(await unit.commit(), 'committed');
  const [, certificate] = before as [Row, Row];
  put(certificate);
  t.ok(rowOf(certificateKeyOf('tester')), 'it is there again');
  t.equal(await clients.byFingerprint(fingerprint), undefined);
  t.match(await clients.byFingerprint(replacement), { name: 'tester' });
});

t.test('a row that the database answers in place of another one is not taken for it', async (t) => {
  const { service, keyOf } = await open(t, noCredentials);
  const { store, vault } = service;
  const lying = { record: () => store.record(clientKind, keyOf('other')) } as unknown as Store;
  t.match(await new StoredClients(lying, vault).byName('other'), { name: 'other' });
  t.equal(await new StoredClients(lying, vault).byName('tester'), undefined);
});

t.test('a forged row hides no other client, and can be removed', async (t) => {
  const opened = await open(t, noCredentials);
  const { service, put, rowOf, keyOf, certificateKeyOf } = opened;
  put({ ...rowOf(keyOf('other')), grp: 'red' });
  t.same(
    (await service.clients.list()).map(({ name }) => name),
    ['tester'],
  );
  put({ ...rowOf(certificateKeyOf('tester')), grp: 'red' });
  t.equal(await service.clients.remove('tester'), true, 'although its certificate’s row is forged too');
  t.same(await service.clients.list(), []);
});
