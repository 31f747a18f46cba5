/**
 * `node test/faults/run.ts [--migration] [--kills N] [--seed N] [--store sqlite|postgres]`: kills a daemon N
 * times under writes and maintenance; with `--migration`, conversions of databases of the first design. The
 * exit code is 1 when an acknowledged change or an old object was lost, when no serial order explains the
 * answers, when a daemon logged an error, or when `kmipd verify` found one.
 */
import { parseArgs } from 'node:util';
import { insertMoreObjects, OldHome } from '../first-design/fixture.ts';
import { createOldPostgres } from '../first-design/old-postgres.ts';
import { startPostgres, type TestServer } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';
import { databaseOf, settle } from './database.ts';
import { killRepeatedly } from './kill.ts';
import { killConversions } from './migration.ts';
import { describeMigration, describeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    migration: { type: 'boolean', default: false },
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    store: { type: 'string', default: 'sqlite' },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  console.error('--kills must be a whole number above 0, --seed a whole number.');
  process.exit(1);
}
const postgres = values.store === 'postgres' ? await startPostgres() : undefined;
if (typeof postgres === 'string') {
  console.error(postgres);
  process.exit(1);
}

const started = performance.now();
const lines = values.migration ? await killMigrations(postgres) : await killDaemons(postgres);
for (const line of lines) console.log(line);
await postgres?.stop();

async function killDaemons(server: TestServer | undefined): Promise<string[]> {
  const report = await killRepeatedly({
    kills,
    seed,
    ...(server === undefined ? {} : await databaseOf(server)),
    progress: ({ kills: done, acknowledged, objects }) => {
      if (done % 20 === 0)
        console.log(`${done} kills, ${acknowledged} messages acknowledged, ${objects} objects`);
    },
  });
  process.exitCode = report.problems.length > 0 ? 1 : 0;
  return describeReport(report, seed, (performance.now() - started) / 1000);
}

async function killMigrations(server: TestServer | undefined): Promise<string[]> {
  const report = await killConversions({
    kills,
    seed,
    async newHome() {
      const home = server === undefined ? new OldHome() : await createOldPostgres(server);
      if (server === undefined) home.change(insertMoreObjects);
      else await queryPostgres(home.url, insertMoreObjects);
      return home;
    },
    settled: async ({ url }) => (server === undefined ? undefined : settle(url)),
    progress: ({ kills: done, converted }) => {
      if (converted % 10 === 0) console.log(`${done} kills, ${converted} databases converted`);
    },
  });
  process.exitCode = report.problems.length > 0 ? 1 : 0;
  return describeMigration(report, seed, (performance.now() - started) / 1000);
}
