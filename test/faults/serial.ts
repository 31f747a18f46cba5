/**
 * Whether some serial order explains what was answered and what is left: every answered message at one point between its
 * start and its end, and of the unanswered ones as many as it takes, each behind all that its connection was answered.
 */

/** Objects that many connections change: contents of cells, heads of Re-key chains, what is left of usage limits. */
export type World = ReadonlyMap<string, string | number>;

/** What one message does to one object, and what its answer says of it; `undefined` where there was no answer. */
export type Step =
  /** Gives a cell new content. */
  | {
      readonly kind: 'cell';
      readonly object: string;
      readonly before: string | undefined;
      readonly after: string;
    }
  /** Puts a new object at the head of a chain. */
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
  /** Too little was left for it. */
  | { readonly kind: 'refused'; readonly object: string; readonly amount: number };

export interface RecordedMessage {
  readonly connection: number;
  /** Ticks of one clock for all connections. */
  readonly started: number;
  /** Undefined: it was never answered. */
  readonly ended: number | undefined;
  readonly steps: readonly Step[];
  /**
   * Its batch failed late and was undone: nothing of it may stay. The answers tell what it saw, each object at a point of its own:
   * a message that leaves nothing is not committed, so nobody compares what it has read.
   */
  readonly undone: boolean;
}

/** An object whose making was not answered: nobody can know its identifier before somebody meets it. */
const unknownIdentifier = '?';

/** The state after a message; undefined where the message cannot have been answered so in this state. */
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
 * Undefined when there is a serial order from `initial` to `final`, else what stands in its way. Contents and identifiers never
 * come twice, so an answered message that fits the state can wait for nothing: only unanswered ones have to be tried out.
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

/** Those that may come next: nobody that is still waiting had ended before they began. */
function candidatesOf(waiting: readonly RecordedMessage[]): RecordedMessage[] {
  const firstEnd = waiting.reduce((least, { ended = Infinity }) => Math.min(least, ended), Infinity);
  return waiting.filter(({ started }) => started <= firstEnd);
}

/** Whether another message that left nothing has seen what this one would change: it must have come before. */
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

/** What a message has seen before it changed it. */
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
