import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, mainFile } from '../fixture/kmipd.ts';
import { ask, create, get } from './messages.ts';

/**
 * A rewrap that is killed again and again ends complete. Long form: `KMIPD_REWRAP_OBJECTS=10000
 * KMIPD_REWRAP_WRITES=50`.
 */

t.setTimeout(3_600_000);

const objects = Number(process.env.KMIPD_REWRAP_OBJECTS ?? 400);
/** Commits of one attempt: the command itself makes some, its entries of the audit log among them. */
const writes = Number(process.env.KMIPD_REWRAP_WRITES ?? 8);
const batch = 200;

const daemon = await Daemon.prepare({ config: 'vault.activationSeconds = 0\n' });
t.teardown(() => daemon.remove());
await daemon.start();
const client = await daemon.connect();
const ids: string[] = [];
for (let at = 0; at < objects; at += batch) {
  const names = Array.from({ length: Math.min(batch, objects - at) }, (_, more) => `key ${at + more}`);
  ids.push(...(await ask(client, names.map(create))).map(({ id }) => id));
}
await client.close();
await daemon.end();

const kmipd = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  new KmipdProcess([...args, '--home', daemon.home], {
    ...{ env: { ...process.env, ...env } },
    command: [process.execPath, '--import', join(import.meta.dirname, 'kill-at-commit.ts'), mainFile],
  });
const epochs = (table = 'managed_object') => {
  const database = new DatabaseSync(daemon.database, { readOnly: true });
  const rows = database
    .prepare(`select hex(substr(box, 3, 4)) as epoch, count(*) as count from ${table} group by epoch`)
    .all();
  database.close();
  return Object.fromEntries(rows.map(({ epoch, count }) => [Number(`0x${epoch}`), Number(count)]));
};
/** Rows of all tables under the former epoch. */
const countOlder = () =>
  ['managed_object', 'sealed_record', 'audit_block'].reduce((sum, table) => sum + (epochs(table)[1] ?? 0), 0);

t.test('each attempt goes on where the one before was killed', async (t) => {
  t.equal(await kmipd(['vault', 'rotate']).exited(), 0);
  t.strictSame(epochs(), { 1: objects });
  let attempts = 1;
  for (let left = countOlder(); ; attempts += 1) {
    const isAfter = attempts % 2 === 0;
    const rewrap = kmipd(['vault', 'rewrap', '--fast'], {
      KMIPD_KILL_AT_COMMIT: String(writes),
      ...(isAfter && { KMIPD_KILL_AFTER: '1' }),
    });
    const code = await rewrap.exited();
    const { 1: older = 0, 2: sealed = 0 } = epochs();
    t.equal(older + sealed, objects, `attempt ${attempts}: no row is lost`);
    t.equal(await kmipd(['verify']).exited(), 0, 'rows and lanes belong together');
    if (code === 0) break;
    t.equal(code, 'SIGKILL', rewrap.combinedOutput);
    // An attempt that gets nowhere would be repeated for ever.
    const stillLeft = countOlder();
    if (!t.ok(stillLeft < left, `${left} rows before, ${stillLeft} after it`)) return;
    left = stillLeft;
  }
  t.ok(attempts > 3, `${attempts} attempts`);
  t.strictSame(epochs(), { 2: objects });
});

t.test('every key is as it was, and the former epoch ends', async (t) => {
  await daemon.start();
  const reader = await daemon.connect();
  for (let at = 0; at < objects; at += batch) {
    const answers = await ask(reader, ids.slice(at, at + batch).map(get));
    t.ok(answers.every(({ ok }) => ok));
  }
  await reader.close();
  t.equal(await kmipd(['vault', 'retire']).exited(), 0);
  t.equal(await kmipd(['verify']).exited(), 0);
});
