import t from 'tap';
import { EpochChoice } from '../../../src/vault/epoch-choice.ts';

/** Clocks of hosts differ, and are set; an epoch is used by all once everybody knows it, and never left. */

const delay = 120;
const begun = 1_800_000_000;
const epochs = [
  { epoch: 1, createdAt: begun - 1_000_000 },
  { epoch: 2, createdAt: begun },
];

/** A process whose clock differs by so many seconds from that of the one which begins epochs. */
function createProcess(difference = 0) {
  let time = (begun + difference) * 1000;
  const choice = new EpochChoice(delay, () => time);
  choice.learn(epochs.slice(0, 1));
  return {
    choice,
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    choose: (usedElsewhere = 0, least = 1) => choice.choose(epochs, least, usedElsewhere),
  };
}

t.test('an epoch is used when this process has known it long enough', async (t) => {
  const process = createProcess();
  process.choice.learn(epochs);
  t.equal(process.choose(), 1);
  process.pass(delay - 1);
  t.equal(process.choose(), 1);
  process.pass(1);
  t.equal(process.choose(), 2);
});

t.test('the slow clock of another host makes none of them older', async (t) => {
  const process = createProcess(200);
  process.choice.learn(epochs);
  t.equal(process.choose(), 1, 'just read, though it seems to be 200 seconds old');
  process.pass(delay);
  t.equal(process.choose(), 2);
});

t.test('one that was used is not left, whatever the clock says', async (t) => {
  const process = createProcess();
  process.choice.learn(epochs);
  process.pass(delay);
  t.equal(process.choose(), 2);
  process.pass(-10_000);
  t.equal(process.choose(), 2);
});

t.test('one that lanes state is used at once', async (t) => {
  const process = createProcess(-10_000);
  process.choice.learn(epochs);
  t.equal(process.choose(2), 2, 'by another process, or before a restart');
  t.equal(process.choose(), 2);
  t.equal(createProcess().choose(9), 2, 'as far as this keyring has it');
});

t.test('a process that starts uses an epoch that is hours old, and never one below the least', async (t) => {
  const late = createProcess(delay + 3_600);
  late.choice.learn(epochs);
  t.equal(late.choose(), 2);
  t.equal(createProcess().choose(0, 2), 2);
});
