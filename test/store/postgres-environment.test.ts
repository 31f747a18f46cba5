import { webcrypto, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createAuthority, issueClient, issueServer } from '../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import { X509CrlGenerator } from '../../certs/x509.ts';
import { openDatabase } from '../../src/store/open.ts';
import { startPostgres } from './embedded-postgres.ts';

/** What libpq reads from the environment and from ~/.postgresql where the URL says nothing. */

const authorityKey = await generateKey('ec');
const authorityPem = await createAuthority('authority of the test', authorityKey);
const authority = openAuthority(authorityPem, authorityKey);
const serverKey = await generateKey('ec');
const certificate = await issueServer(authority, serverKey, ['localhost']);
const client = await issueClient(authority, 'by_certificate');
const clientKey = privateKeyToPem(client.key);

const directory = t.testdir();

/** A revocation list of the authority with these certificates. */
async function revoke(...certificates: readonly string[]): Promise<string> {
  const list = await X509CrlGenerator.create(
    {
      issuer: new X509Certificate(authorityPem).subject,
      thisUpdate: new Date(Date.now() - 60_000),
      nextUpdate: new Date(Date.now() + 3_600_000),
      entries: certificates.map((pem) => ({ serialNumber: new X509Certificate(pem).serialNumber })),
      signingKey: authorityKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
        'sign',
      ]) as CryptoKey,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    },
    webcrypto as Crypto,
  );
  const base64 = Buffer.from(list.rawData).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`;
}

const server = await startPostgres({
  tls: { certificate, key: privateKeyToPem(serverKey), clientAuthority: authorityPem },
  rules: 'hostssl all by_certificate 0.0.0.0/0 cert\nhostnossl all only_encrypted 0.0.0.0/0 reject',
});
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  const password = 'correct horse';
  await server.administer(`create role only_encrypted superuser login password '${password}'`);
  await server.administer('create role by_certificate superuser login');

  /**
   * Opens the store of a new database as a role, in an environment and with files in ~/.postgresql;
   * resolves to 'open' or to the message of the error.
   */
  const attempt = async (
    t: Test,
    role: string,
    environment: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const home = t.testdir();
    mkdirSync(join(home, '.postgresql'));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(home, '.postgresql', name), content, { mode: 0o600 });
    const url = new URL(await server.fresh());
    const changes = { ...environment, HOME: home };
    const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, changes);
    try {
      const { close } = await openDatabase(
        `postgres://${role}@localhost:${url.port}${url.pathname}?password=${encodeURIComponent(password)}`,
      );
      await close();
      return 'open';
    } catch (error) {
      return (error as Error).message;
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  };

  t.test('PGSSLMODE counts where the URL has no sslmode', async (t) => {
    t.equal(await attempt(t, 'only_encrypted'), 'open', 'prefer');
    t.match(await attempt(t, 'only_encrypted', { PGSSLMODE: 'disable' }), /pg_hba.conf rejects connection/);
    t.match(
      await attempt(t, 'only_encrypted', { PGSSLMODE: 'verify-full' }),
      /sslmode=verify-full needs the certificate of the authority/,
    );
    t.match(
      await attempt(t, 'only_encrypted', { PGSSLMODE: 'on' }),
      /the URL of the store leaves sslmode to the variable PGSSLMODE, which has an unknown sslmode; choose/,
    );
  });

  t.test('PGSSLROOTCERT names the authority, else ~/.postgresql/root.crt does', async (t) => {
    const environment = { PGSSLMODE: 'verify-full' };
    t.equal(await attempt(t, 'only_encrypted', environment, { 'root.crt': authorityPem }), 'open');
    const other = await createAuthority('another authority', await generateKey('ec'));
    t.match(await attempt(t, 'only_encrypted', environment, { 'root.crt': other }), /certificate/);
    const stated = join(directory, 'ca.pem');
    writeFileSync(stated, authorityPem);
    t.equal(
      await attempt(t, 'only_encrypted', { ...environment, PGSSLROOTCERT: stated }, { 'root.crt': other }),
      'open',
    );
    t.match(
      await attempt(t, 'only_encrypted', { ...environment, PGSSLROOTCERT: '/none' }),
      /cannot read sslrootcert \/none of the store: there is no such file/,
    );
  });

  t.test('a server on the revocation list in ~/.postgresql/root.crl is refused', async (t) => {
    const environment = { PGSSLMODE: 'verify-full' };
    const withList = async (list: string) =>
      attempt(t, 'only_encrypted', environment, { 'root.crt': authorityPem, 'root.crl': list });
    t.equal(await withList(await revoke(client.certificate)), 'open');
    t.match(await withList(await revoke(certificate)), /certificate revoked/);
  });

  t.test('~/.postgresql/postgresql.crt and .key, or PGSSLCERT and PGSSLKEY, are shown', async (t) => {
    const files = { 'postgresql.crt': client.certificate, 'postgresql.key': clientKey };
    t.match(await attempt(t, 'by_certificate'), /requires a valid client certificate/);
    t.equal(await attempt(t, 'by_certificate', {}, files), 'open');
    t.match(
      await attempt(t, 'by_certificate', {}, { 'postgresql.crt': client.certificate }),
      /cannot read sslkey \S+\/\.postgresql\/postgresql\.key of the store: there is no such file/,
    );
    const [certFile, keyFile] = ['cert.pem', 'key.pem'].map((name) => join(directory, name));
    writeFileSync(String(certFile), client.certificate);
    writeFileSync(String(keyFile), clientKey, { mode: 0o600 });
    const environment = { PGSSLCERT: String(certFile), PGSSLKEY: String(keyFile) };
    t.equal(await attempt(t, 'by_certificate', environment), 'open');
    chmodSync(String(keyFile), 0o644);
    t.match(
      await attempt(t, 'by_certificate', environment),
      /^sslkey \S+key\.pem of the store can be read or changed by others: chmod 600/,
    );
  });

  t.test(
    'PGTARGETSESSIONATTRS that kmipd cannot do with, and unsupported variables, are refused',
    async (t) => {
      t.equal(await attempt(t, 'only_encrypted', { PGTARGETSESSIONATTRS: 'read-write' }), 'open');
      t.match(
        await attempt(t, 'only_encrypted', { PGTARGETSESSIONATTRS: 'standby' }),
        /leaves target_session_attrs to the variable PGTARGETSESSIONATTRS, which has target_session_attrs that/,
      );
      t.match(
        await attempt(t, 'only_encrypted', { PGCHANNELBINDING: 'require' }),
        /leaves channel_binding to the variable PGCHANNELBINDING, which is not supported: unset it/,
      );
    },
  );
}
