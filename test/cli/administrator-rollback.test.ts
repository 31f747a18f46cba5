import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** Rows of administrators that somebody puts back all together, while no kmipd runs. */

t.setTimeout(120_000);

const kinds = "kind in ('administrator', 'administrator-list')";

t.test('administrators of before are refused at the start, all together too', async (t) => {
  const daemon = await Daemon.prepare();
  t.teardown(() => daemon.remove());
  const { home } = daemon;
  const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
  const certificate = await writeCertifiedKey(home, 'anna');
  t.match(await kmipd('admin', 'add', 'anna', '--role', 'admin', '--cert', certificate), { code: 0 });
  const list = () => kmipd('client', 'list', '--as', 'anna', '--as-key', join(home, 'anna.key'));
  t.match(await list(), { code: 0 });
  using database = new DatabaseSync(daemon.database);
  database.exec('pragma busy_timeout = 10000');
  database.exec(`create table kept as select key, version, box from sealed_record where ${kinds}`);
  t.match(await kmipd('admin', 'disable', 'anna'), { code: 0 });
  t.match(await list(), { code: 1, output: /the login was refused/ });
  database.exec(`
    update sealed_record set version = kept.version, box = kept.box from kept where kept.key = sealed_record.key;
    drop table kept;
  `);
  t.match(await list(), { code: 1, output: /records of clients and policies in the database are not those/ });
  t.match(await kmipd('admin', 'list'), { code: 1 });
});
