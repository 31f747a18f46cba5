import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createAuthority, issueClient, issueServer } from '../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import { KmipdProcess, mainFile } from '../fixture/kmipd.ts';

/** Files that a command cannot use: each failure is one line with path and remedy. */

t.setTimeout(900_000);

const home = t.testdir();
const run = (args: readonly string[], launcher: readonly string[] = []) => {
  // tap adds its hooks to the environment of every child; they write files as whoever runs.
  const { PATH, NODE_COMPILE_CACHE = '' } = process.env;
  const environment = ['-i', `PATH=${PATH}`, `HOME=${home}`, `NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE}`];
  const argv = [...environment, ...launcher, process.execPath, mainFile, ...args];
  const { status, stdout, stderr } = spawnSync('env', argv, { encoding: 'utf8', cwd: home });
  return { status, stdout, stderr };
};

const ready = join(home, 'ready');
run(['init', '--home', ready, '--listen', '127.0.0.1:0']);

/** A copy of the initialised home in which a test may spoil something. */
function copyOfHome(name: string): string {
  const copy = join(home, name);
  execFileSync('cp', ['-a', ready, copy]);
  return copy;
}

const rsaKey = await generateKey('rsa');
const authorityKey = await generateKey('ec');
const authority = openAuthority(await createAuthority('authority of the test', authorityKey), authorityKey);
const serverCertificate = await issueServer(authority, rsaKey, ['localhost']);
const clientOnly = await issueClient(authority, 'a client', 'ec');
const pem = privateKeyToPem(rsaKey);

const openLine = /^kmipd: .+\n$/;

const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
const unprivileged = isRoot ? asNobody : [];
// Another user needs a way to the program and to the directory of the test.
const isReachable = run(['decode', '42'], unprivileged).stderr?.startsWith('kmipd: ') ?? false;
const noUser = !isReachable && 'no other user can run kmipd here';

t.test(
  'a command that may not read or write says which file, and what to do',
  { skip: noUser },
  async (t) => {
    const locked = copyOfHome('locked');
    if (isRoot) execFileSync('chown', ['-R', `${nobody}:${nobody}`, locked]);
    chmodSync(locked, 0o500);
    const foreign = copyOfHome('foreign');
    chmodSync(foreign, isRoot ? 0o700 : 0o000);
    const readOnly = join(home, 'read-only');
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o555);
    t.teardown(() => {
      for (const each of [locked, foreign, readOnly]) chmodSync(each, 0o700);
    });

    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [
        ['serve', '--home', foreign],
        /^kmipd: \S*\/foreign: permission denied; run kmipd as the user who owns it/,
      ],
      [['client', 'list', '--home', foreign], /^kmipd: \S*foreign\S*: permission denied/],
      [
        ['check-config', '--home', foreign],
        /^kmipd: \S*foreign\S*(: permission denied| cannot be read|: cannot be read)/,
      ],
      [['crl', '--home', foreign], /^kmipd: /],
      [['init', '--home', join(readOnly, 'new')], /^kmipd: \S*read-only\/new: permission denied/],
      [['serve', '--home', join(readOnly, 'new')], /^kmipd: \S*read-only\/new: permission denied/],
      [['serve', '--home', locked], /^kmipd: \S*locked\S*: permission denied/],
      [
        ['check-config', '--home', locked],
        /^kmipd: cannot open the database \S*locked\/kmipd\.db: \S*locked cannot be written by this user/,
      ],
      [['client', 'add', 'x', '--home', foreign], /^kmipd: \S*foreign\S*: permission denied/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = run(args, unprivileged);
      t.equal(status === 0, false, args.join(' '));
      t.match(stderr, message, args.join(' '));
      t.match(stderr, openLine, 'one line');
      t.notMatch(stderr, /unexpected failure|is not initialised|Error:/, args.join(' '));
    }
  },
);

const mount = mkdtempSync(join(tmpdir(), 'kmipd-full-'));
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]).status === 0;
const noMount = !isMounted && 'only root can mount a file system that is small enough to fill';
t.teardown(() => {
  if (isMounted) execFileSync('umount', [mount]);
  rmSync(mount, { recursive: true });
});

t.test('a full disk is named with the file that did not fit', { skip: noMount }, async (t) => {
  const { status, stderr } = run(['init', '--home', join(mount, 'home')]);
  t.equal(status, 1);
  t.match(stderr, openLine, 'one line');
  t.match(stderr, /^kmipd: .*\/home.*(the disk is full|database or disk is full)/);
  t.notMatch(stderr, /unexpected failure/);
});

