/**
 * `node test/faults/run.ts [--kills N] [--seed N] [--store sqlite|postgres]`: kills a daemon N times under
 * writes. The exit code is 1 when it lost an acknowledged change, when no serial order explains its answers,
 * when a daemon logged an error, or when `kmipd verify` found one.
 */
import { parseArgs } from 'node:util';
import { startPostgres } from '../store/embedded-postgres.ts';
import { databaseOf } from './database.ts';
import { killRepeatedly } from './kill.ts';

const { values } = parseArgs({
  options: {
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
const report = await killRepeatedly({
  kills,
  seed,
  ...(postgres === undefined ? {} : await databaseOf(postgres)),
  progress: ({ kills: done, acknowledged, objects }) => {
    if (done % 20 === 0)
      console.log(`${done} kills, ${acknowledged} messages acknowledged, ${objects} objects`);
  },
});
for (const problem of report.problems) console.log(problem);
console.log(
  `seed ${seed}: ${report.kills} kills in ${((performance.now() - started) / 1000).toFixed(0)} s, ${report.acknowledged} messages acknowledged, ` +
    `${report.unanswered} cut off, ${report.objects} objects checked, ${report.ordered} messages on shared objects in a serial order, ` +
    `${report.tickets} tickets, ${report.killsAtStart} further kills at the start, ${report.problems.length} problems`,
);
const { undone, chain, cell, spend } = report.interrupted;
console.log(
  `cut off among the shared ones: ${undone} batches to be undone, ${chain} Re-keys, ${cell} Imports that replace, ${spend} uses of limited keys`,
);
await postgres?.stop();
process.exitCode = report.problems.length > 0 ? 1 : 0;
