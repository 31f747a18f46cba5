import t from 'tap';
import type { Node } from '../../../codec/wire/node.ts';
import { operations } from '../../../src/operations/index.ts';
import { RestorableDirectory } from '../../../src/protocol/restorable-directory.ts';
import { children, decode, encode, enumerated, integer, structure } from '../../client.ts';
import { readEntries, registrations } from '../../fuzz/corpus.ts';
import { type Kind, kinds, makeObjects, withIdentifiers } from '../../fuzz/objects.ts';
import { comparable, kindOf, namesNothing, places } from '../named-places.ts';
import { answersOf, outline, TestService, uid } from '../service.ts';

/** A request that names a destroyed object gets the same answer whether its value is kept or not. */

const names = { uniqueNames: false };
let waitingSeconds = 0;
const service = await TestService.open({ waitingSeconds: () => waitingSeconds });
t.teardown(() => service.close());

const entries = readEntries('corpus');
const makers = registrations(entries);
const sendIn = (group: string) => (message: Uint8Array) => service.send(message.slice(), group);

/** Makes objects of all kinds in a group and destroys them; returns those that are destroyed. */
async function makeDestroyed(group: string, seconds: number): Promise<Map<Kind, string>> {
  waitingSeconds = seconds;
  const made = await makeObjects(sendIn(group), makers);
  const revocation = structure('RevocationReason', enumerated('RevocationReasonCode', 1));
  for (const id of made.values()) {
    await service.call('1.4', 'Recover', [uid(id)], group);
    await service.call('1.4', 'Revoke', [uid(id), revocation], group);
    await service.call('1.4', 'Destroy', [uid(id)], group);
  }
  return made;
}

t.test(
  'no request shows whether the value of a destroyed object is kept',
  { timeout: 300_000 },
  async (t) => {
    let round = 0;
    /** Destroyed objects of one group whose values are kept or gone, and others that live. */
    async function renew() {
      round += 1;
      const group = `g ${round}`;
      const kept = await makeDestroyed(group, 86_400);
      const gone = await makeDestroyed(group, 0);
      return { group, kept, gone, own: await makeObjects(sendIn(group), makers) };
    }
    let world = await renew();
    const tried = new Set<string>();
    const { objects } = await new RestorableDirectory(service.store, service.vault, names).list(0);
    t.strictSame(new Set(objects.map(({ id }) => id)), new Set(world.kept.values()), 'they are kept');
    const messages = entries.filter(({ label }) => / (1\.4|2\.1)$/.test(label) && !label.startsWith('make '));
    for (const { label, bytes: message } of messages) {
      const [name = ''] = label.split(' ');
      for (const place of places(decode(message))) {
        const kind = kindOf(place.text);
        const said: string[] = [];
        for (const which of ['gone', 'kept'] as const) {
          const id = world[which].get(kind) as string;
          const node = decode(withIdentifiers(encode(place.with('PLACE')), world.own));
          const there = places(node).find(({ text }) => text === 'PLACE');
          const answer = decode(await sendIn(world.group)(encode(there?.with(id) as Node)));
          said.push(JSON.stringify(comparable(answer, id)));
          if (/:Success|Pending/.test(outline(answersOf(answer)))) world = await renew();
        }
        t.equal(said[1], said[0], `${label}: ${place.tag} ${kind}`);
        tried.add(name);
      }
    }
    const notAsked = Array.from(operations.keys(), String).filter(
      (name) => !tried.has(name) && !namesNothing.has(name),
    );
    t.same(notAsked, [], 'every operation that can name an object was asked');
  },
);

t.test('searches find kept objects as they find others', async (t) => {
  const found: unknown[] = [];
  for (const seconds of [0, 86_400]) {
    const group = `searched ${seconds}`;
    const made = [...(await makeDestroyed(group, seconds)).values()];
    t.equal(made.length, kinds.length);
    for (const state of [1, 2, 3, 4, 5, 6]) {
      const attributes = structure('Attributes', enumerated('State', state));
      const answer = await service.call(
        '2.1',
        'Locate',
        [integer('StorageStatusMask', 7), attributes],
        group,
      );
      found.push(children(answer.payload as Node, 'UniqueIdentifier').length);
    }
  }
  t.strictSame(found.slice(6), found.slice(0, 6));
  t.ok(
    found.some((count) => (count as number) > 1),
    `${found}`,
  );
});
