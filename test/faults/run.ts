/** `node test/faults/run.ts [--kills N] [--seed N]`: kills a daemon N times under writes. Exits with 1 when it lost anything. */
import { parseArgs } from 'node:util';
import { killAgainAndAgain } from './kill.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  console.error('--kills must be a whole number above 0, --seed a whole number.');
  process.exit(1);
}
const started = performance.now();
const report = await killAgainAndAgain({
  kills,
  seed,
  progress: ({ kills: done, acknowledged, objects }) => {
    if (done % 20 === 0)
      console.log(`${done} kills, ${acknowledged} messages acknowledged, ${objects} objects`);
  },
});
for (const problem of report.problems) console.log(problem);
console.log(
  `seed ${seed}: ${report.kills} kills in ${((performance.now() - started) / 1000).toFixed(0)} s, ${report.acknowledged} messages acknowledged, ` +
    `${report.unanswered} cut off, ${report.objects} objects checked, ${report.problems.length} problems`,
);
process.exitCode = report.problems.length > 0 ? 1 : 0;
