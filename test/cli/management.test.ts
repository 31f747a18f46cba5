import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { enumerated, integer, structure, text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { create, createIssuer } from './issuer.ts';
import { captureCommand } from './run-command.ts';

/** Commands ask the daemon of their home for rows, where one serves their database. */

t.setTimeout(600_000);

const daemon = await Daemon.start();
t.teardown(() => daemon.remove());
const { home } = daemon;
const socket = join(home, 'kmipd.sock');
const rootKey = join(home, 'root.key');
const away = join(home, 'away.key');
const password = join(home, 'password');
writeFileSync(password, 'a password of some length\n');

const { recipient, issuer } = await makeObjects();

async function makeObjects() {
  const client = await daemon.connect();
  const aes = [enumerated('CryptographicAlgorithm', 3), integer('CryptographicLength', 256)];
  const attributes = structure('Attributes', ...aes, integer('CryptographicUsageMask', 16));
  const recipient = await create(client, 'Create', enumerated('ObjectType', 2), attributes);
  await create(client, 'Activate', text('UniqueIdentifier', recipient));
  const { certificate } = await createIssuer(client);
  client.close();
  return { recipient, issuer: certificate };
}

const notified = `the running kmipd \\(process ${daemon.pid}\\) was notified\n`;
const out = join(home, 'out');

/** Every command about rows, in an order in which each succeeds, and what it prints. */
const commands: readonly (readonly [args: readonly string[], output: RegExp])[] = [
  [['client', 'list'], /^NAME .*\ndemo +default +full +enabled/],
  [['client', 'list', '--json'], /^\{"name":"demo",.*\}\n$/],
  [['client', 'show', 'demo'], /^name: +demo\n.*-----END CERTIFICATE-----\n$/s],
  [
    ['client', 'add', 'added', '--out', out],
    /^client added is enrolled: group default, role full, .*\nfiles:/,
  ],
  [
    ['client', 'add', 'added', '--out', out],
    /^kmipd: client "added" is enrolled already; its files are in \S+: ca/,
  ],
  [
    ['client', 'add', 'other', '--cert', join(out, 'cert.pem'), '--out', join(home, 'other')],
    /^its authority is not in the file; .*\nkmipd: this certificate is enrolled already, as client "added"; remove that one first\n$/,
  ],
  [['client', 'disable', 'added'], new RegExp(`^client added is disabled\n${notified}$`)],
  [['client', 'disable', 'added'], new RegExp(`^client added is disabled already\n${notified}$`)],
  [['client', 'enable', 'added'], new RegExp(`^client added is enabled\n${notified}$`)],
  [['client', 'notify', 'added', '--put'], new RegExp(`it is sent new keys\n${notified}$`)],
  [['client', 'notify', 'added'], /it is sent new keys\n$/],
  [['client', 'notify', 'added', '--off'], new RegExp(`it is sent no keys\n${notified}$`)],
  [
    ['client', 'credential', 'add', 'added', '--username', 'u', '--password-file', password, '--hashed'],
    new RegExp(`^username u has a password\nclient added must send its credentials .*\n${notified}$`),
  ],
  [
    ['client', 'credential', 'add', 'added', '--username', 'u', '--one-time', '100'],
    new RegExp(`^([0-9a-f]{32}\n){100}${notified}$`),
  ],
  [
    ['client', 'credential', 'add', 'added', '--username', 'u', '--one-time', '1'],
    /^kmipd: username u has 100 one-time passwords already, and at most 100 are possible\n$/,
  ],
  [
    ['client', 'credential', 'add', 'added', '--serial-number', '1', '--without-password'],
    new RegExp(`^device with serial number 1 is added\n${notified}$`),
  ],
  [
    ['client', 'credential', 'list', 'added'],
    /^username u: password, also hashed, 100 of 100 one-time passwords left\ndevice with serial number 1: no password\n$/,
  ],
  [
    ['client', 'credential', 'remove', 'added', '--all'],
    new RegExp(`^2 removed from client added; its certificate is enough again\n${notified}$`),
  ],
  [['client', 'remove', 'added'], new RegExp(`^client added is removed; .*\n${notified}$`)],
  [['client', 'remove', 'added'], /^kmipd: no client "added" is enrolled/],
  [['object', 'show', recipient], /history: +made here; never left the server\nrecipient: +no\n/],
  [['object', 'trust', recipient, '--fingerprint', '0'.repeat(64)], /is another key/],
  [['object', 'trust', recipient], / is a recipient: /],
  [['object', 'trust', recipient, '--remove'], / is no recipient any more/],
  [['object', 'trust', recipient, '--remove'], / is not marked as recipient/],
  [['object', 'purge', '--days', '1', '--yes'], /^purged 0 objects/],
  [['node', 'list'], /^NAME .*\n[0-9a-f]{12} {2}.* {2}this node\n$/s],
  [['node', 'remove', '0123456789ab', '--yes'], /^kmipd: there is no node "0123456789ab"/],
  [['crl'], new RegExp(`^${issuer}  group default, until `)],
  [['crl', issuer, '--out', join(home, 'list.crl')], /^CRL 1: 0 revoked, valid until /],
  [['crl', issuer, '--pem', '--revoke', '01'], /has issued no certificate with the serial number 01/],
  [['crl', issuer, '--pem'], /^-----BEGIN X509 CRL-----\n/],
  [['crl', recipient, '--pem'], /is not the certificate of an issuer/],
];

t.test('commands go over the socket of the daemon, and open no database', async (t) => {
  t.equal(statSync(socket).mode & 0o777, 0o600);
  // Without the root key this process can open no row; the daemon has read it.
  renameSync(rootKey, away);
  t.teardown(() => renameSync(away, rootKey));
  const anchor = readFileSync(join(home, 'anchor-command'), 'utf8');
  const { write } = Socket.prototype;
  t.teardown(() => {
    Socket.prototype.write = write;
  });
  let sent = '';
  let secrets: readonly string[] = ['a password of some length'];
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    sent += String(args[0]);
    return write.apply(this, args as never);
  };
  for (const [args, output] of commands) {
    const ended = await captureCommand(home, ...args);
    t.match(ended.output, output, args.join(' '));
    secrets = [...secrets, ...(ended.output.match(/^[0-9a-f]{32}$/gm) ?? [])];
    t.equal(ended.code, /^kmipd: /m.test(ended.output) ? 1 : 0, args.join(' '));
  }
  t.equal(readFileSync(join(home, 'anchor-command'), 'utf8'), anchor, 'the lane of commands has not moved');
  t.equal(secrets.length, 101);
  t.match(sent, '"method":"credential.addOneTimePasswords"');
  t.same(
    secrets.filter((secret) => sent.includes(secret)),
    [],
    'no password is sent',
  );
  t.notMatch(sent, 'PRIVATE KEY');
  t.ok(existsSync(join(home, 'list.crl')));
});