/** What an operator may put in place of the server's files, and what the commands say. */
const spoiled: readonly (readonly [
  what: string,
  files: { readonly cert?: string | Uint8Array; readonly key?: string | Uint8Array },
  message: RegExp,
  starts?: 'starts',
])[] = [
  [
    'an encrypted key',
    {
      cert: serverCertificate,
      key: createPrivateKey(pem).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      }) as string,
    },
    /server\/key\.pem is encrypted, and kmipd asks for no passphrase; decrypt it: openssl pkey/,
  ],
  [
    'an encrypted key of the old form',
    {
      cert: serverCertificate,
      key: createPrivateKey(pem).export({
        type: 'pkcs1',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      }) as string,
    },
    /server\/key\.pem is encrypted/,
  ],
  [
    'a key in DER',
    { cert: serverCertificate, key: createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }) },
    /server\/key\.pem is DER, not PEM; convert it: openssl pkey -inform DER/,
  ],
  [
    'a certificate in DER',
    { cert: new X509Certificate(serverCertificate).raw, key: pem },
    /server\/cert\.pem is DER, not PEM; convert it: openssl x509 -inform DER/,
  ],
  [
    'a certificate in place of the key',
    { cert: serverCertificate, key: serverCertificate },
    /contains no private key in PEM form/,
  ],
  [
    'the key of another certificate',
    { cert: clientOnly.certificate, key: pem },
    /key\.pem is not the private key of .*cert\.pem/,
  ],
  [
    'the issuer before the certificate',
    { cert: authority.certificate + serverCertificate, key: pem },
    /cert\.pem is in the wrong order: the server's own certificate, number 2 in it, must be the first/,
  ],
  [
    'issuers in the wrong order',
    { cert: serverCertificate + clientOnly.certificate, key: pem },
    /cert\.pem: the certificate of CN=localhost.* is not followed by its issuer/,
    'starts',
  ],
  [
    'a certificate for clients only',
    { cert: clientOnly.certificate, key: privateKeyToPem(clientOnly.key) },
    /is not for TLS servers by its Extended Key Usage: clients refuse it/,
    'starts',
  ],
];

for (const [index, [what, files, message, starts]] of spoiled.entries()) {
  t.test(`the server's files: ${what}`, async (t) => {
    const copy = copyOfHome(`spoiled-${index}`);
    if (files.cert) writeFileSync(join(copy, 'server', 'cert.pem'), files.cert);
    if (files.key) writeFileSync(join(copy, 'server', 'key.pem'), files.key);
    const checked = run(['check-config', '--home', copy]);
    t.match(checked.stderr, message);
    t.match(checked.stderr, openLine, 'one line');
    t.equal(checked.status, starts === undefined ? 1 : 0, 'check-config');
    if (starts === undefined) {
      const served = run(['serve', '--home', copy]);
      t.match(served.stderr, message);
      t.equal(served.status, 1, 'serve agrees');
      return;
    }
    const daemon = new KmipdProcess(['serve', '--home', copy], { cwd: home });
    t.teardown(() => daemon.end('SIGKILL'));
    await daemon.ready();
    await daemon.end();
    t.match(
      daemon.output,
      /"file":"[^"]*server\/cert\.pem","subject":"[^"]+"|subject/,
      'the log names file and subject',
    );
  });
}

