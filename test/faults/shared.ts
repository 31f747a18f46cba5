import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  enumerated,
  find,
  integer,
  item,
  type RequestItem,
  structure,
  text,
  valueOf,
} from '../client.ts';
import type { Random } from '../fuzz/random.ts';
import {
  type Answer,
  activate,
  ask,
  attributes,
  create,
  factsOf,
  get,
  hashOf,
  locate,
  located,
  materialHash,
  onFailure,
  rekey,
  replacement,
} from './messages.ts';
import type { RecordedMessage, Step, Ticks, World } from './serial.ts';

/**
 * The objects that all connections of a round change at once: cells (Import that replaces), chains (Re-key of
 * the object with a name), and a key with Usage Limits (Get Usage Allocation, Encrypt). Each message also
 * reads the object that it changes, so that its answer shows its point in the history.
 */
export interface SharedObjects {
  readonly cells: readonly string[];
  /** Names that move from one object to its replacement. */
  readonly chains: readonly string[];
  readonly limited: string;
}

const attribute = (name: string, value: Node): Node =>
  structure('Attribute', text('AttributeName', name), value);

const importing = (id: string, material: Uint8Array): RequestItem => ({
  operation: 'Import',
  payload: [
    text('UniqueIdentifier', id),
    item('ReplaceExisting', 'Boolean', true),
    attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
    structure(
      'SymmetricKey',
      structure(
        'KeyBlock',
        enumerated('KeyFormatType', 1),
        structure('KeyValue', bytes('KeyMaterial', material)),
        enumerated('CryptographicAlgorithm', 3),
        integer('CryptographicLength', material.length * 8),
      ),
    ),
  ],
});

const allocation = (id: string, amount: number): RequestItem => ({
  operation: 'GetUsageAllocation',
  payload: [text('UniqueIdentifier', id), item('UsageLimitsCount', 'LongInteger', BigInt(amount))],
});

/** Bytes that one Encrypt takes. */
export const block = 16;
export const encrypting = (id: string): RequestItem => ({
  operation: 'Encrypt',
  payload: [
    text('UniqueIdentifier', id),
    structure('CryptographicParameters', enumerated('BlockCipherMode', 2), enumerated('PaddingMethod', 1)),
    bytes('Data', new Uint8Array(block)),
  ],
});

const limitsOf = (id: string): RequestItem => ({
  operation: 'GetAttributes',
  payload: [text('UniqueIdentifier', id), text('AttributeName', 'Usage Limits')],
});

/** Returns the rest of the Usage Limits in an answer to `limitsOf`. */
function leftOf(answer: Answer | undefined): number {
  const value = answer?.payload && find(answer.payload, 'Attribute', 'AttributeValue');
  return Number(value && valueOf(value, 'UsageLimitsCount'));
}

/** An Active AES key that may protect `total` bytes. */
export const limitedKey = (total: number): RequestItem => ({
  operation: 'Create',
  payload: [
    enumerated('ObjectType', 2),
    structure(
      'TemplateAttribute',
      attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
      attribute('Cryptographic Length', integer('AttributeValue', 128)),
      attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
      attribute('Activation Date', item('AttributeValue', 'DateTime', 1)),
      attribute(
        'Usage Limits',
        structure(
          'AttributeValue',
          item('UsageLimitsTotal', 'LongInteger', BigInt(total)),
          enumerated('UsageLimitsUnit', 1),
        ),
      ),
    ),
  ],
});

function requireSuccess(answers: readonly Answer[], what: string): readonly Answer[] {
  const failed = answers.find(({ ok }) => !ok);
  if (failed !== undefined) throw new Error(`${what}: ${failed.message}`);
  return answers;
}

