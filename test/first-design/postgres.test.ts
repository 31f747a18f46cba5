import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { findKeptRows } from '../../src/first-design/kept-rows.ts';
import { lockConversion } from '../../src/store/conversion-lock.ts';
import { openDatabase } from '../../src/store/open.ts';
import { startPostgres } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';
import { checkConverted, convertUntil, expected, type OldHome } from './fixture.ts';
import { testInventory } from './inventory-suite.ts';
import { createOldPostgres, oldTables } from './old-postgres.ts';

t.setTimeout(600_000);

const server = await startPostgres();
const skip = typeof server === 'string' && server;
t.teardown(() => (typeof server === 'string' ? undefined : server.stop()));

async function newHome(): Promise<OldHome> {
  if (typeof server === 'string') throw new Error(server);
  const home = await createOldPostgres(server);
  t.teardown(() => home.remove());
  return home;
}

const count = (table: string) => `select count(*)::int as n from ${table}`;

t.test('a database of the first design is converted, its old tables stay', { skip }, async (t) => {
  const home = await newHome();
  await t.rejects(openDatabase(home.url), { code: 'FIRST_DESIGN' });
  await home.convert();
  await checkConverted(t, home);
  await t.rejects(
    queryPostgres(home.url, count('object')),
    { code: '42P01' },
    'an older kmipd finds no table',
  );
  t.strictSame(await queryPostgres(home.url, count('first_design_object')), [{ n: expected.objects.length }]);
  const drops = home.report.filter((line) => line.startsWith('  drop table first_design_'));
  t.equal(drops.length, oldTables.length);
  await queryPostgres(home.url, drops[0]!);
  const kept = await findKeptRows(home.url);
  t.equal(kept?.names.length, oldTables.length - 1);
  await kept?.remove();
  await t.rejects(queryPostgres(home.url, count('first_design_object')), { code: '42P01' });
  t.equal(await findKeptRows(home.url), undefined);
  await checkConverted(t, home);
});

testInventory(
  t,
  {
    newHome,
    async change({ url }, sql) {
      await queryPostgres(url, sql);
    },
    overriding: 'overriding system value',
  },
  skip,
);

t.test('the statements of docs/conversion.md lead back to an older kmipd', { skip }, async (t) => {
  const home = await newHome();
  await home.convert();
  const page = readFileSync(join(import.meta.dirname, '../../docs/conversion.md'), 'utf8');
  await queryPostgres(home.url, /```sql\n([^`]+)```/.exec(page)?.[1] ?? '');
  for (const table of oldTables) await queryPostgres(home.url, count(table));
  t.strictSame(await queryPostgres(home.url, 'select max(version)::int as n from migration'), [{ n: 4 }]);
  await t.rejects(openDatabase(home.url), { code: 'FIRST_DESIGN' });
  await home.convert(undefined, true);
  await checkConverted(t, home);
});

/** Has the database end the insertion of most objects as a server does whose disk is full. */
const fillDisk = `
  create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
  end $$;
  create function fill() returns event_trigger language plpgsql as $$ begin
    if exists (select from pg_event_trigger_ddl_commands() where object_identity like '%.managed_object') then
      create trigger full_disk before insert on managed_object for each row
        when (new.seq > 10) execute function refuse();
    end if;
  end $$;
  create event trigger fill on ddl_command_end when tag in ('CREATE TABLE') execute function fill()`;

t.test('a conversion on a full disk ends with one line, and is repeated', { skip }, async (t) => {
  const home = await newHome();
  await queryPostgres(home.url, fillDisk);
  await t.rejects(home.convert(), {
    message:
      /^the conversion of the database stopped: cannot write \S+: could not extend file "base\/1\/2": No space left on device; no old row is lost: put that right, then start again$/,
  });
  t.match(home.said.join('\n'), /^the old tables take 1 MiB, and about as much again has to be free/m);
  await queryPostgres(home.url, 'drop event trigger fill');
  await home.convert();
  await checkConverted(t, home);
});

t.test('one node converts at a time', { skip }, async (t) => {
  const home = await newHome();
  const lock = await lockConversion(home.url);
  t.equal(await lockConversion(home.url), undefined);
  await t.rejects(home.convert(), { message: /^another kmipd converts the database/ });
  t.strictSame(
    await queryPostgres(home.url, count('object')),
    [{ n: expected.objects.length }],
    'nothing has changed',
  );
  await lock?.release();
  await home.convert();
  await checkConverted(t, home);
});

t.test('a node learns that its lock is lost', { skip }, async (t) => {
  const home = await newHome();
  const lock = await lockConversion(home.url);
  t.equal(lock?.isHeld, true);
  await queryPostgres(
    home.url,
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()",
  );
  while (lock?.isHeld) await setImmediate();
  const next = await lockConversion(home.url);
  t.equal(next?.isHeld, true, 'another node may convert');
  await next?.release();
  await lock?.release();
});

t.test('a conversion that is killed begins again and loses nothing', { skip }, async (t) => {
  const whole = await convertUntil(await newHome(), 0);
  const steps = Number(/^(\d+) steps$/m.exec(whole ?? '')?.[1]);
  t.ok(steps > 20, `${steps} steps`);
  for (const part of [0.4, 0.6, 0.8, 0.97]) {
    const home = await newHome();
    const step = Math.ceil(part * steps);
    t.equal(await convertUntil(home, step), undefined, `killed at step ${step} of ${steps}`);
    t.match(await convertUntil(home, 0), /steps/, 'completed by the second attempt');
    await checkConverted(t, home);
  }
});