t.test('verify looks at the database itself', async (t) => {
  renameSync(rootKey, away);
  t.match((await captureCommand(home, 'verify')).output, /the vault is sealed/);
  renameSync(away, rootKey);
  t.match((await captureCommand(home, 'verify')).output, /all as kmipd has written them/);
});

t.test('a command with another database opens that itself', async (t) => {
  const { output } = await captureCommand(
    home,
    'client',
    'list',
    '--store',
    `sqlite:${join(home, 'none.db')}`,
  );
  t.match(output, /cannot open the database \S+none\.db: it is missing/);
});

t.test('a daemon that was stopped holds no command up', async (t) => {
  process.kill(daemon.pid, 'SIGSTOP');
  t.teardown(() => process.kill(daemon.pid, 'SIGCONT'));
  const anchor = readFileSync(join(home, 'anchor-command'), 'utf8');
  t.match((await captureCommand(home, 'client', 'add', 'beside')).output, /^client beside is enrolled/);
  t.not(readFileSync(join(home, 'anchor-command'), 'utf8'), anchor, 'by the lane of commands');
});

t.test('the socket of a killed daemon is replaced, and removed at the end', async (t) => {
  await daemon.end('SIGKILL');
  t.ok(existsSync(socket), 'a killed daemon leaves it');
  t.match((await captureCommand(home, 'client', 'list')).output, /^beside +default/m);
  await daemon.start();
  renameSync(rootKey, away);
  t.match((await captureCommand(home, 'client', 'list')).output, /^beside +default/m);
  renameSync(away, rootKey);
  rmSync(socket);
  t.match(
    (await captureCommand(home, 'client', 'disable', 'beside')).output,
    /is disabled\n.*was notified\n$/,
  );
  t.equal(await daemon.end(), 0);
  await daemon.start();
  t.ok(existsSync(socket));
  t.equal(await daemon.end(), 0);
  t.notOk(existsSync(socket));
});

t.test('the daemon of a sealed vault refuses what commands refuse without it', async (t) => {
  renameSync(rootKey, away);
  const alone = await captureCommand(home, 'client', 'list');
  t.match(alone, { code: 1, output: /^kmipd: the vault is sealed: the root key \S+ is missing/ });
  await daemon.startSealed();
  t.teardown(() => daemon.end());
  t.strictSame(await captureCommand(home, 'client', 'list'), alone, 'the daemon answers');
  renameSync(away, rootKey);
  await daemon.waitForOutput(/ ready on /);
  t.match((await captureCommand(home, 'client', 'list')).output, /^beside +default/m);
});
