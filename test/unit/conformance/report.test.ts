import t from 'tap';
import type { Case } from '../../conformance/case.ts';
import type { Result } from '../../conformance/exchange.ts';
import {
  type CaseResult,
  classify,
  describeFailures,
  leaveOut,
  matrix,
  summary,
  toJson,
  unusedExcuses,
} from '../../conformance/report.ts';

function result(name: string, version: Case['version'], fails: boolean): Result {
  const family = name.split('-')[0] ?? name;
  const difference = { path: 'BatchItem[1]/ResultStatus', expected: 'Success', actual: 'OperationFailed' };
  return {
    case: { name, version, family, file: `${version}/${name}.xml`, exchanges: [] },
    failures: fails ? [{ exchange: 2, operations: ['Get'], differences: [difference] }] : [],
  };
}

const results = [
  result('BL-M-1-14', '1.4', false),
  result('BL-M-1-21', '2.1', true),
  result('CS-M-1-21', '2.1', true),
  result('CS-M-2-21', '2.1', false),
];

const listed = (cases: Record<string, string>) => ({ cases, notPlayed: {}, queryOperations: {} });

t.test('a case is judged by its result and by the list of expected failures', async (t) => {
  const judged = classify(results, listed({ 'CS-*': 'later' }));
  t.same(
    judged.map(({ outcome }) => outcome),
    ['passed', 'failed', 'expected failure', 'unexpected pass'],
  );
  t.equal(judged[2]?.reason, 'later');
  t.equal(summary(judged), '1 passed, 2 failed, 1 skipped');
});

t.test('patterns match whole names', async (t) => {
  t.same(
    classify(results, listed({ 'BL-M-1': 'no', 'M-1-21': 'no', '*-M-1-21': 'yes' })).map(
      ({ outcome }) => outcome,
    ),
    ['passed', 'expected failure', 'expected failure', 'passed'],
  );
});

t.test('operations that Query does not name yet are excused, and nothing else', async (t) => {
  const query = (operations: readonly string[], place = 'Operation') => ({
    ...(results[0] as Result),
    failures: [
      {
        exchange: 1,
        operations: ['Query'],
        differences: operations.map((each) => ({
          path: `BatchItem[1]/ResponsePayload/${place}(${each})`,
          expected: 'this value in the list',
          actual: '3 others',
        })),
      },
    ],
  });
  const expected = { ...listed({}), queryOperations: { Sign: 'later', Hash: 'later' } };
  const [excused] = classify([query(['Sign'])], expected);
  t.match(excused, { outcome: 'passed', excused: ['Sign'], failures: [] });
  t.same(unusedExcuses([excused as CaseResult], expected), ['Hash']);
  t.match(classify([query(['Sign', 'Get'])], expected), [{ outcome: 'failed', excused: ['Sign'] }]);
  t.match(classify([query(['Sign'], 'ObjectType')], expected), [{ outcome: 'failed' }]);
});

t.test('a case that is not run is skipped', async (t) => {
  const left = leaveOut((results[0] as Result).case, 'the server speaks first');
  t.equal(summary([left]), '0 passed, 0 failed, 1 skipped');
});

t.test('the matrix counts what passed', async (t) => {
  t.same(matrix(classify(results, listed({ 'CS-*': 'later' }))).split('\n'), [
    'family  1.4  2.1  all',
    'BL      1/1  0/1  1/2',
    'CS        ·  1/2  1/2',
    'all     1/1  1/3  2/4',
  ]);
});

t.test('a failure is described by place, expectation and fact', async (t) => {
  const text = describeFailures(results[1] as Result, false);
  for (const part of [
    'BL-M-1-21',
    '2.1/BL-M-1-21.xml',
    'exchange 2: Get',
    'ResultStatus',
    'Success',
    'OperationFailed',
  ]) {
    t.ok(text.includes(part), part);
  }
});

t.test('results for other programs', async (t) => {
  const [first] = JSON.parse(toJson(classify(results, listed({})))) as { name: string; outcome: string }[];
  t.same([first?.name, first?.outcome], ['BL-M-1-14', 'passed']);
});
