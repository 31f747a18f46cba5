import t from 'tap';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Node } from '../../codec/wire/node.ts';
import { operations } from '../../src/operations/index.ts';
import { decode, encode, find, requestMessage } from '../client.ts';
import { readEntries, registrations } from '../fuzz/corpus.ts';
import { type Kind, makeObjects, withIdentifiers } from '../fuzz/objects.ts';
import { comparable, kindOf, namesNothing, nobodys, places, taken } from './named-places.ts';
import { underRole } from './restricted.ts';
import { answersOf, outline, TestService, uid } from './service.ts';

/**
 * A request that names an object of its own group which the role does not reach, by type or by algorithm,
 * gets the same bytes as one with an unused name, and leaves the object as it is.
 */

const service = await TestService.open({ limits: { jobsPerClient: 1_000 } });
t.teardown(() => service.close());
const entries = readEntries('corpus');
const makers = registrations(entries);

/** Type and algorithm of the objects of each kind. */
const described: Readonly<Record<Kind, readonly [type: ObjectTypeName, algorithm: string]>> = {
  'AES key': ['SymmetricKey', 'AES'],
  'active AES key': ['SymmetricKey', 'AES'],
  'private key': ['PrivateKey', 'RSA'],
  'public key': ['PublicKey', 'RSA'],
  'secret data': ['SecretData', 'none'],
  certificate: ['Certificate', 'EC'],
  'opaque object': ['OpaqueObject', 'none'],
  'revoked AES key': ['SymmetricKey', 'AES'],
  'destroyed AES key': ['SymmetricKey', 'AES'],
  'archived AES key': ['SymmetricKey', 'AES'],
  'sensitive AES key': ['SymmetricKey', 'AES'],
  'EC private key': ['PrivateKey', 'ECDSA'],
  'EC public key': ['PublicKey', 'ECDSA'],
  'deriving key': ['SymmetricKey', 'AES'],
  'first part': ['SplitKey', 'AES'],
  'second part': ['SplitKey', 'AES'],
};
const types = [...new Set(Object.values(described).map(([type]) => type))];
const algorithms = [...new Set(Object.values(described).map(([, algorithm]) => algorithm))];
const without = (list: readonly string[], entry: string) => list.filter((each) => each !== entry);

const send = (group: string, sender: typeof service.sender, message: Uint8Array) => {
  service.sender = { ...sender, group };
  return service.send(message.slice());
};

/** The objects of a group with their attributes and values. */
async function stateOf(group: string, ids: Iterable<string>): Promise<unknown> {
  const answers: unknown[] = [];
  for (const id of ids)
    for (const operation of ['Get', 'GetAttributes']) {
      const message = encode(requestMessage('1.4', [{ operation, payload: [uid(id)] }]));
      answers.push(find(decode(await send(group, {}, message)), 'BatchItem'));
    }
  return answers;
}

t.test('the kinds of objects are of the types and algorithms that this test takes for theirs', async (t) => {
  const made = await makeObjects((message) => send('kinds', {}, message), makers);
  for (const [kind, id] of made) {
    const [type, algorithm] = described[kind];
    for (const [table, status] of [
      [{ objectTypes: [type], algorithms: [algorithm] }, 'Success'],
      [{ objectTypes: without(types, type) }, 'ItemNotFound'],
      [{ algorithms: without(algorithms, algorithm) }, 'ItemNotFound'],
    ] as const) {
      const message = encode(requestMessage('1.4', [{ operation: 'GetAttributeList', payload: [uid(id)] }]));
      const [answer] = answersOf(decode(await send('kinds', underRole(table), message)));
      const expected = kind === 'archived AES key' && status === 'Success' ? 'ObjectArchived' : status;
      t.equal(answer?.reason ?? answer?.status, expected, `${kind}: ${JSON.stringify(table)}`);
    }
  }
});

t.test(
  'an object that the role does not reach is refused wherever a request names it',
  { timeout: 240_000 },
  async (t) => {
    let round = 0;
    let own = new Map<Kind, string>();
    const renew = async () => {
      round += 1;
      own = await makeObjects((message) => send(`own ${round}`, {}, message), makers);
    };
    await renew();
    const tried = new Map<string, number>();
    const corpus = entries.filter(({ label }) => / (1\.4|2\.1)$/.test(label) && !label.startsWith('make '));
    for (const [number, { label, bytes: message }] of corpus.entries()) {
      const [name = ''] = label.split(' ');
      for (const place of places(decode(message))) {
        const [type, algorithm] = described[kindOf(place.text)];
        for (const table of [
          { objectTypes: without(types, type) },
          { algorithms: without(algorithms, algorithm) },
        ]) {
          const play = async (id: string) => {
            const node = decode(withIdentifiers(encode(place.with('PLACE')), own));
            const there = places(node).find(({ text }) => text === 'PLACE');
            const answer = decode(
              await send(`own ${round}`, underRole(table), encode(there?.with(id) as Node)),
            );
            const said = JSON.stringify(comparable(answer, id));
            return { said, isDone: /:Success|Pending/.test(outline(answersOf(answer))) };
          };
          const hidden = own.get(kindOf(place.text)) as string;
          const before = await stateOf(`own ${round}`, [hidden]);
          const unreached = await play(hidden);
          t.same(await stateOf(`own ${round}`, [hidden]), before, `${label}: ${place.tag}: it is as it was`);
          if (unreached.isDone) await renew();
          const none = await play(nobodys(number));
          if (none.isDone) await renew();
          const isChosen =
            name === 'Import' && place.tag === 'UniqueIdentifier' && unreached.said.includes(taken);
          const what = `${label}: ${place.tag}: ${JSON.stringify(table)}`;
          if (!isChosen) t.equal(unreached.said, none.said, what);
          tried.set(name, (tried.get(name) ?? 0) + 1);
        }
      }
    }
    const total = [...tried.values()].reduce((sum, count) => sum + count, 0);
    t.ok(total > 600, `${total} places`);
    const notAsked = Array.from(operations.keys(), String).filter(
      (name) => !tried.has(name) && !namesNothing.has(name),
    );
    t.same(notAsked, [], 'every operation that can name an object was asked');
  },
);
