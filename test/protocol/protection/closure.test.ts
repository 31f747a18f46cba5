import t from 'tap';
import { TestService } from '../service.ts';
import { attacks, describeLeak } from './closure-attacks.ts';
import { firstKeys } from './closure-keys.ts';
import type { Kind } from './closure-reads.ts';
import { type Report, Search, type SearchOptions } from './closure-search.ts';

/**
 * A search over sequences of steps on three keys: no sequence gives a client a piece of a Sensitive or locked
 * key under `strict` protection. Steps that change something are unwrap, register, derive, split, join, set
 * attribute, and each of them undone. In every state that they lead to the client makes every request that
 * returns bytes (Get and Export, plain and wrapped, Encrypt, Decrypt, MAC), and the closure of its knowledge
 * is computed here with node:crypto (`closure-knowledge.ts`). So a sequence of five steps is one of at most
 * five changes with any number of the others between them.
 *
 * `npm test` enters a few states of each depth up to 2. The long form:
 *
 *     KMIPD_CLOSURE_DEPTH=5 KMIPD_CLOSURE_STATES=6 node test/protocol/protection/closure.test.ts
 *
 * `KMIPD_CLOSURE_STATES` bounds the states that are entered of each depth; where there are more, they are
 * drawn by `KMIPD_CLOSURE_SEED`. The counts are printed as comments of TAP; docs/robustness.md has those of a
 * long run.
 */

const number = (name: string, value: number) => Number(process.env[`KMIPD_CLOSURE_${name}`] ?? value);
const options: SearchOptions = {
  maxDepth: number('DEPTH', 2),
  maxStates: number('STATES', 2),
  seed: number('SEED', 1),
};
const limits = { failedDecryptions: 1_000_000 };
const strict = await TestService.open({ limits });
const kmip = await TestService.open({ limits, protection: 'kmip' });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));
t.setTimeout(0);

for (const [name, first, only, maxDepth, expected] of attacks)
  t.test(`${name}: kmip leaks, strict does not`, async (t) => {
    const bounded = { ...options, only, maxDepth, maxStates: 10 };
    const found = await new Search(kmip, first, bounded).run();
    const leaks = found.leaks.map(describeLeak);
    t.ok(
      leaks.some((leak) => expected.test(leak)),
      name,
      { found: leaks.filter((leak) => maxDepth === 0 || leak.includes(' after ')).slice(0, 40) },
    );
    const { leaks: others } = await new Search(strict, first, bounded).run();
    t.same(others.map(describeLeak), [], `${name}, strict`);
  });

/** Successes of each kind that a search needs to prove anything. */
const needed: Readonly<Record<Kind, number>> = {
  get: 5,
  wrap: 50,
  unwrap: 50,
  encrypt: 50,
  decrypt: 50,
  MAC: 10,
  derive: 10,
  split: 10,
  join: 1,
  'set attribute': 10,
  register: 10,
  Undo: 50,
};

t.test('no sequence gives a piece of a key that no client may know: strict', async (t) => {
  const reports: Report[] = [];
  for (const first of firstKeys) {
    const start = performance.now();
    const report = await new Search(strict, first, options).run();
    reports.push(report);
    t.same(report.leaks.map(describeLeak), [], first.name);
    t.equal(report.lost, 0, 'a step that was allowed is allowed again');
    t.comment(`${first.name}: ${Math.round(performance.now() - start)} ms, ${report.summary}`);
  }
  for (const [kind, least] of Object.entries(needed)) {
    const tallies = reports.map(({ kinds }) => kinds.get(kind as Kind));
    const sum = (what: 'done' | 'refused' | 'alike') =>
      tallies.reduce((total, tally) => total + (tally?.[what] ?? 0), 0);
    t.ok(sum('done') >= least, `${kind} succeeded ${sum('done')} times, of ${least} that are needed`);
    t.comment(
      `${kind}: ${sum('done')} done, ${sum('refused')} refused, ${sum('alike')} refused alike before`,
    );
  }
});
