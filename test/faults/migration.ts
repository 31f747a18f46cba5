import { isDeepStrictEqual } from 'node:util';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { verifyDatabase } from '../../src/cli/state-directory/verify-database.ts';
import {
  checkConverted,
  convertUntil,
  expected,
  moreObjects,
  type OldHome,
} from '../first-design/fixture.ts';
import { Random } from '../fuzz/random.ts';
import type { MigrationReport } from './report.ts';

export interface MigrationOptions {
  readonly kills: number;
  readonly seed: number;
  /** Creates a database of the first design, with the objects that `insertMoreObjects` adds. */
  newHome(): Promise<OldHome>;
  /** Resolves when the database has completed the requests of a killed process. */
  settled?(home: OldHome): Promise<void>;
  progress?(report: MigrationReport): void;
}

/** Kills of the conversion of one database at most. */
const maxKills = 4;

/**
 * Kills conversions of the first design at steps by chance, most of them several times, lets each be
 * completed, and compares all objects, records and clients with the old ones. `kmipd verify` must find every
 * row as it was written.
 */
export async function killConversions(options: MigrationOptions): Promise<MigrationReport> {
  const report: MigrationReport = { kills: 0, steps: 0, converted: 0, resumed: 0, problems: [] };
  const random = new Random(options.seed);
  const whole = await options.newHome();
  try {
    report.steps = Number(/^(\d+) steps$/m.exec((await convertUntil(whole, 0)) ?? '')?.[1]);
  } finally {
    whole.remove();
  }
  while (report.kills < options.kills && report.problems.length === 0) {
    const home = await options.newHome();
    try {
      await convertUnderKills(home, random, options, report);
    } finally {
      home.remove();
    }
    options.progress?.(report);
  }
  return report;
}

/** Steps at the start and at the end, which do more than convert one of many rows. */
const specialSteps = 60;

/** Returns the number of a step; one in three is one of the first, one in three one of the last. */
function pickStep(random: Random, steps: number): number {
  const special = Math.min(steps, specialSteps);
  const ranges = [
    { before: 0, count: steps },
    { before: 0, count: special },
    { before: steps - special, count: special },
  ];
  const { before, count } = random.pick(ranges);
  return 1 + before + random.below(count);
}

async function convertUnderKills(
  home: OldHome,
  random: Random,
  { kills, settled }: MigrationOptions,
  report: MigrationReport,
): Promise<void> {
  const steps: number[] = [];
  let output: string | undefined;
  for (const planned = 1 + random.below(maxKills); output === undefined; ) {
    const isLast = steps.length === planned || report.kills === kills;
    // A conversion that goes on has fewer steps left: it may be completed before the step of its kill.
    const step = isLast ? 0 : pickStep(random, report.steps);
    output = await convertUntil(home, step);
    if (output !== undefined) break;
    await settled?.(home);
    report.kills++;
    if (steps.length > 0) report.resumed++;
    steps.push(step);
  }
  const problems: string[] = [];
  const compare = (found: unknown, wanted: unknown, message = 'a client or object') => {
    if (!isDeepStrictEqual(found, wanted)) problems.push(`${message} is not as before`);
  };
  await checkConverted({ strictSame: compare as never }, home);
  await home.opened(async ({ snapshot, vault }) => {
    const {
      objects,
      problems: found,
      unlisted,
    } = await verifyDatabase(stateDirectoryAt(home.directory), { snapshot, vault });
    compare(objects, expected.objects.length + moreObjects, 'the number of objects');
    problems.push(...found.map((problem) => `verify: ${problem}`));
    compare(unlisted, 0, 'the number of further problems');
  });
  report.problems.push(...problems.map((problem) => `killed at steps ${steps.join()}: ${problem}`));
  report.converted++;
}