t.test('check-config opens what serve would open', async (t) => {
  const spoil: Readonly<Record<string, (copy: string) => RegExp>> = {
    'a root key that others can read'(copy) {
      chmodSync(join(copy, 'root.key'), 0o644);
      return /root\.key has mode 0644, others can read it: chmod 600 it/;
    },
    'a missing authority'(copy) {
      rmSync(join(copy, 'ca', 'ca.pem'));
      return /the certificate of the authority .*ca\.pem is missing/;
    },
    'the key of another authority'(copy) {
      writeFileSync(join(copy, 'ca', 'ca.key'), privateKeyToPem(authorityKey), { mode: 0o600 });
      return /the certificate of the authority and its private key do not belong together/;
    },
    'a database that is none'(copy) {
      writeFileSync(
        join(copy, 'kmipd.db'),
        'this is not a database, and it is long enough to be read as one'.repeat(20),
      );
      return /cannot open the database .*kmipd\.db: file is not a database/;
    },
    'a database of the future'(copy) {
      const script = `const { DatabaseSync } = require('node:sqlite'); new DatabaseSync('${copy}/kmipd.db').exec("insert into migration values (999, 'x', 0)")`;
      execFileSync(process.execPath, ['-e', script]);
      return /has schema version 999, this kmipd knows \d+/;
    },
    'a database under another root key'(copy) {
      writeFileSync(join(copy, 'root.key'), `${'5a'.repeat(32)}\n`, { mode: 0o600 });
      return /root\.key cannot decrypt the keyring: the database is encrypted under another root key/;
    },
    'a directory in place of the database'(copy) {
      rmSync(join(copy, 'kmipd.db'));
      mkdirSync(join(copy, 'kmipd.db'));
      return /cannot open the database .*kmipd\.db: this is a directory, not a file/;
    },
    'one address for two listeners'(copy) {
      const config = join(copy, 'kmipd.toml');
      writeFileSync(config, 'listen = "127.0.0.1:15696"\nmetrics = "127.0.0.1:15696"\n');
      return /^kmipd: 127\.0\.0\.1:15696 is the address of both --listen and --metrics; choose another for one$/m;
    },
    'an authority without a name'(copy) {
      writeFileSync(join(copy, 'kmipd.toml'), '[tls]\nauthorities = ["a.pem", ""]\n');
      return /"tls\.authorities" must be a list of texts that are not empty/;
    },
    'a database server that is away'(copy) {
      const config = join(copy, 'kmipd.toml');
      writeFileSync(
        config,
        readFileSync(config, 'utf8').replace(
          /^#?store = .*$/m,
          'store = "postgres://u:secret@127.0.0.1:1/d"',
        ),
      );
      return /^kmipd: cannot open postgres:\/\/127\.0\.0\.1:1\/d: .*ECONNREFUSED/;
    },
  };
  for (const [what, change] of Object.entries(spoil)) {
    const copy = copyOfHome(`opened-${Object.keys(spoil).indexOf(what)}`);
    const message = change(copy);
    const { status, stderr, stdout } = run(['check-config', '--home', copy]);
    t.equal(status, 1, what);
    t.match(stderr, message, what);
    t.notMatch(stderr, /secret/);
    t.equal(stdout, '', what);
    if (!agreeing.has(what)) continue;
    const served = run(['serve', '--home', copy]);
    t.match(served.stderr, message, `serve: ${what}`);
    t.match(served.stderr, openLine, 'one line');
  }
});
/** What serve says as check-config does, instead of starting. */
const agreeing: ReadonlySet<string> = new Set([
  'a directory in place of the database',
  'one address for two listeners',
  'an authority without a name',
]);

t.test('a home that cannot be made is named, and no command waits for it', async (t) => {
  const file = join(home, 'file');
  writeFileSync(file, '');
  const cases = [
    [file, /^kmipd: \S*\/file: this is a file, not a directory/],
    [join(file, 'home'), /^kmipd: \S*\/file: this is a file, not a directory/],
    ['/proc/self/home', /^kmipd: \/proc\/self\/home: there is no such file or directory/],
  ] as const;
  for (const command of ['init', 'serve'])
    for (const [path, message] of cases) {
      const { status, stderr } = run([command, '--home', path]);
      t.equal(status, 1, path);
      t.match(stderr, message, `${command} ${path}`);
    }
});

t.test('check-config finds a port that is in use, also by the daemon itself', async (t) => {
  const copy = copyOfHome('busy');
  const daemon = new KmipdProcess(['serve', '--home', copy], { cwd: home });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const config = readFileSync(join(copy, 'kmipd.toml'), 'utf8').replace('127.0.0.1:0', `127.0.0.1:${port}`);
  writeFileSync(join(copy, 'kmipd.toml'), config);
  const own = run(['check-config', '--home', copy]);
  t.equal(own.status, 0);
  t.match(
    own.stderr,
    new RegExp(`warning: 127\\.0\\.0\\.1:${port} is in use: kmipd is running \\(process \\d+\\)`),
  );
  const other = copyOfHome('other');
  copyFileSync(join(copy, 'kmipd.toml'), join(other, 'kmipd.toml'));
  const foreign = run(['check-config', '--home', other]);
  t.equal(foreign.status, 1);
  t.match(foreign.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use by another program`));
  await daemon.end();
});

t.test('files that other users can reach are reported', async (t) => {
  const copy = copyOfHome('exposed');
  chmodSync(copy, 0o755);
  chmodSync(join(copy, 'ca', 'ca.key'), 0o640);
  chmodSync(join(copy, 'server', 'key.pem'), 0o604);
  const { status, stderr } = run(['check-config', '--home', copy]);
  t.equal(status, 0);
  t.match(stderr, /exposed: every user of this machine can reach it \(mode 0755\): chmod 700 it/);
  t.match(stderr, /ca\.key: its group of this machine can reach it \(mode 0640\): chmod 600 it/);
  t.match(stderr, /key\.pem: every user of this machine can reach it \(mode 0604\): chmod 600 it/);
  const daemon = new KmipdProcess(['serve', '--home', copy], { cwd: home });
  t.teardown(() => daemon.end('SIGKILL'));
  await daemon.ready();
  await daemon.end();
  t.equal(daemon.output.match(/a file is exposed/g)?.length, 3);
});
