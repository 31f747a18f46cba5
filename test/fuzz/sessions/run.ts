/**
 * `npm run fuzz:sessions -- [--seed N] [--count N] [--path PATH] [--ignore NAMES | --only NAMES]
 * [--shrink SECONDS]`: sends random sessions of several clients and checks what must hold after each message.
 * The same seed gives the same sessions; `--path`, which a finding prints, sends its session alone.
 * `--ignore` and `--only` choose the invariants that are checked; `--shrink` bounds the search for a shorter
 * session. Exits with 1 when something does not hold.
 */
import { parseArgs } from 'node:util';
import { campaignText, runCampaign } from './campaign.ts';
import { type InvariantName, invariantNames } from './invariants.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100000' },
    path: { type: 'string' },
    ignore: { type: 'string', default: '' },
    only: { type: 'string' },
    shrink: { type: 'string', default: '60' },
  },
});

function wholeNumber(name: 'seed' | 'count' | 'shrink'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value)) return value;
  console.error(`--${name} must be a whole number, not ${values[name]}.`);
  return process.exit(1);
}

/** The invariants in a list of names with commas. */
function namesIn(list: string): readonly InvariantName[] {
  return list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      if (invariantNames.includes(name as InvariantName)) return name as InvariantName;
      console.error(`an invariant is one of ${invariantNames.join(', ')}, not ${name}.`);
      return process.exit(1);
    });
}

const only = values.only === undefined ? undefined : namesIn(values.only);
const ignored =
  only === undefined ? namesIn(values.ignore) : invariantNames.filter((name) => !only.includes(name));

let said = 0;
const report = await runCampaign({
  seed: wholeNumber('seed'),
  count: wholeNumber('count'),
  path: values.path,
  ignored,
  shrinkMilliseconds: wholeNumber('shrink') * 1000,
  progress(sessions, milliseconds) {
    if (milliseconds - said < 10_000) return;
    said = milliseconds;
    console.log(`${sessions} sessions, ${Math.round((sessions * 1000) / milliseconds)}/s`);
  },
});
console.log(campaignText(report));
process.exitCode = report.finding === undefined ? 0 : 1;
