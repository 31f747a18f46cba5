import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Command, CommandGroup } from '../../src/cli/command.ts';
import { adminCommands } from '../../src/cli/commands/admin.ts';
import { approvalCommands } from '../../src/cli/commands/approval.ts';
import { auditCommands } from '../../src/cli/commands/audit/audit.ts';
import { clientCommands } from '../../src/cli/commands/client.ts';
import { crl } from '../../src/cli/commands/crl.ts';
import { decode } from '../../src/cli/commands/decode.ts';
import { grantCommands } from '../../src/cli/commands/grants/grant.ts';
import { init } from '../../src/cli/commands/init.ts';
import { nodeCommands } from '../../src/cli/commands/node.ts';
import { objectCommands } from '../../src/cli/commands/object.ts';
import { policyCommands } from '../../src/cli/commands/policy.ts';
import { quotaCommands } from '../../src/cli/commands/quotas/quota.ts';
import { roleCommands } from '../../src/cli/commands/role.ts';
import { vaultCommands } from '../../src/cli/commands/vault.ts';
import { verifyDatabaseCommand } from '../../src/cli/commands/verify.ts';
import { Daemon } from '../fixture/daemon.ts';
import { base32ToBytes, codeAt, writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** Commands with `--as NAME`. */

t.setTimeout(600_000);

const daemon = await Daemon.prepare({ config: '[vault]\nactivationSeconds = 0\n' });
t.teardown(() => daemon.remove());
const { home } = daemon;
const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
const password = join(home, 'admin-password');
writeFileSync(password, 'correct horse battery\n', { mode: 0o600 });
const key = (name: string) => join(home, `${name}.key`);
const as = (name: string) => ['--as', name, '--as-key', key(name)] as const;

async function add(name: string, role: string): Promise<void> {
  const certificate = await writeCertifiedKey(home, name);
  const { output } = await kmipd('admin', 'add', name, '--role', role, '--cert', certificate);
  if (output !== `administrator ${name} is added: role ${role}\n`) throw new Error(output);
}

for (const role of ['admin', 'operator', 'auditor']) await add(role, role);

/** Arguments of each command that calls the management service, in the home of the tests. */
const managed: readonly (readonly string[])[] = [
  ['client', 'add', 'more', '--out', join(home, 'more')],
  ['client', 'list'],
  ['client', 'show', 'demo'],
  ['client', 'disable', 'demo'],
  ['client', 'enable', 'demo'],
  ['client', 'remove', 'demo'],
  ['client', 'notify', 'demo'],
  ['client', 'credential', 'add', 'demo', '--username', 'u', '--password-file', password],
  ['client', 'credential', 'list', 'demo'],
  ['client', 'credential', 'remove', 'demo', '--all'],
  ['admin', 'add', 'more', '--role', 'admin', '--password-file', password],
  ['admin', 'list'],
  ['admin', 'show', 'admin'],
  ['admin', 'disable', 'operator'],
  ['admin', 'enable', 'operator'],
  ['admin', 'reset', 'operator', '--password-file', password],
  ['admin', 'remove', 'operator'],
  ['approval', 'list'],
  ['approval', 'approve', '0123456789ab'],
  ['approval', 'reject', '0123456789ab'],
  ['policy', 'explain', '--client', 'demo', '--operation', 'Get'],
  ['crl'],
  ['object', 'show', 'none'],
  ['object', 'history', 'none'],
  ['audit', 'show'],
  ['policy', 'try', join(home, 'kmipd.toml')],
  ['object', 'trust', 'none'],
  ['object', 'purge', '--days', '1', '--yes'],
  ['object', 'restorable'],
  ['object', 'restore', 'none'],
  ['grant', 'add', 'none', '--client', 'demo', '--operations', 'Get'],
  ['grant', 'list'],
  ['grant', 'remove', 'none', '--client', 'demo'],
  ['quota', 'set', 'default', '--objects', '1'],
  ['quota', 'list'],
  ['quota', 'remove', 'default'],
  ['node', 'list'],
  ['node', 'remove', '0123456789ab', '--yes'],
  ['vault', 'status'],
  ['vault', 'unseal', '--file', password],
  ['vault', 'rotate'],
  ['vault', 'rewrap'],
  ['vault', 'retire'],
  ['vault', 'change-root', 'file:/nowhere/root.key'],
  ['vault', 'token', 'login'],
  ['vault', 'token', 'keys'],
];

/** Commands that call no method: they know no administrator. */
const others = [
  ...['init', 'decode', 'verify', 'role list', 'role show', 'role diff'],
  ...['audit verify', 'audit export', 'audit key'],
  ...['vault export-root', 'vault import-root', 'vault accept', 'vault token check'],
];

const groups = [
  ...[
    adminCommands,
    approvalCommands,
    auditCommands,
    clientCommands,
    crl,
    decode,
    grantCommands,
    init,
    nodeCommands,
    objectCommands,
    policyCommands,
    quotaCommands,
  ],
  ...[roleCommands, vaultCommands, verifyDatabaseCommand],
];

/** Every command by its name, and whether it knows administrators. */
function* walk(command: Command | CommandGroup, before = ''): Generator<readonly [string, boolean]> {
  const args = `${before} ${command.command.split(' ')[0]}`.trim();
  if (!('commands' in command)) yield [args, command.isManaged === true];
  else for (const each of command.commands) yield* walk(each, args);
}

t.test('every command knows administrators, or calls no method', (t) => {
  const found = groups.flatMap((group) => [...walk(group)]);
  const names = (isManaged: boolean) => found.filter(([, is]) => is === isManaged).map(([name]) => name);
  const isNamed = (name: string) => managed.some((args) => `${args.join(' ')} `.startsWith(`${name} `));
  t.strictSame(names(false).toSorted(), others.toSorted());
  t.strictSame(
    names(true).filter((name) => !isNamed(name)),
    [],
  );
  t.equal(names(true).length, managed.length);
  t.end();
});

t.test('options of an administrator that contradict each other are refused', async (t) => {
  const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--as-totp', '123456'], /--as-totp belongs to an administrator; give --as NAME/],
    [['--as-key', 'f'], /--as-key belongs to an administrator/],
    [['--as', 'a b'], /--as "a b" is no name/],
    [['--as', 'anna', '--as-key', 'f', '--as-totp', '123456'], /--as-key needs no password/],
    [['--as', 'anna', '--as-totp', '12345'], /takes the 6 digits/],
  ];
  for (const [args, message] of refused)
    t.match(await kmipd('client', 'list', ...args), { code: 2, output: message });
  t.match(await kmipd('client', 'list', '--as', 'admin', '--as-key', password), {
    ...{ code: 1, output: /contains no unencrypted private key/ },
  });
  t.match(await kmipd('verify', '--as', 'admin'), { code: 2, output: /unknown option --as/ });
});