/** Creates the objects of a round. */
export async function createSharedObjects(
  client: Client,
  prefix: string,
  random: Random,
): Promise<SharedObjects> {
  const cells = [`${prefix}-cell-0`, `${prefix}-cell-1`];
  for (const cell of cells) requireSuccess(await ask(client, [importing(cell, random.bytes(32))]), 'Import');
  const chains = [`${prefix}-chain-0`, `${prefix}-chain-1`];
  for (const chain of chains) requireSuccess(await ask(client, [create(chain), activate()]), 'Create');
  const [made] = requireSuccess(await ask(client, [limitedKey(400 + random.below(2_000))]), 'Create');
  return { cells, chains, limited: made?.id ?? '' };
}

/** Reads the state of the objects. */
export async function readWorld(client: Client, shared: SharedObjects): Promise<World> {
  const world = new Map<string, string | number>();
  for (const cell of shared.cells) {
    const [got] = requireSuccess(await ask(client, [get(cell)]), cell);
    world.set(cell, (got && materialHash(got)) ?? 'unreadable');
  }
  for (const chain of shared.chains) {
    const [found] = requireSuccess(await ask(client, [locate(chain)]), chain);
    world.set(chain, found === undefined ? '' : located(found).join());
  }
  const [left] = requireSuccess(await ask(client, [limitsOf(shared.limited)]), 'Usage Limits');
  return world.set(shared.limited, leftOf(left));
}

/**
 * Follows the replacements of each chain from its first object and returns a line for each acknowledged link
 * that is missing.
 */
export async function findLostReplacements(
  client: Client,
  shared: SharedObjects,
  before: World,
  messages: readonly RecordedMessage[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const chain of shared.chains) {
    const links = new Map<string, string>();
    for (let id: string | undefined = String(before.get(chain)); id !== undefined; ) {
      const [described, got] = requireSuccess(await ask(client, [attributes(id), get(id)]), `${chain} ${id}`);
      if (described === undefined || got === undefined || materialHash(got) === undefined) break;
      const next = factsOf(described).links.get(replacement);
      if (next === undefined || links.has(id)) break;
      links.set(id, next);
      id = next;
    }
    const answered = messages.filter(({ ended, undone }) => ended !== undefined && !undone);
    for (const step of answered.flatMap(({ steps }) => steps)) {
      if (step.kind === 'chain' && step.object === chain && links.get(step.before ?? '') !== step.after)
        problems.push(`${chain}: ${step.before} was replaced by ${step.after}, but its Link is another`);
    }
    const cutOff = messages.filter(
      ({ ended, steps }) => ended === undefined && steps.some(({ object }) => object === chain),
    );
    const known = answered
      .flatMap(({ steps }) => steps)
      .filter(({ object, kind }) => kind === 'chain' && object === chain);
    if (links.size > known.length + cutOff.length)
      problems.push(
        `${chain}: ${links.size} replacements, ${known.length} answered and ${cutOff.length} cut off`,
      );
  }
  return problems;
}

/** A message to send: its items, and the conversion of their answers, undefined without one, into steps. */
interface Plan {
  readonly items: readonly RequestItem[];
  readonly steps: (answers: readonly Answer[] | undefined) => Step[];
  /** Its last item fails by design. */
  readonly failing: boolean;
}

/** How a message is refused that has lost against others for seconds, on a machine that is overloaded. */
const overtaken = 'other clients keep changing the same objects: try again';

/** A connection that changes the shared objects, message after message, until the server ends. */
export class SharedWriter {
  readonly messages: RecordedMessage[] = [];
  /** Answers that no rule of KMIP explains. */
  readonly problems: string[] = [];
  /** Messages that were refused because others won against them for too long; nothing of them may be done. */
  overtaken = 0;
  readonly #connection: number;
  readonly #shared: SharedObjects;
  readonly #random: Random;
  readonly #ticks: Ticks;

  constructor(connection: number, shared: SharedObjects, random: Random, ticks: Ticks) {
    this.#connection = connection;
    this.#shared = shared;
    this.#random = random;
    this.#ticks = ticks;
  }

  get acknowledged(): number {
    return this.messages.filter(({ ended }) => ended !== undefined).length;
  }

