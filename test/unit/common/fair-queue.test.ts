import t from 'tap';
import { FairQueue } from '../../../src/common/fair-queue.ts';
import { type Requester, RequesterGoneError, runFor } from '../../../src/common/requester.ts';

/** A queue whose tasks run until the test ends them, and the names of those that have started. */
function openQueue(limit: number, bound?: ConstructorParameters<typeof FairQueue>[1]) {
  const queue = new FairQueue(limit, bound);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    queue,
    started,
    add: (requester: Requester, name: string): Promise<string> =>
      runFor(requester, () =>
        queue.run(async () => {
          started.push(name);
          await new Promise<void>((resolve) => ends.set(name, resolve));
          return name;
        }),
      ),
    /** Ends a task; resolves when the next one has had its turn. */
    async end(name: string): Promise<void> {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

const stays = (account: string): Requester => ({ account, isWaiting: () => true });

t.test('a task of another account is the next to start, however many of one account wait', async (t) => {
  const { add, end, started } = openQueue(1);
  const [many, other] = [stays('many'), stays('other')];
  const tasks = Array.from({ length: 20 }, (_, at) => add(many, `many ${at}`));
  tasks.push(add(other, 'other 0'), add(other, 'other 1'));
  await end('many 0');
  await end('many 1');
  await end('other 0');
  await end('many 2');
  t.same(started, ['many 0', 'many 1', 'other 0', 'many 2', 'other 1']);
  for (let at = 0; at < started.length; at++) await end(started[at] as string);
  t.equal(new Set(await Promise.all(tasks)).size, 22, 'every task was done');
});

t.test('a task never starts once its requester has gone', async (t) => {
  const { add, end, started } = openQueue(1);
  let isOpen = true;
  const leaving = { account: 'leaving', isWaiting: () => isOpen };
  const first = add(leaving, 'first');
  const waiting = Array.from({ length: 20 }, (_, at) => add(leaving, `waits ${at}`));
  const other = add(stays('other'), 'other');
  isOpen = false;
  const refused = waiting.map((task) => t.rejects(task, RequesterGoneError));
  await t.rejects(add(leaving, 'too late'), RequesterGoneError);
  await end('first');
  t.equal(await first, 'first', 'what has begun goes on');
  await end('other');
  await Promise.all(refused);
  t.equal(await other, 'other');
  t.same(started, ['first', 'other']);
});

t.test(
  'only the account with too many waiting tasks is refused, and those that left free a place',
  async (t) => {
    const left = new Set<Requester>();
    const refusal = () => new Error('too many');
    const isKept = (requester: Requester) => !left.has(requester);
    const { add, end, queue } = openQueue(1, { maxWaiting: 2, refusal, isKept });
    const [busy, leaving, other] = [stays('busy'), stays('busy'), stays('other')];
    const tasks = [add(busy, '0'), add(busy, '1')];
    const abandoned = add(leaving, 'abandoned');
    await t.rejects(add(busy, 'too much'), { message: 'too many' });
    tasks.push(add(other, 'other'));
    left.add(leaving);
    const dropped = t.rejects(abandoned, RequesterGoneError);
    tasks.push(add(busy, '2'));
    await dropped;
    for (const name of ['0', '1', 'other', '2']) await end(name);
    t.same(await Promise.all(tasks), ['0', '1', 'other', '2']);
    const [running, waits] = [add(busy, 'runs'), add(busy, 'waits')];
    const closed = t.rejects(waits, { message: 'closed' });
    queue.refuseWaiting(new Error('closed'));
    await closed;
    await end('runs');
    t.equal(await running, 'runs');
  },
);
