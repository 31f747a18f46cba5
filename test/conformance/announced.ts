import type { Test } from 'tap';
import { profiles } from '../../profiles/index.ts';
import { isCaseOf } from './case.ts';
import { describeFailures, matrix, summary } from './report.ts';
import { casesDirectory, runConformance, type Transport } from './run.ts';

/** Runs cases in one transport and compares the results with the expected failures and the kept profiles. */
export async function hasExpectedResults(t: Test, transport: Transport, only?: string): Promise<void> {
  const { results, unused } = await runConformance(casesDirectory(), { ...(only && { only }), transport });
  for (const each of results) {
    const { name } = each.case;
    switch (each.outcome) {
      case 'passed':
        t.pass(name);
        break;
      case 'expected failure':
      case 'not run':
        t.pass(name, { skip: each.reason ?? '' });
        break;
      case 'unexpected pass':
        t.fail(`${name} passes but is listed as failing: ${each.reason}`);
        break;
      case 'failed':
        t.fail(describeFailures(each, false));
    }
  }
  t.same(unused, [], 'no operation is excused from Query that it names');
  for (const profile of profiles.filter(({ supported }) => supported)) {
    const wrong = results.filter(
      ({ case: { name }, outcome, excused }) =>
        isCaseOf(profile, name) && (outcome !== 'passed' || excused.length > 0),
    );
    t.same(
      wrong.map((each) => each.case.name),
      [],
      `${profile.name} is kept`,
    );
  }
  t.comment(`\n${matrix(results)}\n${summary(results)}`);
}