  async run(client: Client): Promise<void> {
    while (this.problems.length === 0) {
      const plan = this.#plan();
      const started = this.#ticks.next();
      const answers = await ask(client, plan.items, onFailure('Undo')).catch(() => undefined);
      const common = { connection: this.#connection, started };
      if (answers === undefined) {
        this.messages.push({
          ...common,
          ended: undefined,
          steps: plan.steps(undefined),
          undone: plan.failing,
        });
        return;
      }
      const ended = this.#ticks.next();
      const failed = answers.findIndex(({ message }) => message !== '');
      const expected = plan.failing ? plan.items.length - 1 : -1;
      const message = answers[failed]?.message ?? 'it should have failed';
      if (message === overtaken) {
        this.overtaken++;
        this.messages.push({ ...common, ended, steps: [], undone: true });
        continue;
      }
      if (failed !== expected && !message.includes('Usage Limits')) {
        this.problems.push(
          `connection ${this.#connection}, ${String(plan.items[failed]?.operation)}: ${message}`,
        );
        return;
      }
      const undone = failed !== -1;
      // The answers to undone items hold no output; of a refused use it is known that too little was left.
      const steps = plan.steps(answers).filter(({ kind }) => !undone || kind === 'refused');
      this.messages.push({ ...common, ended, steps, undone });
    }
  }

  #plan(): Plan {
    const parts: Plan[] = [];
    const roll = this.#random.below(100);
    if (roll < 20) parts.push(this.#replace());
    else if (roll < 40) parts.push(this.#rekey());
    else if (roll < 55) parts.push(this.#spend());
    else if (roll < 65) parts.push(this.#replace(0), this.#replace(1), this.#spend());
    else if (roll < 75) parts.push(this.#rekey(), this.#replace(), this.#spend());
    // A use in a batch that is undone stays counted, and its answer does not tell at what count it came.
    else if (roll < 82) return this.#late(this.#replace());
    else if (roll < 90) return this.#late(this.#rekey());
    else return this.#late(this.#replace(), this.#rekey());
    return joined(parts, false);
  }

  /** Fails at its end, after all else has been done. */
  #late(...parts: Plan[]): Plan {
    return joined([...parts, { items: [get('nobody')], steps: () => [], failing: true }], true);
  }

  #replace(at = this.#random.below(this.#shared.cells.length)): Plan {
    const cell = this.#shared.cells[at] as string;
    const material = this.#random.bytes(32);
    return {
      items: [get(cell), importing(cell, material)],
      steps: (answers) => [
        {
          kind: 'cell',
          object: cell,
          before: answers?.[0] && materialHash(answers[0]),
          after: hashOf(material),
        },
      ],
      failing: false,
    };
  }

  #rekey(): Plan {
    const chain = this.#random.pick(this.#shared.chains);
    return {
      items: [locate(chain), { ...rekey(''), payload: [] }],
      steps: (answers) => [
        {
          kind: 'chain',
          object: chain,
          before: answers?.[0] && located(answers[0]).join(),
          after: answers?.[1]?.id,
        },
      ],
      failing: false,
    };
  }

  #spend(): Plan {
    const { limited } = this.#shared;
    const encrypts = this.#random.chance(50);
    const amount = encrypts ? block : 1 + this.#random.below(40);
    return {
      items: [encrypts ? encrypting(limited) : allocation(limited, amount), limitsOf(limited)],
      steps: (answers) =>
        answers !== undefined && answers[0]?.message !== ''
          ? [{ kind: 'refused', object: limited, amount }]
          : [{ kind: 'spend', object: limited, amount, left: answers && leftOf(answers[1]) }],
      failing: false,
    };
  }
}

/** Merges plans into one message. Items that were not executed have no steps. */
function joined(parts: readonly Plan[], failing: boolean): Plan {
  return {
    items: parts.flatMap(({ items }) => items),
    steps(answers) {
      let at = 0;
      return parts.flatMap(({ items, steps }) => {
        const own = answers?.slice(at, at + items.length);
        at += items.length;
        return own?.length === 0 ? [] : steps(own);
      });
    },
    failing,
  };
}
