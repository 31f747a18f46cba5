import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { KmipError } from '../../src/common/errors.ts';
import { ConflictRetry, maxConflictRetries } from '../../src/protocol/unit-of-work/conflict-retry.ts';

/** Retries under a clock that the test moves. `pass` resolves when all that was due has happened. */
function openRetries() {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const retries = new ConflictRetry({
    now: () => now,
    sleep: (milliseconds) =>
      new Promise((wake) => {
        sleepers.push({ at: now + milliseconds, wake });
      }),
  });
  const pass = async (milliseconds: number): Promise<void> => {
    now += milliseconds;
    for (const { at, wake } of sleepers) if (at <= now) wake();
    sleepers = sleepers.filter(({ at }) => at > now);
    await setImmediate();
  };
  return { retries, pass, isHeld: () => retries.exclusiveBarrier('group') !== undefined };
}

/** A message whose attempts take so long and lose; `attempts` has what was true during each of them. */
function openLoser({ retries, pass, isHeld }: ReturnType<typeof openRetries>, durations: readonly number[]) {
  const attempts: { readonly isHeld: boolean; readonly hasTurn: boolean }[] = [];
  const outcome = retries.run('group', async (hasTurn) => {
    attempts.push({ isHeld: isHeld(), hasTurn });
    await pass(durations[attempts.length - 1] ?? (durations.at(-1) as number));
    return undefined;
  });
  return { outcome, attempts };
}

const refusal = new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');

const losers: readonly {
  readonly what: string;
  readonly durations: readonly number[];
  /** Attempts in all, and numbers of those during which new messages wait. */
  readonly attempts: number;
  readonly held: readonly number[];
}[] = [
  { what: 'no time', durations: [0], attempts: maxConflictRetries, held: range(4, maxConflictRetries) },
  { what: 'a tenth of the time', durations: [100], attempts: 50, held: range(4, 14) },
  { what: 'half of the time', durations: [500], attempts: 10, held: [4, 5] },
  { what: 'all of the time', durations: [1_000], attempts: 5, held: [4] },
  { what: 'more than the time', durations: [1_001], attempts: 4, held: [] },
  { what: 'minutes', durations: [120_000], attempts: 4, held: [] },
  {
    what: 'more than the time, in the last shared retry',
    durations: [1, 1, 1, 1_001],
    attempts: 4,
    held: [],
  },
  { what: 'minutes, once it is exclusive', durations: [1, 1, 1, 1, 60_000], attempts: 5, held: [4] },
];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

for (const { what, durations, attempts, held } of losers) {
  t.test(`a message whose attempts take ${what} holds back others for the bound at most`, async (t) => {
    const loser = openLoser(openRetries(), durations);
    await t.rejects(loser.outcome, refusal);
    t.equal(loser.attempts.length, attempts);
    const during = loser.attempts.flatMap(({ isHeld }, at) => (isHeld ? [at] : []));
    t.same(during, held);
  });
}

t.test('a new message waits for one exclusive attempt, and not until it ends when it is long', async (t) => {
  for (const isLong of [false, true]) {
    const all = openRetries();
    const end = Promise.withResolvers<void>();
    let attempts = 0;
    const outcome = all.retries.run('group', async () => {
      attempts += 1;
      if (attempts <= 4) return undefined;
      await end.promise;
      return attempts === 6 ? 'committed' : undefined;
    });
    while (!all.isHeld()) await setImmediate();
    const passed: number[] = [];
    const waits = all.retries.exclusiveBarrier('group')?.then(() => passed.push(attempts));
    await all.pass(999);
    t.same(passed, [], 'it waits');
    if (isLong) await all.pass(1);
    else end.resolve();
    await waits;
    t.same(passed, [5], 'it passes before the next attempt');
    end.resolve();
    if (isLong) await t.resolves(outcome);
    else t.equal(await outcome, 'committed');
    t.notOk(all.isHeld());
  }
});

t.test(
  'the next message that lost begins when the turn is over, and the long one waits as a new one',
  async (t) => {
    const { retries, pass } = openRetries();
    const end = Promise.withResolvers<void>();
    const turns: boolean[] = [];
    const long = retries.run('group', async (hasTurn) => {
      turns.push(hasTurn);
      await end.promise;
      return turns.length === 2 ? 'long' : undefined;
    });
    let hasBegun = false;
    const next = retries.run('group', async () => {
      hasBegun = true;
      return 'next';
    });
    await setImmediate();
    await pass(4_999);
    t.notOk(hasBegun);
    await pass(1);
    t.equal(await next, 'next');
    end.resolve();
    t.equal(await long, 'long');
    t.same(turns, [true, false]);
  },
);