t.test('without a daemon, the role of the administrator decides', async (t) => {
  t.match(await kmipd('client', 'list', ...as('auditor')), { code: 0, output: /^demo +default/m });
  t.match(await kmipd('vault', 'status', ...as('auditor')), { code: 0, output: /unsealed/ });
  t.match(await kmipd('client', 'disable', 'demo', ...as('auditor')), {
    ...{ code: 1, output: /^kmipd: the role auditor may not call client\.setDisabled; .*\n$/ },
  });
  t.match(await kmipd('client', 'disable', 'demo', ...as('operator')), { code: 0 });
  t.match(await kmipd('client', 'enable', 'demo', ...as('operator')), { code: 0 });
  t.match(await kmipd('client', 'list', '--as', 'auditor', '--as-key', key('operator')), {
    ...{ code: 1, output: /^kmipd: the login was refused: .*\n$/ },
  });
  t.match(await kmipd('vault', 'token', 'login', ...as('operator')), {
    ...{ code: 1, output: /no kmipd serves .* leave --as out/ },
  });
});

t.test('a one-time password is valid for one command, with a daemon and without', async (t) => {
  const added = await kmipd('admin', 'add', 'otto', '--role', 'auditor', '--password-file', password);
  t.equal(added.code, 0);
  const [, text = ''] = /^secret: ([A-Z2-7]{32})$/m.exec(added.output) ?? [];
  t.match(added.output, `secret=${text}&issuer=kmipd&algorithm=SHA1&digits=6&period=30`);
  const secret = base32ToBytes(text);
  t.notOk(readFileSync(daemon.database).includes(secret), 'it is sealed');
  const list = (code: string) =>
    kmipd('client', 'list', '--as', 'otto', '--as-password-file', password, '--as-totp', code);
  const first = codeAt(secret, 0);
  t.match(await list(first), { code: 0, output: /^demo/m });
  t.match(await list(first), { code: 1, output: /the login was refused/ });
  await daemon.start();
  t.match(await list(first), { code: 1, output: /the login was refused/ }, 'by the daemon');
  const second = codeAt(secret, 1);
  t.match(await list(second), { code: 0, output: /^demo/m });
  t.match(await list(second), { code: 1, output: /the login was refused/ });
  await daemon.end('SIGKILL');
  await daemon.start();
  t.match(await list(second), { code: 1, output: /the login was refused/ }, 'after a kill');
  t.notMatch(added.output + daemon.output, /correct horse/);
});

