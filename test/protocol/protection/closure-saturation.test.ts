import t from 'tap';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { attacks, describeLeak } from './closure-attacks.ts';
import { type FirstKeys, firstKeys } from './closure-keys.ts';
import { newShared } from './closure-outcomes.ts';
import { CapturingService, forgetful } from './closure-planting.ts';
import { saturate } from './closure-saturated-search.ts';
import type { Saturation } from './closure-saturation.ts';
import { Search } from './closure-search.ts';
import { isKnownTerm } from './closure-terms.ts';
import type { World } from './closure-world.ts';

/**
 * No sequence of steps gives a client a piece of a key that no client may know under `strict` protection.
 * Where `closure.test.ts` follows single sequences, here everything is reached that any of them leads to:
 * objects are merged by what the server decides by, and each step is asked of the server with every choice of
 * them, until the depth, or until no step reaches anything more. The client then knows all bytes that it
 * could read of any of these objects, and the closure is computed once. First keys have the same value in
 * every sequence, so that these bytes belong together.
 *
 * The search is complete up to these assumptions:
 *
 * 1. The server decides by the roles in `closure-roles.ts` alone, and what a step makes of an object that it
 *    changes by the class of this object besides, of which each is asked. A share of the questions whose
 *    answer is known by the roles is asked again of other objects, and an answer that differs fails the test.
 *    A key that unwraps nothing beside five first objects unwraps nothing, and the mode does not decide what
 *    comes out; both are checked likewise.
 * 2. Values decide nothing but whether objects have the same one. So deeper terms are merged
 *    (`closure-terms.ts`), two objects of each kind and class stand for all others, and one of those whose
 *    value the client knows.
 * 3. About a key that comes back decide beside the objects that are named: one first object, every bit that
 *    masks of its copies had, and whether it is recorded that the key has left.
 * 4. Wrapped keys whose content the client knows are unwrapped by one mode with and one without integrity,
 *    and not registered as they came. Others are registered in these two modes.
 *
 * The exact search checks 2 to 4 by samples: every object of its states has to be among those reached.
 *
 *     KMIPD_SATURATION_DEPTH=5 node test/protocol/protection/closure-saturation.test.ts
 *
 * `KMIPD_SATURATION_SETS=0,3` selects sets of first keys, `KMIPD_SATURATION_CHECKED` is the share of
 * questions that are asked again, 0.02 when left out, `KMIPD_SATURATION_STATES` the number of states of each
 * depth that the exact search enters.
 */

const number = (name: string, value: number) => Number(process.env[`KMIPD_SATURATION_${name}`] ?? value);
const maxDepth = number('DEPTH', 1);
const chosen = process.env.KMIPD_SATURATION_SETS?.split(',').map(Number);
const limits = { failedDecryptions: 1_000_000_000 };
const strict = await CapturingService.open({ limits });
const kmip = await CapturingService.open({ limits, protection: 'kmip' });
t.teardown(() => Promise.all([strict.service.close(), kmip.service.close()]));
t.setTimeout(0);

t.test('kmip protection leaks by every known attack, strict by none', async (t) => {
  for (const [name, first, only, maxDepth, expected] of attacks) {
    const found = await saturate(kmip, first, newShared(), { maxDepth, only });
    const leaks = found.saturation.findLeaks().leaks.map(describeLeak);
    t.ok(
      leaks.some((leak) => expected.test(leak)),
      name,
      { found: leaks.filter((leak) => maxDepth === 0 || leak.includes(' after ')).slice(0, 40) },
    );
    const others = await saturate(strict, first, newShared(), { maxDepth, only });
    t.same(others.saturation.findLeaks().leaks.map(describeLeak), [], `${name}, strict`);
  }
});

t.test('a server that does not recognise keys that come back leaks under strict protection', async (t) => {
  const server = await CapturingService.open({ limits, interceptStore: forgetful });
  t.teardown(() => server.service.close());
  for (const first of [firstKeys[1], firstKeys[4]] as FirstKeys[]) {
    const { saturation } = await saturate(server, first, newShared(), { maxDepth: 1, only: /^unwrap/ });
    const leaks = saturation.findLeaks().leaks.map(describeLeak);
    const isFound = leaks.some((leak) => /^[AB]: .*Decrypt\(o.* after unwrap/.test(leak));
    t.ok(isFound, first.name, { found: leaks.slice(0, 10) });
  }
});

/** What every set of first keys shares: the answers of the server do not depend on the set. */
const shared = newShared();

for (const [at, first] of firstKeys.entries())
  t.test(
    `${first.name}: no ${maxDepth} steps give a piece of a secret`,
    { skip: isLeftOut(at) },
    async (t) => {
      const start = performance.now();
      const log = (text: string) =>
        t.comment(`${Math.round((performance.now() - start) / 1_000)} s: ${text}`);
      const { saturation, isComplete, done } = await saturate(strict, first, shared, { maxDepth, log });
      const { leaks, computed } = saturation.findLeaks();
      t.same(leaks.map(describeLeak), []);
      t.same(saturation.contradictions, [], 'objects in the same roles are treated alike');
      t.comment(`${computed} strings computed, complete: ${isComplete}, ${JSON.stringify([...done])}`);
      const missing: string[] = [];
      const onState = (world: World) => compare(world, saturation, missing);
      const options = { maxDepth: Math.min(maxDepth, 5), maxStates: number('STATES', 3), seed: 1, onState };
      const { lost, leaks: direct } = await new Search(strict.service, first, options).run();
      t.same(missing, [], 'every object of a sequence is reached');
      t.same([lost, direct], [0, []]);
    },
  );

/** Whether a set of first keys is left out by the environment. */
function isLeftOut(at: number): boolean {
  return chosen !== undefined && !chosen.includes(at);
}

/** Notes objects of a state that the saturation does not have. */
async function compare(world: World, saturation: Saturation, missing: string[]): Promise<void> {
  const { store, vault } = strict.service;
  const held = [...world.objects.values()].filter(
    ({ term }) => !(term.startsWith('stored ') && isKnownTerm(term.slice(7), saturation.first)),
  );
  const rows = await store.load(
    world.group,
    held.map(({ id }) => id),
  );
  for (const row of rows) {
    const object = ManagedObject.fromStored(row, vault);
    await object.openValue();
    const { name, term } = held.find(({ id }) => id === row.id) as { name: string; term: string };
    if (!saturation.contains(object, term)) missing.push(`${term}: ${world.descriptions.get(name)}`);
  }
}
