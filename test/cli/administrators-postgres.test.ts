import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { startPostgres } from '../store/embedded-postgres.ts';
import { base32ToBytes, codeAt, writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** Administrators of one database on PostgreSQL, by two nodes. */

t.setTimeout(300_000);

const server = await startPostgres();
const skip = typeof server === 'string' ? server : false;
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('two nodes know the same administrators, and take a one-time password once', { skip }, async (t) => {
  if (typeof server === 'string') return;
  const first = await Daemon.prepare({ store: await server.fresh() });
  t.teardown(() => first.remove());
  const { home } = first;
  for (const name of ['anna', 'bert']) {
    const certificate = await writeCertifiedKey(home, name);
    const added = await captureCommand(home, 'admin', 'add', name, '--role', 'admin', '--cert', certificate);
    t.equal(added.code, 0, name);
  }
  appendFileSync(join(home, 'kmipd.toml'), '\n[approval]\nmethods = ["client.remove"]\n');
  const second = Daemon.prepareBeside(first);
  t.teardown(() => second.remove());
  await first.start();
  await second.start();
  const as = (name: string) => ['--as', name, '--as-key', join(home, `${name}.key`)] as const;
  const file = join(home, 'password');
  writeFileSync(file, 'correct horse battery\n');

  const args = ['admin', 'add', 'carl', '--role', 'auditor', '--password-file', file, ...as('anna')];
  const { output } = await captureCommand(home, ...args);
  const [, secret = ''] = /^secret: ([A-Z2-7]{32})$/m.exec(output) ?? [];
  const [, id = ''] = /approval approve ([0-9a-f]{12})\n$/.exec(output) ?? [];
  const approved = await captureCommand(second.home, 'approval', 'approve', id, ...as('bert'));
  t.match(approved, { code: 0, output: /approved and done/ }, 'by the other node');

  const code = codeAt(base32ToBytes(secret), 0);
  const login = ['--as', 'carl', '--as-password-file', file, '--as-totp', code];
  const commands = await Promise.all(
    [first, second, first, second].map((node) =>
      runKmipd('/', 'client', 'list', '--home', node.home, ...login),
    ),
  );
  const codes = await Promise.all(commands.map((command) => command.exited()));
  t.strictSame(codes.toSorted(), [0, 1, 1, 1], 'at once');
  t.match(await captureCommand(second.home, 'client', 'list', ...login), { code: 1 }, 'afterwards');

  t.match(await captureCommand(home, 'admin', 'disable', 'carl', ...as('anna')), { code: 0 });
  const later = [...login.slice(0, -1), codeAt(base32ToBytes(secret), 1)];
  t.match(await captureCommand(second.home, 'client', 'list', ...later), {
    ...{ code: 1, output: /the login was refused/ },
  });
  t.match(second.output, '"reason":"disabled"');
});
