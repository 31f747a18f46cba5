import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { createAuthority, issueServer } from '../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import { openDatabase } from '../../src/store/open.ts';
import { startPostgres } from './embedded-postgres.ts';
import { startForwarder } from './forwarder.ts';
import { add, object } from './objects.ts';
import { openWritable } from './start-lanes.ts';

/** How connections are made: rights, passwords, TLS, sockets, several servers. */

const authorityKey = await generateKey('ec');
const authority = openAuthority(await createAuthority('authority of the test', authorityKey), authorityKey);
const serverKey = await generateKey('ec');
const certificate = await issueServer(authority, serverKey, ['localhost', '0.0.0.0']);

const plain = await startPostgres();
const encrypted = await startPostgres({
  tls: { certificate, key: privateKeyToPem(serverKey) },
  rules: 'hostnossl all only_encrypted 0.0.0.0/0 reject\nhostssl all only_plain 0.0.0.0/0 reject',
});

if (typeof plain === 'string' || typeof encrypted === 'string') {
  t.test('PostgreSQL', { skip: String(typeof plain === 'string' ? plain : encrypted) }, async () => {});
} else {
  t.teardown(() => Promise.all([plain.stop(), encrypted.stop()]));
  const password = 'correct horse';
  for (const role of ['reader', 'only_encrypted', 'only_plain'])
    await encrypted.administer(`create role ${role} login password '${password}'`);
  await plain.administer(`create role reader login password '${password}'`);

  /** Opens the store and closes it; resolves to 'open' or to the message of the error. */
  const attempt = (url: string): Promise<string> =>
    openDatabase(url).then(
      async ({ close }) => {
        await close();
        return 'open';
      },
      (error: Error) => `${error.name}: ${error.message}`,
    );

  const withChanges = (
    url: string,
    changes: Partial<URL>,
    parameters: Readonly<Record<string, string>> = {},
  ) => {
    const changed = Object.assign(new URL(url), changes);
    for (const [name, value] of Object.entries(parameters)) changed.searchParams.set(name, value);
    return changed.href;
  };

  t.test('a missing right is named with database, role and grant', async (t) => {
    const url = await plain.fresh();
    const name = new URL(url).pathname.slice(1);
    const asReader = withChanges(url, { username: 'reader', password });
    const superuser = new pg.Client({ connectionString: url });
    await superuser.connect();
    // PostgreSQL 14 lets every role create tables.
    await superuser.query('revoke create on schema public from public');
    await superuser.end();
    t.match(
      await attempt(asReader),
      new RegExp(
        `^StoreUnavailableError: cannot open postgres://127.0.0.1:\\d+/${name}: role "reader" lacks a right in database ` +
          `"${name}" \\(permission denied for schema public\\); run there as its owner: GRANT USAGE, CREATE ON SCHEMA public TO "reader"$`,
      ),
    );
    const { close } = await openDatabase(url);
    await close();
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    await owner.query('grant usage, create on schema public to reader');
    await owner.end();
    const tables = await attempt(asReader);
    t.match(tables, /role "reader" lacks a right/, 'tables of another owner');
    t.match(tables, /GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "reader"$/);
    for (const [schema, quoted] of [
      ['keys', 'keys'],
      ['Key "store"', '"Key ""store"""'],
    ] as const) {
      const identifier = pg.escapeIdentifier(schema);
      const administrator = new pg.Client({ connectionString: url });
      await administrator.connect();
      await administrator.query(`create schema ${identifier}; grant usage, create on schema ${identifier} to reader;
        create table ${identifier}.migration (version int, name text, applied int);
        alter role reader set search_path = ${identifier}`);
      const refusal = await attempt(asReader);
      await administrator.query('alter role reader reset search_path');
      await administrator.end();
      const grant = `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${quoted} TO "reader"`;
      t.ok(refusal.endsWith(grant), refusal);
    }
  });

  t.test('a missing password is one clear line, a wrong one names no password', async (t) => {
    const url = await plain.fresh();
    const { PGPASSWORD, PGPASSFILE } = process.env;
    delete process.env.PGPASSWORD;
    process.env.PGPASSFILE = '/nonexistent';
    t.teardown(() => {
      if (PGPASSWORD !== undefined) process.env.PGPASSWORD = PGPASSWORD;
      if (PGPASSFILE === undefined) delete process.env.PGPASSFILE;
      else process.env.PGPASSFILE = PGPASSFILE;
    });
    t.match(
      await attempt(withChanges(url, { username: 'reader', password: '' })),
      /the server asks for the password of role "reader": set PGPASSWORD, or put it into ~\/\.pgpass or the URL$/,
    );
    const wrong = await attempt(withChanges(url, { username: 'reader', password: 'wrong-one' }));
    t.match(wrong, /password authentication failed for user "reader"$/);
    t.notMatch(wrong, /wrong-one/);
  });

  t.test('passwords with characters of URIs are sent as they are', async (t) => {
    const url = await plain.fresh();
    for (const [at, difficult] of ['a#b', 'a/b', 'a b', 'a@b', 'a%b', 'a?b', 'a:b', 'ü'].entries()) {
      const role = `difficult_${at}`;
      await plain.administer(`create role ${role} superuser login password '${difficult}'`);
      t.equal(
        await attempt(withChanges(url, { username: role, password: encodeURIComponent(difficult) })),
        'open',
        difficult,
      );
    }
  });

  const ca = join(t.testdir(), 'ca.pem');
  const otherCa = join(t.testdirName, 'other.pem');
  writeFileSync(ca, authority.certificate);
  const otherKey = await generateKey('ec');
  writeFileSync(otherCa, await createAuthority('another authority', otherKey));

  const unverified =
    /"(0\.0\.0\.0|127\.1)" is another host .* by sslrootcert=FILE .* put sslmode=disable into the URL on purpose$/;
  /**
   * Encryption of the session by sslmode (PostgreSQL manual, table 34.1): true, false or a refusal.
   * `0.0.0.0` and `127.1` count as other hosts and lead to this one.
   */
  const modes: readonly (readonly [
    what: string,
    server: 'plain' | 'encrypted',
    parameters: Readonly<Record<string, string>>,
    expected: boolean | RegExp,
    changes?: Partial<URL>,
  ])[] = [
    ['disable', 'encrypted', { sslmode: 'disable' }, false],
    ['disable', 'plain', { sslmode: 'disable' }, false],
    ['no sslmode', 'encrypted', {}, true],
    ['no sslmode', 'plain', {}, false],
    ['no sslmode, another host, no authority', 'encrypted', {}, unverified, { hostname: '0.0.0.0' }],
    ['no sslmode, another host', 'encrypted', { sslrootcert: ca }, true, { hostname: '0.0.0.0' }],
    [
      'no sslmode, another host, another name in the certificate',
      'encrypted',
      { sslrootcert: ca },
      new RegExp(`altnames.*; ${unverified.source}`),
      { hostname: '127.1' },
    ],
    [
      'no sslmode, another host, another authority',
      'encrypted',
      { sslrootcert: otherCa },
      new RegExp(`certificate.*; ${unverified.source}`),
      { hostname: '0.0.0.0' },
    ],
    [
      'no sslmode, another host',
      'plain',
      { sslrootcert: ca },
      new RegExp(`does not support SSL connections; ${unverified.source}`),
      { hostname: '0.0.0.0' },
    ],
    ['disable, another host', 'encrypted', { sslmode: 'disable' }, false, { hostname: '0.0.0.0' }],
    ['prefer, another host', 'encrypted', { sslmode: 'prefer' }, true, { hostname: '0.0.0.0' }],
    ['prefer, another host', 'plain', { sslmode: 'prefer' }, false, { hostname: '0.0.0.0' }],
    ['prefer', 'encrypted', { sslmode: 'prefer' }, true],
    ['prefer', 'plain', { sslmode: 'prefer' }, false],
    ['prefer, a role without TLS', 'encrypted', { sslmode: 'prefer' }, false, { username: 'only_plain' }],
    ['allow', 'encrypted', { sslmode: 'allow' }, false],
    ['allow, a role with TLS only', 'encrypted', { sslmode: 'allow' }, true, { username: 'only_encrypted' }],
    ['require', 'encrypted', { sslmode: 'require' }, true],
    ['require', 'plain', { sslmode: 'require' }, /does not support SSL/],
    ['require with an authority', 'encrypted', { sslmode: 'require', sslrootcert: ca }, true],
    [
      'require with another authority',
      'encrypted',
      { sslmode: 'require', sslrootcert: otherCa },
      /certificate/,
    ],
    ['verify-ca', 'encrypted', { sslmode: 'verify-ca', sslrootcert: ca }, true],
    [
      'verify-ca, another authority',
      'encrypted',
      { sslmode: 'verify-ca', sslrootcert: otherCa },
      /certificate/,
    ],
    ['verify-ca without an authority', 'encrypted', { sslmode: 'verify-ca' }, /name it by sslrootcert=FILE/],
    [
      'verify-ca, a file that is not there',
      'encrypted',
      { sslmode: 'verify-ca', sslrootcert: '/none' },
      /cannot read sslrootcert \/none of the store: there is no such file/,
    ],
    [
      'verify-full, the name of the certificate',
      'encrypted',
      { sslmode: 'verify-full', sslrootcert: ca },
      true,
      { hostname: 'localhost' },
    ],
    ['verify-full, an address', 'encrypted', { sslmode: 'verify-full', sslrootcert: ca }, /127\.0\.0\.1/],
    ['the authorities of the system', 'encrypted', { sslrootcert: 'system' }, /certificate|self.signed/],
  ];
  for (const [what, server, parameters, expected, changes = {}] of modes) {
    t.test(`sslmode: ${what}; the server is ${server}`, async (t) => {
      const { HOME } = process.env;
      process.env.HOME = t.testdir();
      t.teardown(() => {
        process.env.HOME = HOME;
      });
      const target = server === 'plain' ? plain : encrypted;
      const base = await target.fresh();
      if (changes.username !== undefined)
        await target.administer(
          `alter database ${new URL(base).pathname.slice(1)} owner to ${changes.username}`,
        );
      const url = withChanges(base, { ...(changes.username && { password }), ...changes }, parameters);
      if (expected instanceof RegExp) {
        t.match(await attempt(url), expected);
        return;
      }
      const { close } = await openDatabase(url);
      t.teardown(close);
      const observer = new pg.Client({ connectionString: target.url });
      await observer.connect();
      const { rows } = await observer.query(
        `select bool_and(ssl) as encrypted from pg_stat_ssl join pg_stat_activity using (pid)
          where application_name = 'kmipd' and datname = $1`,
        [new URL(base).pathname.slice(1)],
      );
      await observer.end();
      // The store opens its connections when it needs them.
      t.equal(rows[0].encrypted ?? expected, expected);
    });
  }

  t.test('a Unix-domain socket by host=/directory', async (t) => {
    const url = await plain.fresh();
    const directories = new pg.Client({ connectionString: plain.url });
    await directories.connect();
    const { rows } = await directories.query('show unix_socket_directories');
    await directories.end();
    const { port, pathname } = new URL(url);
    const directory = encodeURIComponent(rows[0].unix_socket_directories);
    t.equal(
      await attempt(
        `postgres://postgres:postgres@${pathname}?host=${directory}&port=${port}&sslmode=require`,
      ),
      'open',
    );
    t.equal(
      await attempt(`postgres://postgres:postgres@${pathname}?host=${directory}&port=${port}`),
      'open',
      'without sslmode',
    );
  });

  t.test('of several servers the first that answers and writes is used', async (t) => {
    const url = await plain.fresh();
    const { port, pathname } = new URL(url);
    const login = 'postgres://postgres:postgres@';
    t.equal(await attempt(`${login}127.0.0.1:1,127.0.0.1:${port}${pathname}`), 'open');
    t.equal(await attempt(`${login}127.0.0.1:${port},127.0.0.1:1${pathname}`), 'open');
    t.match(
      await attempt(`${login}127.0.0.1:1,127.0.0.1:2${pathname}`),
      /^StoreUnavailableError: cannot open .*:1\/.*ECONNREFUSED/,
    );
  });

  for (const attributes of ['', '?target_session_attrs=any', '?target_session_attrs=primary'])
    t.test(`a server that is read-only is passed over, with "${attributes}"`, async (t) => {
      const name = `kmipd_test_passed_over_${process.pid}`;
      const url = Object.assign(new URL(plain.url), { pathname: `/${name}` });
      for (const each of [plain, encrypted])
        await each.administer(`create database ${name} template template0 encoding 'UTF8'`);
      await encrypted.administer(`alter database ${name} set default_transaction_read_only = on`);
      const { host } = new URL(encrypted.url);
      const login = 'postgres://postgres:postgres@';
      t.match(
        await attempt(`${login}${host}${url.pathname}${attributes}`),
        /^StoreUnavailableError: postgres:.* is read-only \(default_transaction_read_only\)/,
      );
      const { store, close } = await openWritable(`${login}${host},${url.host}${url.pathname}${attributes}`);
      t.teardown(async () => {
        await close();
        for (const each of [plain, encrypted]) await each.administer(`drop database ${name} with (force)`);
      });
      await add(store, object('a'));
      const written = new pg.Client({ connectionString: url.href });
      await written.connect();
      t.equal((await written.query('select id from managed_object')).rowCount, 1);
      await written.end();
    });

  t.test('a standby is refused, and passed over where another server is named', async (t) => {
    const standby = await startPostgres({ standby: true });
    if (typeof standby === 'string') throw new Error(standby);
    t.teardown(() => standby.stop());
    t.match(
      await attempt(standby.url),
      /^StoreUnavailableError: postgres:.* is a standby: name the primary, or both$/,
    );
    const { host, pathname } = new URL(await plain.fresh());
    const both = `postgres://postgres:postgres@${new URL(standby.url).host},${host}`;
    // The database exists on the second server only, and one of both servers on both.
    t.equal(await attempt(`${both}${pathname}`), 'open');
    t.equal(await attempt(`${both}/postgres`), 'open');
  });

  t.test('when the server in use has gone, the next call uses another one', async (t) => {
    const url = await plain.fresh();
    const { port, pathname } = new URL(url);
    const forward = await startForwarder(Number(port));
    const { store, close } = await openWritable(
      `postgres://postgres:postgres@127.0.0.1:${forward.port},127.0.0.1:${port}${pathname}?sslmode=disable`,
    );
    t.teardown(close);
    await add(store, object('before'));
    t.equal(forward.connections > 0, true, 'the first server was in use');
    await forward.stop();
    t.equal((await store.load('blue', ['before'])).length, 1);
    await add(store, object('after'));
    t.equal((await store.load('blue', ['before', 'after'])).length, 2);
  });
}
