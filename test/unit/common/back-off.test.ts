import fc from 'fast-check';
import t from 'tap';
import { BackOff } from '../../../src/common/back-off.ts';

const options = { baseMilliseconds: 100, maxMilliseconds: 1_000, failuresToOpen: 3 };

t.test('a back-off doubles with each failure up to its bound', async (t) => {
  const longest = new BackOff({ ...options, random: () => 1 });
  t.same(
    [1, 2, 3, 4, 5, 6].map(() => longest.fail()),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  const shortest = new BackOff({ ...options, random: () => 0 });
  t.same(
    [1, 2, 3, 4, 5].map(() => shortest.fail()),
    [50, 100, 200, 400, 500],
  );
});

t.test('a back-off begins anew after a success', async (t) => {
  const backOff = new BackOff({ ...options, random: () => 1 });
  backOff.fail();
  backOff.fail();
  backOff.succeed();
  t.equal(backOff.fail(), 100);
});

t.test('the circuit opens after failures in a row, and a success closes it', async (t) => {
  const backOff = new BackOff(options);
  const states = ['fail', 'fail', 'succeed', 'fail', 'fail', 'fail', 'fail', 'succeed'] as const;
  t.same(
    states.map((name) => {
      backOff[name]();
      return backOff.isOpen;
    }),
    [false, false, false, false, false, true, true, false],
  );
});

t.test('a wait is never longer than the bound or below half of the base', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, chance) => {
        const backOff = new BackOff({ ...options, random: () => chance });
        let wait = 0;
        for (let failure = 0; failure < failures; failure++) wait = backOff.fail();
        return wait >= 50 && wait <= 1_000;
      },
    ),
    { numRuns: 100 },
  );
  t.pass();
});
