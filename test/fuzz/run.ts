/**
 * `npm run fuzz -- [--seed N] [--count N] [--from N] [--over service|text|tls] [--store sqlite|postgres]
 * [--deadline MS] [--problems N]`: sends mutated messages and reports the responses. `text`: as XML and JSON,
 * in process. Message N of a seed is always the same, so `--from N --count 1` sends one alone. Exits with 1
 * when an answer was wrong.
 */
import { parseArgs } from 'node:util';
import { startPostgres } from '../store/embedded-postgres.ts';
import { type Options, reportText } from './report.ts';
import { fuzzService } from './service.ts';
import { fuzzTls } from './tls.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100000' },
    from: { type: 'string', default: '1' },
    over: { type: 'string', default: 'service' },
    store: { type: 'string', default: 'sqlite' },
    deadline: { type: 'string', default: '10000' },
    problems: { type: 'string', default: '5' },
  },
});

const number = (name: 'seed' | 'count' | 'from' | 'deadline' | 'problems'): number => {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(`--${name} must be a whole number, not ${values[name]}.`);
    process.exit(1);
  }
  return value;
};

const campaigns = {
  service: fuzzService,
  text: (options: Options) => fuzzService(options, 'text'),
  tls: fuzzTls,
};
if (!Object.hasOwn(campaigns, values.over)) {
  console.error(`--over must be one of ${Object.keys(campaigns).join(', ')}, not ${values.over}.`);
  process.exit(1);
}
if (!['sqlite', 'postgres'].includes(values.store)) {
  console.error(`--store must be sqlite or postgres, not ${values.store}.`);
  process.exit(1);
}
const postgres = values.store === 'postgres' ? await startPostgres() : undefined;
if (typeof postgres === 'string') {
  console.error(postgres);
  process.exit(1);
}

let said = 0;
const report = await campaigns[values.over as keyof typeof campaigns]({
  seed: number('seed'),
  from: number('from'),
  count: number('count'),
  deadline: number('deadline'),
  maxProblems: number('problems'),
  ...(postgres && { store: await postgres.fresh() }),
  progress({ messages }, milliseconds) {
    if (milliseconds - said < 10_000) return;
    said = milliseconds;
    console.log(`${messages} messages, ${Math.round((messages * 1000) / milliseconds)}/s`);
  },
});
await postgres?.stop();
console.log(`seed ${values.seed}, over ${values.over}, store ${values.store}`);
console.log(reportText(report));
process.exitCode = report.problems.length > 0 ? 1 : 0;
