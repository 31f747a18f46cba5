import { existsSync } from 'node:fs';
import t from 'tap';
import { profiles } from '../../profiles/index.ts';
import { isCaseOf } from './case.ts';
import { describeFailures, matrix, summary } from './report.ts';
import { casesDirectory, runConformance } from './run.ts';

const directory = casesDirectory();
const absent = existsSync(directory) ? {} : { skip: `no conformance cases in ${directory}` };

t.setTimeout(600_000);

t.test('the OASIS cases have the results that are promised', { ...absent, timeout: 600_000 }, async (t) => {
  const { judged, unused } = await runConformance(directory);
  for (const each of judged) {
    const { name } = each.case;
    switch (each.outcome) {
      case 'passed':
        t.pass(name);
        break;
      case 'expected failure':
      case 'not played':
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
  for (const profile of profiles.filter(({ kept }) => kept)) {
    const wrong = judged.filter(
      ({ case: { name }, outcome, excused }) =>
        isCaseOf(profile, name) && (outcome !== 'passed' || excused.length > 0),
    );
    t.same(
      wrong.map((each) => each.case.name),
      [],
      `${profile.name} is kept`,
    );
  }
  t.comment(`\n${matrix(judged)}\n${summary(judged)}`);
});
