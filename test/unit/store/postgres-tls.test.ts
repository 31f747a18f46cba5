import t from 'tap';
import { type PostgresUrl, parsePostgresUrl } from '../../../src/common/postgres-url.ts';
import { chooseEncryption } from '../../../src/store/postgres-tls.ts';

/** Which hosts need TLS and a valid certificate when the URI has no sslmode. */

const url = parsePostgresUrl('postgres://') as PostgresUrl;
const { HOME } = process.env;
process.env.HOME = t.testdir();
t.teardown(() => {
  process.env.HOME = HOME;
});

for (const host of ['localhost', '127.0.0.1', '127.255.3.9', '::1'])
  t.test(`${host} is this host`, async (t) => {
    t.strictSame(chooseEncryption(host, url).encryptions, [{ rejectUnauthorized: false }, false]);
  });

t.test('a socket is on this host and has no TLS', async (t) => {
  t.strictSame(chooseEncryption('/run/postgresql', url).encryptions, [false]);
});

const elsewhere = [
  ...['db', 'db.example.com', 'localhost.example.com', '127.example.com', '10.0.0.1', '128.0.0.1', '0.0.0.0'],
  ...['2001:db8::1', '::', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.example.com', ''],
];
for (const host of elsewhere)
  t.test(`"${host}" is another host`, async (t) => {
    t.throws(() => chooseEncryption(host, url), {
      message: /is another host and neither the URL nor PGSSLMODE states an sslmode/,
    });
    const { encryptions } = chooseEncryption(host, { ...url, sslRootCertificate: 'system' });
    t.equal(encryptions.length, 1, 'never without TLS');
    t.match(encryptions[0], { rejectUnauthorized: true, ca: Array, checkServerIdentity: Function });
  });

t.test('a stated sslmode means the same for every host', async (t) => {
  for (const host of ['localhost', 'db']) {
    const stated = (sslMode: PostgresUrl['sslMode']) =>
      chooseEncryption(host, { ...url, sslMode }).encryptions;
    t.strictSame(stated('disable'), [false]);
    t.strictSame(stated('allow'), [false, { rejectUnauthorized: false }]);
    t.strictSame(stated('prefer'), [{ rejectUnauthorized: false }, false]);
    t.strictSame(stated('require'), [{ rejectUnauthorized: false }]);
    for (const mode of ['verify-ca', 'verify-full'] as const)
      t.throws(() => stated(mode), { message: new RegExp(`^sslmode=${mode} needs the certificate`) });
  }
});
