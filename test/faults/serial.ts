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

export interface Deed {
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
const unheardOf = '?';

/** The state after a message; undefined where the message cannot have been answered so in this state. */
function play(world: World, deed: Deed, made: ReadonlySet<string>): World | undefined {
  const next = new Map(world);
  for (const step of deed.steps) {
    const now = next.get(step.object);
    switch (step.kind) {
      case 'cell':
        if (step.before !== undefined && step.before !== now) return undefined;
        next.set(step.object, step.after);
        break;
      case 'chain':
        if (step.before !== undefined && !meets(now, step.before, made)) return undefined;
        next.set(step.object, step.after ?? unheardOf);
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
  return deed.undone ? world : next;
}

function meets(now: string | number | undefined, seen: string | number, made: ReadonlySet<string>): boolean {
  return now === seen || (now === unheardOf && !made.has(String(seen)));
}

/**
 * Undefined when there is a serial order from `initial` to `final`, else what stands in its way. Contents and identifiers never
 * come twice, so an answered message that fits the state can wait for nothing: only unanswered ones have to be tried out.
 */
export function explain(initial: World, deeds: readonly Deed[], final: World): string | undefined {
  const made = new Set([...initial.values()].map(String));
  for (const { ended, steps, undone } of deeds) {
    if (ended === undefined || undone) continue;
    for (const step of steps) if (step.kind === 'chain' && step.after !== undefined) made.add(step.after);
  }
  let furthest = { answered: -1, why: '' };
  const note = (answered: number, why: () => string) => {
    if (answered > furthest.answered) furthest = { answered, why: why() };
  };

  const search = (start: World, open: readonly Deed[], loose: readonly Deed[], done: number): boolean => {
    let world = start;
    let waiting = [...open];
    let count = done;
    for (let moved = true; moved; ) {
      moved = false;
      for (const deed of ready(waiting)) {
        const next = play(world, deed, made);
        if (next === undefined || (!deed.undone && isAwaited(deed, world, waiting))) continue;
        world = next;
        waiting = waiting.filter((other) => other !== deed);
        count++;
        moved = true;
        break;
      }
    }
    if (waiting.length === 0 && isFinal(world, final, made)) return true;
    note(count, () => story(world, waiting, final));
    return loose.some((deed) => {
      const behind = waiting.some(
        (other) => other.connection === deed.connection || (other.ended ?? Infinity) < deed.started,
      );
      const next = behind ? undefined : play(world, deed, made);
      const others = loose.filter((other) => other !== deed);
      return next !== undefined && search(next, waiting, others, count);
    });
  };
  const answered = deeds
    .filter(({ ended }) => ended !== undefined)
    .flatMap((deed) => (deed.undone ? deed.steps.map((step) => ({ ...deed, steps: [step] })) : [deed]));
  const unanswered = deeds.filter(({ ended, undone }) => ended === undefined && !undone);
  return search(initial, answered, unanswered, 0) ? undefined : furthest.why;
}

/** Those that may come next: nobody that is still waiting had ended before they began. */
function ready(waiting: readonly Deed[]): Deed[] {
  const firstEnd = waiting.reduce((least, { ended = Infinity }) => Math.min(least, ended), Infinity);
  return waiting.filter(({ started }) => started <= firstEnd);
}

/** Whether another message that left nothing has seen what this one would change: it must have come before. */
function isAwaited(deed: Deed, world: World, waiting: readonly Deed[]): boolean {
  return waiting.some(
    (other) =>
      other.undone &&
      deed.steps.some(({ object }) => {
        const seen = other.steps.find((step) => step.object === object);
        return seen !== undefined && before(seen) === world.get(object);
      }),
  );
}

/** What a message has seen before it changed it. */
function before(step: Step): string | number | undefined {
  if (step.kind === 'cell' || step.kind === 'chain') return step.before;
  return step.kind === 'spend' && step.left !== undefined ? step.left + step.amount : undefined;
}

function isFinal(world: World, final: World, made: ReadonlySet<string>): boolean {
  return [...final].every(([object, value]) => meets(world.get(object), value, made));
}

function story(world: World, waiting: readonly Deed[], final: World): string {
  const [stuck] = ready(waiting);
  if (stuck !== undefined) {
    return `no serial order: ${waiting.length} messages do not fit, the first is ${JSON.stringify(stuck)} where there is ${JSON.stringify([...world])}`;
  }
  return `no serial order: the messages lead to ${JSON.stringify([...world])}, but there is ${JSON.stringify([...final])}`;
}
