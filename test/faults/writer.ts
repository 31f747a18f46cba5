import type { Client } from '../client.ts';
import type { Random } from '../fuzz/random.ts';
import { type Known, known, type Unanswered } from './history.ts';
import {
  type Answer,
  activate,
  ask,
  create,
  destroy,
  get,
  hashOf,
  materialHash,
  onFailure,
  register,
  rekey,
  revoke,
} from './messages.ts';

/** Is thrown when the server refuses a valid message. */
class Refused extends Error {}

function expectAll(answers: readonly Answer[], count: number): void {
  const failed = answers.find(({ ok }) => !ok);
  if (failed !== undefined || answers.length !== count)
    throw new Refused(failed?.message ?? `${answers.length} of ${count} answers`);
}

/** A connection that creates and changes objects of its own, message after message, until the server ends. */
export class Writer {
  readonly objects: Known[] = [];
  /** The message in flight. */
  unanswered: Unanswered | undefined;
  /** Undone batches whose failure was answered; their effects must not exist either. */
  readonly undone: Unanswered[] = [];
  acknowledged = 0;
  readonly #random: Random;
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string, random: Random) {
    this.#prefix = prefix;
    this.#random = random;
  }

  /** Rejects when a message is refused; ends when the connection does. */
  async run(client: Client): Promise<void> {
    for (;;) {
      try {
        await this.#step(client);
        this.unanswered = undefined;
        this.acknowledged++;
      } catch (error) {
        if (error instanceof Refused) throw error;
        return;
      }
    }
  }

  #name(): string {
    return `${this.#prefix}-${this.#count++}`;
  }

  #any(...states: readonly Known['state'][]): Known | undefined {
    const fit = this.objects.filter(({ state }) => states.includes(state));
    return fit.length === 0 ? undefined : this.#random.pick(fit);
  }

  async #step(client: Client): Promise<void> {
    const roll = this.#random.below(100);
    if (roll < 20) return this.#create(client);
    if (roll < 45) return this.#register(client);
    if (roll < 55) return this.#pair(client);
    if (roll < 62) return this.#undo(client);
    if (roll < 75) return this.#change(client, this.#any('PreActive'), 'Active');
    if (roll < 82) return this.#change(client, this.#any('Active'), 'Deactivated');
    if (roll < 90) return this.#change(client, this.#any('PreActive', 'Deactivated'), 'Destroyed');
    return this.#replace(client, this.#any('Active'));
  }

  async #create(client: Client): Promise<void> {
    const name = this.#name();
    this.unanswered = { kind: 'making', names: [name] };
    const answers = await ask(client, [create(name), get()]);
    expectAll(answers, 2);
    this.#keep(answers[1], name, 'PreActive');
  }

  #keep(got: Answer | undefined, name: string, state: Known['state']): void {
    const hash = got && materialHash(got);
    if (got === undefined || hash === undefined) throw new Refused('Get brought no key');
    this.objects.push(known(got.id, hash, name, state));
  }

  async #register(client: Client): Promise<void> {
    const name = this.#name();
    const material = this.#random.bytes(this.#random.pick([16, 32]));
    const hash = hashOf(material);
    this.unanswered = { kind: 'making', names: [name], hash };
    const answers = await ask(client, [register(name, material)]);
    expectAll(answers, 1);
    this.objects.push(known(answers[0]?.id ?? '', hash, name, 'PreActive'));
  }

  /** Two objects and a change of state in one message. */
  async #pair(client: Client): Promise<void> {
    const [one, two] = [this.#name(), this.#name()];
    this.unanswered = { kind: 'making', names: [one, two] };
    const answers = await ask(
      client,
      [create(one), get(), create(two), activate(), get()],
      onFailure('Undo'),
    );
    expectAll(answers, 5);
    this.#keep(answers[1], one, 'PreActive');
    this.#keep(answers[4], two, 'Active');
  }

  async #undo(client: Client): Promise<void> {
    const names = [this.#name(), this.#name()];
    this.unanswered = { kind: 'undone', names };
    const answers = await ask(client, [...names.map(create), get('nobody')], onFailure('Undo'));
    if (answers.length !== 3 || answers.some(({ ok }) => ok))
      throw new Refused('a failed batch was not undone');
    this.undone.push(this.unanswered);
  }

  async #change(client: Client, object: Known | undefined, to: Known['state']): Promise<void> {
    if (object === undefined) return this.#register(client);
    this.unanswered = { kind: 'change', object, to };
    const item = { Active: activate, Deactivated: revoke, Destroyed: destroy, PreActive: activate }[to](
      object.id,
    );
    expectAll(await ask(client, [item]), 1);
    object.state = to;
  }

  async #replace(client: Client, object: Known | undefined): Promise<void> {
    const name = object?.name;
    if (object === undefined || name === undefined) return this.#create(client);
    this.unanswered = { kind: 'replacement', object, name };
    const answers = await ask(client, [rekey(object.id), get()]);
    expectAll(answers, 2);
    object.name = undefined;
    // Activation Date is inherited, so the replacement of an active key is active.
    this.#keep(answers[1], name, 'Active');
  }
}
