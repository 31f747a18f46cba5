import t from 'tap';
import { FairQueue } from '../../../src/common/fair-queue.ts';
import { type Requester, RequesterGoneError, runFor } from '../../../src/common/requester.ts';

/**
 * A queue whose tasks run until the test ends them and take as long as it says, and the names of those that
 * have started.
 */
function openQueue(limit: number, options?: ConstructorParameters<typeof FairQueue>[1]) {
  let now = 0;
  const queue = new FairQueue(limit, { now: () => now, ...options });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) => async (): Promise<string> => {
    started.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    return name;
  };
  return {
    queue,
    started,
    add: (requester: Requester, name: string): Promise<string> =>
      runFor(requester, () => queue.run(start(name))),
    addAtOnce: (requester: Requester, name: string): Promise<string> =>
      runFor(requester, () => queue.runAtOnce(start(name))),
    /** Ends a task after some milliseconds; resolves when the next one has had its turn. */
    async end(name: string, milliseconds = 1): Promise<void> {
      now += milliseconds;
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

const stays = (account: string): Requester => ({ account, isWaiting: () => true });
const [many, other, third] = [stays('many'), stays('other'), stays('third')];

t.test('a task of another account is the next to start, however many of one account wait', async (t) => {
  const { add, end, started } = openQueue(1);
  const tasks = Array.from({ length: 20 }, (_, at) => add(many, `many ${at}`));
  tasks.push(add(other, 'other 0'), add(other, 'other 1'));
  const order = ['many 0', 'other 0', 'many 1', 'other 1', 'many 2', 'many 3'];
  for (const name of order) await end(name);
  t.same(started.slice(0, order.length), order);
  for (let at = 0; at < started.length; at++) await end(started[at] as string);
  t.equal(new Set(await Promise.all(tasks)).size, 22, 'every task was done');
});

t.test('an account waits until the others have used as much time as its tasks took', async (t) => {
  const { add, end, started } = openQueue(1);
  const tasks = ['0', '1', '2'].map((name) => add(many, `long ${name}`));
  tasks.push(...['0', '1', '2', '3', '4'].map((name) => add(other, `short ${name}`)));
  await end('long 0', 30);
  for (const at of [0, 1, 2]) await end(`short ${at}`, 10);
  t.same(started.at(-1), 'long 1', 'both have used 30, and the long ones have waited longer');
  await end('long 1', 30);
  tasks.push(add(third, 'late 0'), add(third, 'late 1'));
  await end('short 3', 10);
  await end('late 0', 10);
  t.same(
    started,
    ['long 0', 'short 0', 'short 1', 'short 2', 'long 1', 'short 3', 'late 0', 'short 4'],
    'an account that was idle has no credit: it begins with what the account that used the least has used',
  );
  for (const name of ['short 4', 'late 1', 'long 2']) await end(name, 10);
  t.equal((await Promise.all(tasks)).length, 10);
});

t.test('an account keeps its debt while others work, and loses it when nothing does', async (t) => {
  const { add, end, started } = openQueue(1);
  const tasks = [add(many, 'long'), ...['0', '1', '2'].map((name) => add(other, name))];
  await end('long', 30);
  tasks.push(add(many, 'again'));
  for (const name of ['0', '1', '2', 'again']) await end(name, 1);
  t.same(started, ['long', '0', '1', '2', 'again']);
  tasks.push(add(many, 'fresh 0'), add(many, 'fresh 1'), add(other, 'other'));
  for (const name of ['fresh 0', 'other', 'fresh 1']) await end(name, 1);
  t.same(started.slice(5), ['fresh 0', 'other', 'fresh 1']);
  await Promise.all(tasks);
});

t.test('the time of a task that still runs counts for its account', async (t) => {
  const { add, end, started } = openQueue(2);
  const tasks = ['long', 'many 0', 'many 1'].map((name) => add(many, name));
  tasks.push(...['0', '1', '2'].map((name) => add(other, name)));
  const order = ['many 0', '0', '1', '2', 'many 1'];
  for (const name of order) await end(name);
  t.same(started, ['long', ...order]);
  await end('long');
  t.equal((await Promise.all(tasks)).length, 6);
});

t.test('an account has at most so many running tasks, and a free place is for another one', async (t) => {
  const { add, end, started } = openQueue(2, { maxRunning: 1 });
  const tasks = [add(many, 'many 0'), add(many, 'many 1')];
  t.same(started, ['many 0'], 'one place is free');
  tasks.push(add(other, 'other'), add(third, 'third'));
  t.same(started, ['many 0', 'other']);
  await end('other');
  t.same(started, ['many 0', 'other', 'third'], 'the first account still has one running');
  await end('many 0');
  await end('third');
  await end('many 1');
  t.equal((await Promise.all(tasks)).length, 4);
});

t.test('a task that had its turn elsewhere starts at once, and others when there is place', async (t) => {
  const { add, addAtOnce, end, started } = openQueue(2);
  const tasks = [add(many, '0'), add(many, '1'), addAtOnce(other, 'at once'), add(third, 'waits')];
  t.same(started, ['0', '1', 'at once']);
  await end('0');
  t.same(started, ['0', '1', 'at once'], 'two still run');
  await end('1');
  t.same(started, ['0', '1', 'at once', 'waits']);
  await end('at once');
  await end('waits');
  t.equal((await Promise.all(tasks)).length, 4);
});

t.test('a task never starts once its requester has gone', async (t) => {
  const { add, end, started } = openQueue(1);
  let isOpen = true;
  const leaving = { account: 'leaving', isWaiting: () => isOpen };
  const first = add(leaving, 'first');
  const waiting = Array.from({ length: 20 }, (_, at) => add(leaving, `waits ${at}`));
  const stayed = add(other, 'other');
  isOpen = false;
  const refused = waiting.map((task) => t.rejects(task, RequesterGoneError));
  await t.rejects(add(leaving, 'too late'), RequesterGoneError);
  await end('first');
  t.equal(await first, 'first', 'what has begun goes on');
  await end('other');
  await Promise.all(refused);
  t.equal(await stayed, 'other');
  t.same(started, ['first', 'other']);
});

t.test(
  'only the account with too many waiting tasks is refused, and those that left free a place',
  async (t) => {
    const left = new Set<Requester>();
    const refusal = () => new Error('too many');
    const isKept = (requester: Requester) => !left.has(requester);
    const { add, end, queue } = openQueue(1, { maxWaiting: 2, refusal, isKept });
    const [busy, leaving] = [stays('busy'), stays('busy')];
    const tasks = [add(busy, '0'), add(busy, '1')];
    const abandoned = add(leaving, 'abandoned');
    await t.rejects(add(busy, 'too much'), { message: 'too many' });
    tasks.push(add(other, 'other'));
    left.add(leaving);
    const dropped = t.rejects(abandoned, RequesterGoneError);
    tasks.push(add(busy, '2'));
    await dropped;
    for (const name of ['0', 'other', '1', '2']) await end(name);
    t.same(await Promise.all(tasks), ['0', '1', 'other', '2']);
    const [running, waits] = [add(busy, 'runs'), add(busy, 'waits')];
    const closed = t.rejects(waits, { message: 'closed' });
    queue.refuseWaiting(new Error('closed'));
    await closed;
    await end('runs');
    t.equal(await running, 'runs');
  },
);
