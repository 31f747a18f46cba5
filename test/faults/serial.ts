/**
 * Checks whether a serial order of messages explains their answers and the final state: each answered message
 * takes effect at one point between its start and its end, and any number of unanswered ones after all
 * answered messages of their connection.
 */

/**
 * The state of the shared objects: contents of cells, heads of Re-key chains, and the rest of usage limits.
 */
export type World = ReadonlyMap<string, string | number>;

/**
 * The effect of a message on an object, and the values in its answer; they are undefined without an answer.
 */
export type Step =
  /** Replaces the content of a cell. */
  | {
      readonly kind: 'cell';
      readonly object: string;
      readonly before: string | undefined;
      readonly after: string;
    }
  /** Replaces the head of a chain by a new object. */
  | {
      readonly kind: 'chain';
      readonly object: string;
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | {
      readonly kind: 'spend';
      readonly object: string;
      readonly amount: number;
      readonly left: number | undefined;
    }
  /** The usage limit did not suffice. */
  | { readonly kind: 'refused'; readonly object: string; readonly amount: number };

/** The clock that all connections of a round share. */
export class Ticks {
  #now = 0;
  next(): number {
    return ++this.#now;
  }
}

/** A message that was sent, with its effects. */
export interface RecordedMessage {
  readonly connection: number;
  /** Tick of the clock that all connections of a round share. */
  readonly started: number;
  /** Undefined: it was not answered. */
  readonly ended: number | undefined;
  readonly steps: readonly Step[];
  /**
   * True: a late item of its batch failed, so all its effects must be undone. Its answers show each object at
   * a point of its own: a message without effects is not committed, so the store does not check the values
   * that it has read.
   */
  readonly undone: boolean;
}

/**
 * Stands for an object whose creation was not answered; its identifier is unknown until an answer contains
 * it.
 */
const unknownIdentifier = '?';

/** Returns the state after a message; undefined when its answer is not possible in the state before. */
function applyMessage(world: World, message: RecordedMessage, made: ReadonlySet<string>): World | undefined {
  const next = new Map(world);
  for (const step of message.steps) {
    const now = next.get(step.object);
    switch (step.kind) {
      case 'cell':
        if (step.before !== undefined && step.before !== now) return undefined;
        next.set(step.object, step.after);
        break;
      case 'chain':
        if (step.before !== undefined && !isSameObject(now, step.before, made)) return undefined;
        next.set(step.object, step.after ?? unknownIdentifier);
        break;
      case 'spend': {
        const left = Number(now) - step.amount;
        if (left < 0 || (step.left !== undefined && step.left !== left)) return undefined;
        next.set(step.object, left);
        break;
      }
      case 'refused':
        if (Number(now) >= step.amount) return undefined;
    }
  }
  return message.undone ? world : next;
}

function isSameObject(
  now: string | number | undefined,
  seen: string | number,
  made: ReadonlySet<string>,
): boolean {
  return now === seen || (now === unknownIdentifier && !made.has(String(seen)));
}

/**
 * Returns undefined when there is a serial order from `initial` to `final`, else the obstacle. Contents and
 * identifiers are never repeated, so an answered message that fits the state is applied at once, and the
 * search tries out only the unanswered ones.
 */
export function findSerialOrderProblem(
  initial: World,
  messages: readonly RecordedMessage[],
  final: World,
): string | undefined {
  const made = new Set([...initial.values()].map(String));
  for (const { ended, steps, undone } of messages) {
    if (ended === undefined || undone) continue;
    for (const step of steps) if (step.kind === 'chain' && step.after !== undefined) made.add(step.after);
  }
  let furthest = { answered: -1, why: '' };
  const note = (answered: number, why: () => string) => {
    if (answered > furthest.answered) furthest = { answered, why: why() };
  };

  const search = (
    start: World,
    open: readonly RecordedMessage[],
    loose: readonly RecordedMessage[],
    done: number,
  ): boolean => {
    let world = start;
    let waiting = [...open];
    let count = done;
    for (let moved = true; moved; ) {
      moved = false;
      for (const message of candidatesOf(waiting)) {
        const next = applyMessage(world, message, made);
        if (next === undefined || (!message.undone && isAwaited(message, world, waiting))) continue;
        world = next;
        waiting = waiting.filter((other) => other !== message);
        count++;
        moved = true;
        break;
      }
    }
    if (waiting.length === 0 && isFinal(world, final, made)) return true;
    note(count, () => describeFailure(world, waiting, final));
    return loose.some((message) => {
      const behind = waiting.some(
        (other) => other.connection === message.connection || (other.ended ?? Infinity) < message.started,
      );
      const next = behind ? undefined : applyMessage(world, message, made);
      const others = loose.filter((other) => other !== message);
      return next !== undefined && search(next, waiting, others, count);
    });
  };
  const answered = messages
    .filter(({ ended }) => ended !== undefined)
    .flatMap((message) =>
      message.undone ? message.steps.map((step) => ({ ...message, steps: [step] })) : [message],
    );
  const unanswered = messages.filter(({ ended, undone }) => ended === undefined && !undone);
  return search(initial, answered, unanswered, 0) ? undefined : furthest.why;
}

/** Returns the messages that may be next: those that had started before any waiting message ended. */
function candidatesOf(waiting: readonly RecordedMessage[]): RecordedMessage[] {
  const firstEnd = waiting.reduce((least, { ended = Infinity }) => Math.min(least, ended), Infinity);
  return waiting.filter(({ started }) => started <= firstEnd);
}

/**
 * Tells whether an undone message has seen a value that this message would change, and so must be before it.
 */
function isAwaited(message: RecordedMessage, world: World, waiting: readonly RecordedMessage[]): boolean {
  return waiting.some(
    (other) =>
      other.undone &&
      message.steps.some(({ object }) => {
        const seen = other.steps.find((step) => step.object === object);
        return seen !== undefined && valueSeenBy(seen) === world.get(object);
      }),
  );
}

/** Returns the value of an object that a message has seen before its change. */
function valueSeenBy(step: Step): string | number | undefined {
  if (step.kind === 'cell' || step.kind === 'chain') return step.before;
  return step.kind === 'spend' && step.left !== undefined ? step.left + step.amount : undefined;
}

function isFinal(world: World, final: World, made: ReadonlySet<string>): boolean {
  return [...final].every(([object, value]) => isSameObject(world.get(object), value, made));
}

function describeFailure(world: World, waiting: readonly RecordedMessage[], final: World): string {
  const [stuck] = candidatesOf(waiting);
  if (stuck !== undefined) {
    return `no serial order: ${waiting.length} messages do not fit, the first is ${JSON.stringify(stuck)} where there is ${JSON.stringify([...world])}`;
  }
  return `no serial order: the messages lead to ${JSON.stringify([...world])}, but there is ${JSON.stringify([...final])}`;
}
