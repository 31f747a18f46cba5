import { webcrypto } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { privateKeyToPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import {
  bytes,
  connect,
  enumerated,
  type Identity,
  readIdentity,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

// Every test starts several processes, which takes long on a loaded machine.
t.setTimeout(900_000);

const anyPort = ['--listen', '127.0.0.1:0'];

/** Starts a daemon on a fresh state directory; it ends with the test. */
async function startDaemon(t: Tap, ...args: string[]) {
  // The path of a socket may have 107 bytes.
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-daemon-'));
  const daemon = new KmipdProcess(['serve', '--home', 'home', ...anyPort, ...args], { cwd: directory });
  t.teardown(async () => {
    await daemon.end('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  const { port } = await daemon.ready();
  return {
    directory,
    home: join(directory, 'home'),
    demo: join(directory, 'home', 'clients', 'demo'),
    daemon,
    port,
  };
}
type Tap = Pick<typeof t, 'teardown'>;

t.test('the daemon serves its first client after a first and a second start', async (t) => {
  const { directory, home, demo, daemon, port } = await startDaemon(t);
  t.match(
    daemon.output,
    /^.*lies beside the database.*\n.*signed by a first key"}\nkmipd 0\.1\.0 ready on 127\.0\.0\.1:\d+ \(sqlite:\S+\/home\/kmipd\.db, KMIP 1\.0–2\.1\)\n$/,
  );
  t.equal(statSync(home).mode & 0o777, 0o700);
  t.equal(await tryDestroy(port, demo), 'permitted');
  t.notOk(existsSync(join(home, 'initialisation-unfinished')));
  t.equal(await daemon.end('SIGTERM'), 0);
  t.equal(daemon.errors, '');
  t.notOk(existsSync(join(home, 'kmipd.pid')));
  t.notOk(existsSync(join(home, 'kmipd.db-wal')), 'the database is closed');

  const before = readFileSync(join(home, 'root.key'), 'utf8');
  const second = new KmipdProcess(['serve', '--home', 'home', ...anyPort], { cwd: directory });
  t.teardown(() => second.end('SIGKILL'));
  t.equal(await tryDestroy((await second.ready()).port, demo), 'permitted');
  t.equal(readFileSync(join(home, 'root.key'), 'utf8'), before);
  t.equal(await second.end('SIGINT'), 0);
});

t.test('a second daemon on a state directory is refused, commands are not', async (t) => {
  const { directory, home, demo, daemon, port } = await startDaemon(t);
  const second = await runKmipd(directory, 'serve', '--home', 'home', ...anyPort);
  t.equal(await second.exited(), 1);
  t.equal(
    second.errors,
    `kmipd: ${home} is in use by another kmipd (process ${daemon.pid}); stop that one, or give this one its own --home\n`,
  );
  t.equal((await runKmipd(directory, 'client', 'list', '--home', 'home')).errors, '');
  t.equal(await tryDestroy(port, demo), 'permitted', 'the first one goes on');
  await daemon.end('SIGKILL');
  const third = new KmipdProcess(['serve', '--home', 'home', ...anyPort], { cwd: directory });
  t.teardown(() => third.end('SIGKILL'));
  t.equal(await tryDestroy((await third.ready()).port, demo), 'permitted', 'a killed daemon leaves no lock');
});

t.test('the daemon names the option when an address cannot be bound', async (t) => {
  const directory = t.testdir();
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const taken = `127.0.0.1:${(other.address() as { port: number }).port}`;
  const cases: [string[], string][] = [
    [
      ['--listen', taken],
      `${taken} is in use by another program; stop that one, or choose another with --listen HOST:PORT`,
    ],
    [
      [...anyPort, '--metrics', taken],
      `${taken} is in use by another program; stop that one, or choose another with --metrics HOST:PORT`,
    ],
    [
      ['--listen', '192.0.2.1:5696'],
      '192.0.2.1:5696 is no address of this machine; choose one of its own with --listen HOST:PORT',
    ],
  ];
  for (const [args, message] of cases) {
    const daemon = await runKmipd(directory, 'serve', '--home', 'home', ...args);
    t.equal(await daemon.exited(), 1);
    t.equal(daemon.errors, `kmipd: ${message}\n`);
    t.notMatch(daemon.output, /ready/);
  }
});

t.test('the daemon observes changes of its clients while it runs', async (t) => {
  const { directory, demo, daemon, port } = await startDaemon(t);
  const out = join(directory, 'reader');
  await runKmipd(directory, 'client', 'add', 'reader', '--home', 'home', '--role', 'read-only', '--out', out);
  t.equal(await tryDestroy(port, out), 'not permitted', 'enrolled at once, with its role');

  const open = await connect({ port, ...(await readIdentity(out)) });
  const cut = new Promise((resolve) => open.socket.once('close', resolve));
  const disabled = await runKmipd(directory, 'client', 'disable', 'reader', '--home', 'home');
  t.match(disabled.output, `the running kmipd (process ${daemon.pid}) was notified`);
  await cut;
  t.pass('its open connection was ended');
  t.equal(await tryDestroy(port, out), 'refused');
  await runKmipd(directory, 'client', 'enable', 'reader', '--home', 'home');
  t.equal(await tryDestroy(port, out), 'not permitted');
  await runKmipd(directory, 'client', 'remove', 'reader', '--home', 'home');
  t.equal(await tryDestroy(port, out), 'refused');
  t.equal(await tryDestroy(port, demo), 'permitted', 'others were not disturbed');
});

async function selfSigned(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['vCenter'] }],
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
  });
  const { KeyObject } = await import('node:crypto');
  return { cert: certificate.toString('pem'), key: privateKeyToPem(KeyObject.from(keys.privateKey)) };
}

t.test('a self-signed certificate is trusted once it is enrolled', async (t) => {
  const { directory, demo, daemon, port } = await startDaemon(t);
  const own = await selfSigned();
  const identity: Identity = { ca: readFileSync(join(demo, 'ca.pem'), 'utf8'), ...own };
  t.equal(await tryDestroy(port, identity), 'refused');
  writeFileSync(join(directory, 'vcenter.pem'), own.cert);
  const from = daemon.output.length;
  const added = await runKmipd(
    directory,
    'client',
    'add',
    'vcenter',
    '--home',
    'home',
    '--cert',
    'vcenter.pem',
  );
  t.equal(added.errors, '');
  await daemon.waitForOutput(/configuration reloaded/, from);
  t.equal(await tryDestroy(port, identity), 'permitted');
});

t.test(
  'SIGHUP reloads roles, [crypto] and certificates, and keeps them when the file is wrong',
  async (t) => {
    const { directory, home, daemon, port } = await startDaemon(t);
    const out = join(directory, 'lab');
    const config = join(home, 'kmipd.toml');
    writeFileSync(config, '[roles]\nlab = ["Get"]\n');
    await runKmipd(directory, 'client', 'add', 'lab', '--home', 'home', '--role', 'lab', '--out', out);
    t.match(await daemon.reload(), 'configuration reloaded');
    t.equal(await tryDestroy(port, out), 'not permitted');

    const open = await connect({ port, ...(await readIdentity(out)) });
    t.teardown(() => open.close());
    const waiting = 'uniqueNames = true\n[tls]\nprofile = "modern"\n[limits]\ndepth = 9\n';
    writeFileSync(config, `${waiting}[roles]\nlab = ["Get", "Destroy"]\n`);
    t.match(await daemon.reload(), 'configuration reloaded');
    await daemon.waitForOutput(/"keys":\["uniqueNames","tls\.profile","limits\.depth"\].*wait for a restart/);
    const answer = await open.request('1.4', [
      { operation: 'Destroy', payload: [text('UniqueIdentifier', 'none')] },
    ]);
    t.ok(answer, 'connections outlive a reload');
    t.equal(await tryDestroy(port, out), 'permitted');

    const md5 = async () => {
      const payload = [
        structure('CryptographicParameters', enumerated('HashingAlgorithm', 3)),
        bytes('Data', new Uint8Array(1)),
      ];
      const answered = await open.request('1.4', [{ operation: 'Hash', payload }]);
      return valueOf(answered, 'BatchItem', 'ResultStatus');
    };
    writeFileSync(config, '[roles]\nlab = ["Get", "Destroy", "Hash"]\n');
    t.match(await daemon.reload(), 'configuration reloaded');
    t.equal(await md5(), 0);
    writeFileSync(config, '[crypto]\ndisabled = ["MD5"]\n[roles]\nlab = ["Get", "Destroy", "Hash"]\n');
    t.match(await daemon.reload(), 'configuration reloaded');
    t.equal(await md5(), 1, 'algorithms are switched off while it runs');

    writeFileSync(config, '[roles]\nlab = ["Gett"]\n');
    t.match(await daemon.reload(), /reload failed.*/);
    t.match(daemon.output, /kmipd\.toml: \\"roles\.lab\\": \\"Gett\\" is neither/, 'the log says where');
    t.equal(await tryDestroy(port, out), 'permitted', 'the former configuration stays in force');

    writeFileSync(config, '[roles]\nlab = ["Get", "Destroy"]\n');
    const certificate = join(home, 'server', 'cert.pem');
    const before = readFileSync(certificate, 'utf8');
    rmSync(certificate);
    t.match(await daemon.reload(), 'configuration reloaded');
    t.not(readFileSync(certificate, 'utf8'), before, 'a certificate that was deleted is issued again');
    t.equal(await tryDestroy(port, out), 'permitted');

    writeFileSync(join(home, 'server', 'key.pem'), (await selfSigned()).key);
    t.match(await daemon.reload(), 'reload failed');
    t.match(daemon.output, /is not the private key of/);
    t.equal(await tryDestroy(port, out), 'permitted');
  },
);

t.test('the daemon starts and logs a warning when its root key is missing', async (t) => {
  const { directory, home, demo, daemon } = await startDaemon(t);
  await daemon.end();
  renameSync(join(home, 'root.key'), join(directory, 'away'));
  const sealed = new KmipdProcess(['serve', '--home', 'home', ...anyPort], { cwd: directory });
  t.teardown(() => sealed.end('SIGKILL'));
  const { port } = await sealed.sealed();
  t.match(sealed.output, /^sealed: the root key \S+ is missing/m);
  t.notMatch(sealed.output, / ready on /);
  const warning = /only Discover Versions, Query and Ping are answered: the root key \S+ is missing/;
  t.match((await sealed.waitForOutput(warning))[0], warning);
  t.not(await tryDestroy(port, demo), 'permitted');
  t.notOk(existsSync(join(home, 'root.key')), 'no new key takes its place');
  renameSync(join(directory, 'away'), join(home, 'root.key'));
  t.equal((await sealed.ready()).port, port, 'the key has come');
  t.match(sealed.output, /the vault is unsealed/);
  t.equal(await tryDestroy(port, demo), 'permitted');
});

t.test('the daemon refuses a state directory that is damaged', async (t) => {
  const { directory, home, daemon } = await startDaemon(t);
  await daemon.end();
  const authority = join(home, 'ca', 'ca.pem');
  renameSync(authority, join(directory, 'ca.pem'));
  const without = await runKmipd(directory, 'serve', '--home', 'home', ...anyPort);
  t.equal(
    without.errors,
    `kmipd: the certificate of the authority ${authority} is missing; restore it from a backup\n`,
  );
  t.equal(await without.exited(), 1);
  renameSync(join(directory, 'ca.pem'), authority);

  writeFileSync(join(home, 'kmipd.db'), 'this is no database at all, whatever its name may say about it');
  const broken = await runKmipd(directory, 'serve', '--home', 'home', ...anyPort);
  t.match(broken.errors, /^kmipd: cannot open the database \S+kmipd\.db: .+\n$/);
  t.equal(await broken.exited(), 1);

  writeFileSync(join(directory, 'file'), '');
  const file = await runKmipd(directory, 'serve', '--home', 'file', ...anyPort);
  t.equal(file.errors, `kmipd: ${join(directory, 'file')}: this is a file, not a directory\n`);
  t.equal(await file.exited(), 1);
});

t.test(
  'a command names the file when the state directory is unreadable',
  { skip: process.getuid?.() === 0 && 'root may read everything' },
  async (t) => {
    const { directory, home, daemon } = await startDaemon(t);
    await daemon.end();
    chmodSync(join(home, 'kmipd.toml'), 0);
    const command = await runKmipd(directory, 'client', 'list', '--home', 'home');
    t.match(command.errors, /kmipd\.toml: permission denied; run kmipd as the user who owns it/);
  },
);
