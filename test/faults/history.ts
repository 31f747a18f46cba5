import type { Client } from '../client.ts';
import {
  ask,
  attributes,
  type Facts,
  factsOf,
  get,
  locate,
  located,
  materialHash,
  onFailure,
  replaced,
  replacement,
  type State,
} from './messages.ts';

/** An object whose creation was acknowledged, or that was found complete without an acknowledgement. */
export interface Known {
  readonly id: string;
  readonly hash: string;
  name: string | undefined;
  /** Its custom attribute. */
  readonly note: string;
  state: State;
  /** Whether name and note are gone; `maybe` after a purge that did not have to reach it. */
  purged: 'no' | 'maybe' | 'yes';
  /** Dates that were read before, and do not change any more. */
  initial?: string | undefined;
  destroyed?: string | undefined;
}

/** Returns an object that has had one name since its creation, or since it replaced another. */
export const known = (id: string, hash: string, name: string, state: State): Known => ({
  id,
  hash,
  name,
  note: name,
  state,
  purged: 'no',
});

/** A message without an answer: all its effects must exist, or none. */
export type Unanswered =
  | { readonly kind: 'making'; readonly names: readonly string[]; readonly hash?: string }
  /** Undone by a failure in its own batch: must never be seen. */
  | { readonly kind: 'undone'; readonly names: readonly string[] }
  | { readonly kind: 'change'; readonly object: Known; readonly to: State }
  | { readonly kind: 'replacement'; readonly object: Known; readonly name: string };

/** Number of requests in flight; the server reads only so far ahead. */
const together = 16;

async function inParts<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += together) await Promise.all(all.slice(at, at + together).map(work));
}

async function holders(client: Client, name: string): Promise<string[]> {
  const [answer] = await ask(client, [locate(name)]);
  return answer === undefined ? [] : located(answer);
}

async function look(client: Client, id: string): Promise<{ hash: string | undefined; facts: Facts }> {
  const [material, described] = await ask(client, [get(id), attributes(id)], onFailure('Continue'));
  if (material === undefined || described === undefined) throw new Error('an item has no answer');
  return { hash: material.ok ? materialHash(material) : undefined, facts: factsOf(described) };
}

/**
 * Compares objects with their acknowledged state and returns a line for each difference. No purge may run:
 * what is found of one, is expected from then on.
 */
export async function findDifferences(client: Client, objects: readonly Known[]): Promise<string[]> {
  const problems: string[] = [];
  await inParts(objects, async (object) => {
    const { hash, facts } = await look(client, object.id);
    const wrong = (what: string) => problems.push(`${object.id} (${object.name}, ${object.state}): ${what}`);
    if (facts.state !== object.state) wrong(`it is ${facts.state ?? 'gone'}`);
    if (object.state === 'Destroyed' ? hash !== undefined : hash !== object.hash) {
      wrong(hash === undefined ? 'its key cannot be read' : 'its key is another one, or still there');
    }
    for (const problem of findTextProblems(object, facts)) wrong(problem);
    for (const date of ['initial', 'destroyed'] as const) {
      const isExpected = date === 'initial' || object.state === 'Destroyed';
      object[date] ??= facts[date];
      if (isExpected ? facts[date] === undefined : facts[date] !== undefined) wrong(`its ${date} date`);
      else if (facts[date] !== object[date])
        wrong(`its ${date} date was ${object[date]} and is ${facts[date]}`);
    }
  });
  return problems;
}

/** Compares what a purge removes: all of it is there, or nothing. */
function findTextProblems(object: Known, { note, names }: Facts): string[] {
  const problems: string[] = [];
  const isPurged = object.state === 'Destroyed' && note === undefined;
  if (isPurged && object.purged === 'no') problems.push('it was purged');
  if (!isPurged && object.purged === 'yes') problems.push('its purge is lost');
  if (!isPurged && note !== object.note) problems.push(`its note is ${note}`);
  const expected = isPurged || object.name === undefined ? [] : [object.name];
  if (names.join() !== expected.join()) problems.push(`its names are ${names.join()}`);
  object.purged = isPurged ? 'yes' : 'no';
  return problems;
}

/**
 * Determines the effects of unanswered messages, adds them to `objects`, and returns a line for each partial
 * effect.
 */
export async function resolveUnanswered(
  client: Client,
  unanswered: readonly Unanswered[],
  objects: Known[],
): Promise<string[]> {
  const problems: string[] = [];
  await inParts(unanswered, async (message) => {
    switch (message.kind) {
      case 'making':
      case 'undone': {
        const found = await Promise.all(message.names.map((name) => holders(client, name)));
        const counts = found.map((ids) => ids.length).join();
        const [none, all] = [message.names.map(() => 0).join(), message.names.map(() => 1).join()];
        if (message.kind === 'undone') {
          if (counts !== none) problems.push(`undone, but ${message.names.join()} have ${counts} holders`);
          return;
        }
        if (counts === none) return;
        if (counts !== all)
          return void problems.push(`half made: ${message.names.join()} have ${counts} holders`);
        for (const [at, [id = '']] of found.entries()) {
          const { hash, facts } = await look(client, id);
          if (hash === undefined || facts.state === undefined) problems.push(`${id}: made, but not readable`);
          else if (message.hash !== undefined && hash !== message.hash)
            problems.push(`${id}: made with another key`);
          else objects.push(known(id, hash, message.names[at] ?? '', facts.state));
        }
        return;
      }
      case 'change': {
        const { facts } = await look(client, message.object.id);
        if (facts.state === message.to) message.object.state = message.to;
        return;
      }
      case 'replacement': {
        const { facts } = await look(client, message.object.id);
        const id = facts.links.get(replacement);
        if (id === undefined) return;
        const fresh = await look(client, id);
        const whole =
          fresh.hash !== undefined &&
          fresh.facts.links.get(replaced) === message.object.id &&
          fresh.facts.names.join() === message.name &&
          facts.names.length === 0;
        if (!whole) return void problems.push(`${message.object.id}: half replaced by ${id}`);
        message.object.name = undefined;
        objects.push(known(id, fresh.hash as string, message.name, fresh.facts.state as State));
      }
    }
  });
  return problems;
}
