import t from 'tap';
import { KeyringKnowledge } from '../../../src/vault/keyring-knowledge.ts';

/** When a process must not say that something is in no index. */

const minute = 60_000;

function isRefused(knowledge: KeyringKnowledge): boolean {
  let refreshes = 0;
  try {
    knowledge.requireFresh(async () => void (refreshes += 1));
    return false;
  } catch (error) {
    t.match(error, { code: 'VAULT_UNAVAILABLE' });
    t.equal(refreshes, 1, 'the keyring is read');
    return true;
  }
}

type Step = readonly ['known' | 'stored', generation: number, minutesAgo: number];

const cases: readonly [what: string, steps: readonly Step[], isRefused: boolean, seconds?: number][] = [
  ['nothing says that others write', [], false],
  [
    'a generation that was not read yet',
    [
      ['known', 3, 9],
      ['stored', 4, 0],
    ],
    false,
  ],
  [
    'the stored one, long ago',
    [
      ['known', 3, 9],
      ['stored', 3, 3],
    ],
    true,
  ],
  [
    'the stored one, lately',
    [
      ['known', 3, 9],
      ['stored', 3, 1],
    ],
    false,
  ],
  [
    'a later one that was not opened',
    [
      ['known', 3, 9],
      ['stored', 3, 3],
      ['stored', 4, 0],
    ],
    true,
  ],
  [
    'a later one with known indexes',
    [
      ['known', 3, 9],
      ['stored', 3, 3],
      ['known', 4, 1],
    ],
    false,
  ],
  [
    'one node alone',
    [
      ['known', 3, 9],
      ['stored', 3, 3],
    ],
    false,
    0,
  ],
];
for (const [what, steps, refused, seconds = 120] of cases)
  t.test(`${what} is ${refused ? 'refused' : 'good enough'}`, async (t) => {
    const knowledge = new KeyringKnowledge(seconds, () => 0);
    for (const [step, generation, minutesAgo] of steps) {
      const at = performance.now() - minutesAgo * minute;
      if (step === 'known') knowledge.noteKnown(generation, at);
      else knowledge.learnStored(generation, at);
    }
    t.equal(isRefused(knowledge), refused);
  });

t.test('an older reading does not shorten it', async (t) => {
  const knowledge = new KeyringKnowledge(120, () => 0);
  knowledge.noteKnown(1, performance.now());
  knowledge.learnStored(1, performance.now());
  knowledge.learnStored(1, performance.now() - 9 * minute);
  t.equal(isRefused(knowledge), false);
});

t.test('a keyring that was read lately has every epoch', async (t) => {
  let now = 1_000_000;
  const knowledge = new KeyringKnowledge(120, () => now);
  t.equal(knowledge.isCurrent, false);
  knowledge.noteRead();
  t.equal(knowledge.isCurrent, true);
  now += minute;
  t.equal(knowledge.isCurrent, false);
});
