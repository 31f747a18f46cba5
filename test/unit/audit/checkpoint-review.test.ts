import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  addSignature,
  type Checkpoint,
  encodeCheckpoint,
  hashCheckpoint,
} from '../../../src/audit/checkpoints/checkpoint.ts';
import { encodeKeyLine } from '../../../src/audit/checkpoints/signing-key.ts';
import { readKeyList, SigningKeys } from '../../../src/audit/checkpoints/signing-keys.ts';
import { CheckpointReview } from '../../../src/audit/verification/checkpoint-review.ts';
import { EpochVault } from './epoch-vault.ts';

const noon = Date.parse('2026-11-29T12:00:00Z');
const day = 86_400_000;
const store = '5'.repeat(32);

/** A node that signs what a test wants. */
class Signer {
  readonly texts: string[] = [];
  readonly #directory: string;
  readonly #keys: SigningKeys;

  constructor(t: Test) {
    this.#directory = mkdtempSync(join(tmpdir(), 'kmipd-review-'));
    t.teardown(() => rmSync(this.#directory, { recursive: true }));
    this.#keys = new SigningKeys(this.#directory, new EpochVault().vault);
    this.#keys.prepare(noon);
  }

  /** The list of its public keys. */
  get keys(): string {
    return readKeyList(this.#directory).map(encodeKeyLine).join('\n');
  }

  get first(): string {
    return this.#keys.current.first;
  }

  sign(more: Partial<Checkpoint> & { readonly entries?: number; readonly chain?: string } = {}): string {
    const { entries = this.texts.length + 1, chain = 'a', ...others } = more;
    const time = more.time ?? noon + this.texts.length;
    this.#keys.prepare(time);
    const last = this.texts.at(-1);
    const state = new Uint8Array(32);
    const lane = {
      name: 'n',
      seq: 1,
      state,
      chain: { id: chain.repeat(32), entries, head: state.fill(entries) },
    };
    const signed = encodeCheckpoint({
      ...{ store, formerly: undefined, node: 'aa', keyring: 1, time, lanes: [lane] },
      ...{ previous: last && hashCheckpoint(last), key: this.#keys.current, ...others },
    });
    const text = addSignature(signed, this.#keys.sign(signed));
    this.texts.push(text);
    return text;
  }
}

function review(
  t: Test,
  texts: readonly string[],
  trusted: readonly string[],
  owner: 'own' | 'given' = 'given',
) {
  const file = join(mkdtempSync(join(tmpdir(), 'kmipd-review-')), 'checkpoints');
  t.teardown(() => rmSync(join(file, '..'), { recursive: true }));
  writeFileSync(file, texts.map((text) => `${text}\n`).join(''));
  const reviewed = new CheckpointReview(trusted);
  reviewed.addFile(file, owner);
  const findings = reviewed.finish([store]);
  const short = (line: string) => line.replaceAll(file, 'FILE');
  return { ...findings, problems: findings.problems.map(short), notes: findings.notes.map(short) };
}

t.test('genuine checkpoints of a trusted chain of keys count, over days', async (t) => {
  const signer = new Signer(t);
  for (let at = 0; at < 6; at += 1) signer.sign({ time: noon + (at * day) / 2 });
  const { problems, notes, positions } = review(t, signer.texts, [signer.first]);
  t.same([problems, notes, positions.checkpoints], [[], [], 6]);
});

t.test(
  'a chain of keys that nothing vouches for is reported once, and its checkpoints do not count',
  async (t) => {
    const [signer, other] = [new Signer(t), new Signer(t)];
    signer.sign();
    for (let at = 0; at < 3; at += 1) other.sign({ time: noon + at * day, node: 'bb' });
    const { problems, positions } = review(t, [...signer.texts, ...other.texts], [signer.first]);
    t.equal(positions.checkpoints, 1);
    t.equal(problems.length, 1);
    t.match(problems[0], new RegExp(`begins with ${other.first}, .*--trust ${other.first}$`));
    t.same(review(t, [...signer.texts, ...other.texts], [signer.first, other.first]).problems, []);
  },
);

t.test('altered and foreign lines are named', async (t) => {
  const signer = new Signer(t);
  const [one, two] = [signer.sign(), signer.sign()];
  const altered = two.replace(/entries 2/, 'entries 3');
  t.match(review(t, [one, altered], [signer.first]).problems, [
    /^FILE line 7: the checkpoint was altered: its signature is wrong$/,
  ]);
  t.match(review(t, [one, 'nothing'], [signer.first]).problems, [/^FILE line 7: this is no checkpoint/]);
  const torn = review(t, [one, two.slice(0, 100)], [signer.first]);
  t.equal(torn.positions.checkpoints, 1);
});

t.test('missing checkpoints are a note, and a day that is missing is a problem', async (t) => {
  const signer = new Signer(t);
  for (let at = 0; at < 4; at += 1) signer.sign({ time: noon + at * day });
  const without = (...gone: readonly number[]) => signer.texts.filter((_, at) => !gone.includes(at));
  const today = new Signer(t);
  for (let at = 0; at < 4; at += 1) today.sign();
  const gap = review(t, today.texts.toSpliced(1, 1), [today.first]);
  t.same([gap.problems, gap.notes.length], [[], 1]);
  t.match(gap.notes[0], /in 1 places checkpoints are missing/);
  t.same(review(t, signer.texts.slice(0, 2), [signer.first]).problems, []);
  const untraced = review(t, without(1), [signer.first]);
  t.match(untraced.problems, [
    /the signing key of 20261201 cannot be traced/,
    /the signing key of 20261202 cannot be traced/,
  ]);
  t.equal(untraced.positions.checkpoints, 1);
  const traced = review(t, [signer.keys, ...without(1)], [signer.first]);
  t.same([traced.problems, traced.positions.checkpoints], [[], 3], 'with the list of keys');
});

t.test('a copy of a file says nothing new, and an older one leaves no gap', async (t) => {
  const signer = new Signer(t);
  for (let at = 0; at < 4; at += 1) signer.sign();
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-review-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const reviewed = new CheckpointReview([signer.first]);
  const files = [signer.texts.slice(0, 2), signer.texts.slice(2), signer.texts, signer.texts.slice(1, 3)];
  for (const [at, texts] of files.entries()) {
    const file = join(directory, `${at}`);
    writeFileSync(file, texts.map((text) => `${text}\n`).join(''));
    reviewed.addFile(file, at < 2 ? 'own' : 'given');
  }
  const { problems, notes, positions } = reviewed.finish([store]);
  t.same([problems, notes, positions.checkpoints], [[], [], 4]);
});

t.test('two heads of one count are a fork', async (t) => {
  const signer = new Signer(t);
  signer.sign({ entries: 5 });
  const state = new Uint8Array(32).fill(9);
  signer.sign({
    lanes: [{ name: 'n', seq: 1, state, chain: { id: 'a'.repeat(32), entries: 5, head: state } }],
  });
  t.match(review(t, signer.texts, [signer.first]).problems, [
    /has other 5 entries than .*: the log was forked$/,
  ]);
});

t.test('a chain that is not named any more is told', async (t) => {
  const signer = new Signer(t);
  signer.sign();
  signer.sign({ chain: 'b' });
  const { dropped } = review(t, signer.texts, [signer.first]);
  t.match(dropped, [{ chain: 'a'.repeat(32) }]);
  const relinked = [signer.texts[0] ?? '', signer.sign({ chain: 'b' })];
  t.same(review(t, relinked, [signer.first]).dropped, [], 'what is between may say more');
});

t.test('checkpoints of another database do not count, those of an earlier name do', async (t) => {
  const signer = new Signer(t);
  signer.sign({ store: '6'.repeat(32) });
  const own = review(t, signer.texts, [signer.first], 'own');
  t.same(
    [own.problems, own.notes, own.positions.checkpoints],
    [[], ['1 checkpoints are of other databases'], 0],
  );
  t.match(review(t, signer.texts, [signer.first]).problems, [/is of another database, 6+$/]);
  signer.sign({ formerly: '6'.repeat(32) });
  const renamed = review(t, signer.texts, [signer.first]);
  t.same([renamed.problems, renamed.positions.checkpoints], [[], 2]);
  t.same(renamed.stores, [store, '6'.repeat(32)]);
});