t.test('every command is run for the administrator that it names', async (t) => {
  for (const args of managed) {
    const { code, output } = await kmipd(...args, '--as', 'nobody', '--as-key', key('admin'));
    t.match({ code, output }, { code: 1, output: /^kmipd: the login was refused: /m }, args.join(' '));
    t.notMatch(output, /removed|enabled|disabled|secret:/, args.join(' '));
  }
});

/** The commands that each role may not run, and those that it may. */
const changes = managed.filter((args) =>
  /^(client (add|remove|disable)|client credential (add|remove)|admin (add|disable|enable|reset|remove)|vault (rotate|retire|change-root|unseal)|object (trust|purge)) /.test(
    `${args.join(' ')} `,
  ),
);

t.test('an auditor changes nothing, and is logged when it tries', async (t) => {
  t.equal(changes.length, 16);
  for (const args of changes) {
    if (args.join(' ') === 'object trust none') continue;
    const { code, output } = await kmipd(...args, ...as('auditor'));
    t.match({ code, output }, { code: 1, output: /the role auditor may not call / }, args.join(' '));
  }
  const [, line = ''] = daemon.output.match(/^(.*"by":"auditor".*)$/m) ?? [];
  t.match(JSON.parse(line), { level: 'warn', role: 'auditor', operation: 'client.add' });
  t.match(await kmipd('client', 'list'), { output: /^demo +default +full +enabled/m });
});

t.test('an operator does the daily work', async (t) => {
  for (const args of [
    ['client', 'disable', 'demo'],
    ['client', 'enable', 'demo'],
    ['vault', 'rotate'],
    ['vault', 'rewrap'],
    ['policy', 'explain', '--client', 'demo', '--operation', 'Get'],
    ['crl'],
    ['node', 'list'],
    ['admin', 'list'],
  ])
    t.match(await kmipd(...args, ...as('operator')), { code: 0 }, args.join(' '));
  for (const args of [
    ['client', 'remove', 'demo'],
    ['client', 'notify', 'demo', '--put'],
    ['vault', 'change-root', `file:${join(home, 'other.key')}`],
    ['admin', 'remove', 'auditor'],
  ])
    t.match(await kmipd(...args, ...as('operator')), { code: 1, output: /may not call/ }, args.join(' '));
});

t.test('an admin removes administrators, but the last of them', async (t) => {
  t.match(await kmipd('admin', 'remove', 'otto', ...as('admin')), { code: 0 });
  t.match(await kmipd('admin', 'remove', 'admin', ...as('admin')), {
    code: 1,
    output: /the last enabled admin/,
  });
  t.match(await kmipd('admin', 'remove', 'admin'), { code: 0, output: /^administrator admin is removed\n$/ });
  t.match(await kmipd('client', 'list', ...as('admin')), { code: 1, output: /the login was refused/ });
});
