import t from 'tap';
import { summarise } from '../../summary.ts';

const whole = `TAP version 14
1..2
# Subtest: test/a.test.ts
    # Subtest: inner
        ok 1 - should be equal
        ok 2 - nested # SKIP no network
        1..2
    ok 1 - inner # time=1.438ms

    ok 2 - later # TODO
    not ok 3 - wrong
      ---
      diff: |
        -1
      at:
        lineNumber: 1
      ...
    1..3
not ok 1 - test/a.test.ts # time=34.513ms

# Subtest: test/b.test.ts
    1..0 # needs python
ok 2 - test/b.test.ts # SKIP needs python

# { total: 5, pass: 1, fail: 1, todo: 1, skip: 2 }
# time=8397.276ms
`;

const empty = `1..1
# Subtest: test/a.test.ts
    1..0 # no tests found
ok 1 - test/a.test.ts # SKIP no tests found

# { total: 1, pass: 0, skip: 1 }
`;

const unloaded = `1..1
# Subtest: test/a.test.ts
    1..0 # no tests found
not ok 1 - test/a.test.ts # time=122.951ms
  ---
  exitCode: 1
  ...

# { total: 1, pass: 0, fail: 1 }
`;

const killed = `1..1
# Subtest: test/a.test.ts
    # Subtest: x
        ok 1 - should be equal
    1..0 # no tests found
        # test count(1) != plan(null)
    TAP version 14
    1..0 # no tests found
not ok 1 - test/a.test.ts # time=331.887ms
  ---
  signal: SIGKILL
  ...
`;

const a = 'test/a.test.ts';
const b = 'test/b.test.ts';

t.test('results are counted', async (t) => {
  t.same(summarise(whole, [a, b]), {
    passed: 1,
    failed: 1,
    skipped: 3,
    failures: [{ where: `${a} > wrong`, details: 'diff: |\n  -1' }],
    skips: [`${a} > inner > nested: no network`, `${a} > later: todo`, `${b}: needs python`],
  });
});

t.test('a file without tests has failed', async (t) => {
  t.match(summarise(empty, [a]), { passed: 0, failed: 1, skipped: 0, failures: [{ where: a }], skips: [] });
});

t.test('a file that does not load, or ends early, has failed', async (t) => {
  t.match(summarise(unloaded, [a]), {
    passed: 0,
    failed: 1,
    failures: [{ where: a, details: 'exitCode: 1' }],
  });
  t.match(summarise(killed, [a]), {
    passed: 1,
    failed: 1,
    failures: [{ where: a, details: 'signal: SIGKILL' }],
  });
});

t.test('a file that the record leaves out has failed', async (t) => {
  t.equal(summarise(whole, [a, b, 'test/c.test.ts']).failed, 2);
  t.equal(summarise('', [a]).failed, 1);
});
