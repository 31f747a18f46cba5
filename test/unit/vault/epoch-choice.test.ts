import t from 'tap';
import { EpochChoice } from '../../../src/vault/epoch-choice.ts';

/** Clocks of hosts differ, and are set; an epoch is used by all once everybody knows it, and never left. */

const delay = 120;
const begun = 1_800_000_000;
const epochs = [
  { epoch: 1, createdAt: begun - 1_000_000 },
  { epoch: 2, createdAt: begun },
];

/**
 * A process whose clock differs by so many seconds from that of the one which begins epochs. `known`: those
 * that it knows from its start on.
 */
function createProcess(difference = 0, known = [1]) {
  let time = (begun + difference) * 1000;
  const choice = new EpochChoice(delay, () => time);
  choice.learn(known);
  return {
    choice,
    read: () => choice.learn([1, 2]),
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    choose: (lanesSince = 1) => choice.choose({ epochs, lanesSince }),
    secondsUntilEnd: (epoch: number) => choice.secondsUntilEnd({ epochs, lanesSince: 1 }, epoch),
  };
}

t.test('an epoch is used when this process has known it long enough', async (t) => {
  const process = createProcess();
  process.read();
  t.equal(process.choose(), 1);
  process.pass(delay - 1);
  t.equal(process.choose(), 1);
  process.pass(1);
  t.equal(process.choose(), 2);
});

t.test('the clock of another host neither hastens nor delays it', async (t) => {
  for (const difference of [200, 10_000, -200, -1_000_000]) {
    const process = createProcess(difference);
    process.read();
    t.equal(process.choose(), 1, `${difference} seconds ahead: just read`);
    process.pass(delay);
    t.equal(process.choose(), 2, `${difference} seconds ahead: known by now`);
  }
});

t.test('one that was used is not left, whatever the clock says', async (t) => {
  const process = createProcess();
  process.read();
  process.pass(delay);
  t.equal(process.choose(), 2);
  process.pass(-10_000);
  t.equal(process.choose(), 2);
});

t.test('one that lanes are sealed under is used at once', async (t) => {
  const process = createProcess(-10_000);
  process.read();
  process.choice.learnUsed(2);
  t.equal(process.choose(), 2, 'by another process, or before a restart');
  process.choice.learnUsed(1);
  t.equal(process.choose(), 2);
  const other = createProcess();
  other.choice.learnUsed(9);
  t.equal(other.choose(), 2, 'as far as this keyring has it');
});

t.test('a process that starts uses an epoch that is hours old, and never one below the least', async (t) => {
  t.equal(createProcess(delay + 3_600, [1, 2]).choose(), 2);
  t.equal(createProcess(delay + 3_599, [1, 2]).choose(), 1, 'clocks may be an hour apart');
  t.equal(createProcess(0, [1, 2]).choose(2), 2);
});

t.test('epochs end when none of them was used for as long again', async (t) => {
  const process = createProcess();
  process.read();
  process.choose();
  t.throws(() => process.secondsUntilEnd(2), /epoch 2 is not in use/);
  process.pass(delay);
  process.choose();
  t.equal(process.secondsUntilEnd(2), delay, 'used just now');
  process.pass(delay - 1);
  t.equal(process.secondsUntilEnd(2), 1);
  process.pass(1_000);
  t.equal(process.secondsUntilEnd(2), 0);
  t.throws(() => process.secondsUntilEnd(1), /no epoch before 1 is left/);
});
