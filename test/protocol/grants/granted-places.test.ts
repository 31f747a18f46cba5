import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { isGrantable } from '../../../src/operations/grants.ts';
import { operations } from '../../../src/operations/index.ts';
import { GrantDirectory } from '../../../src/protocol/grant-directory.ts';
import { children, decode, encode, find, requestMessage, valueOf } from '../../client.ts';
import { readEntries, registrations } from '../../fuzz/corpus.ts';
import { type Kind, makeObjects, withIdentifiers } from '../../fuzz/objects.ts';
import { newClient } from '../clients/clients-suite.ts';
import { comparable, kindOf, namesNothing, nobodys, places, taken } from '../named-places.ts';
import { answersOf, outline, TestService, uid } from '../service.ts';

/**
 * Objects of another group of which the client has every grant that there can be: but as the target of a
 * granted operation, a request that names one gets the same bytes as one with an unused name, and leaves it
 * as it is.
 */

t.setTimeout(300_000);

const service = await TestService.open({ limits: { jobsPerClient: 1_000 } });
t.teardown(() => service.close());
const entries = readEntries('corpus');
const makers = registrations(entries);
const grantee = newClient('tester', { group: 'own' });
await service.clients.add(grantee);

const sendAs = (group: string, message: Uint8Array) => {
  const { enrolledAt } = grantee;
  service.sender =
    group === 'theirs' ? { client: 'stranger', group } : { client: 'tester', group, enrolledAt };
  return service.send(message.slice());
};

const theirs = await makeObjects((message) => sendAs('theirs', message), makers);
const directory = new GrantDirectory(service.store, service.vault);
const granted = Array.from(operations.keys(), String).filter(isGrantable);
for (const [kind, id] of theirs) {
  const added = await directory.add(id, { to: { client: 'tester' }, operations: granted }, 0);
  if ((typeof added === 'string') !== (kind === 'destroyed AES key')) throw new Error(`${kind}: ${added}`);
}

let round = 0;
let own = new Map<Kind, string>();
async function renew(): Promise<void> {
  round += 1;
  own = await makeObjects((message) => sendAs(`own ${round}`, message), makers);
}
await renew();

/** The message with another text at the place that has `PLACE`. */
const withPlace = (node: Node, id: string): Node =>
  places(node)
    .find(({ text }) => text === 'PLACE')
    ?.with(id) as Node;

/** Whether the text `PLACE` is that of the object that an item with a granted operation is about. */
const isTarget = (node: Node): boolean =>
  children(node, 'BatchItem').some(
    (item) =>
      valueOf(item, 'RequestPayload', 'UniqueIdentifier') === 'PLACE' &&
      isGrantable(String(Operation.fromNumber(valueOf(item, 'Operation') as number))),
  );

/** Sends the message as the grantee; returns what the answer says of the identifier. */
async function play(request: Node, id: string): Promise<string> {
  const answer = decode(await sendAs(`own ${round}`, encode(request)));
  if (/:Success|Pending/.test(outline(answersOf(answer)))) await renew();
  return JSON.stringify(comparable(answer, id));
}

async function stateOfTheirs(): Promise<unknown> {
  const answers: unknown[] = [];
  for (const id of theirs.values())
    for (const operation of ['Get', 'GetAttributes']) {
      const message = encode(requestMessage('1.4', [{ operation, payload: [uid(id)] }]));
      answers.push(find(decode(await sendAs('theirs', message)), 'BatchItem'));
    }
  return answers;
}

const corpus = entries.filter(({ label }) => / (1\.4|2\.1)$/.test(label) && !label.startsWith('make '));

t.test('a granted object exists nowhere but as the target of a granted operation', async (t) => {
  const before = await stateOfTheirs();
  const tried = new Map<string, number>();
  for (const [number, { label, bytes: message }] of corpus.entries()) {
    const [name = ''] = label.split(' ');
    for (const place of places(decode(message))) {
      if (isTarget(place.with('PLACE'))) continue;
      const resolved = () => decode(withIdentifiers(encode(place.with('PLACE')), own));
      const [missing, foreign] = [nobodys(number), theirs.get(kindOf(place.text)) as string];
      const none = await play(withPlace(resolved(), missing), missing);
      const hidden = await play(withPlace(resolved(), foreign), foreign);
      const isChosen = name === 'Import' && place.tag === 'UniqueIdentifier' && hidden.includes(taken);
      if (!isChosen) t.equal(hidden, none, `${label}: ${place.tag}`);
      tried.set(name, (tried.get(name) ?? 0) + 1);
    }
  }
  const total = [...tried.values()].reduce((sum, count) => sum + count, 0);
  t.ok(total > 200, `${total} places`);
  const notAsked = Array.from(operations.keys(), String).filter(
    (name) => !tried.has(name) && !isGrantable(name) && !namesNothing.has(name),
  );
  t.same(notAsked, [], 'every other operation that can name an object was asked');
  t.same(await stateOfTheirs(), before, 'their objects are as they were');
});

t.test('beside the target of a granted operation no object exists, whoever has it', async (t) => {
  let count = 0;
  for (const [number, { label, bytes: message }] of corpus.entries()) {
    const [name = ''] = label.split(' ');
    if (!isGrantable(name)) continue;
    const all = places(decode(message));
    if (all.length < 2) continue;
    for (const place of all) {
      if (isTarget(place.with('PLACE'))) continue;
      const resolved = decode(withIdentifiers(encode(place.with('PLACE')), theirs));
      const said: string[] = [];
      for (const ids of [new Map<Kind, string>(), own, theirs]) {
        const id = ids.get(kindOf(place.text)) ?? nobodys(number);
        said.push(await play(withPlace(resolved, id), id));
      }
      const [none, ofOwn, ofTheirs] = said;
      t.equal(ofOwn, none, `${label}: ${place.tag}: one of the client’s group`);
      t.equal(ofTheirs, none, `${label}: ${place.tag}: one of the group of the target`);
      count += 1;
    }
  }
  t.ok(count > 5, `${count} places`);
});
