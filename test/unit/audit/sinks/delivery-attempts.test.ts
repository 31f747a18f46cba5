import t from 'tap';
import { DeliveryAttempts } from '../../../../src/audit/sinks/delivery/delivery-attempts.ts';
import { readRetryAfter } from '../../../../src/audit/sinks/outputs/http-output.ts';
import { SinkDeliveryError } from '../../../../src/audit/sinks/outputs/output.ts';

t.test('work returns its result or its error', async (t) => {
  const attempts = new DeliveryAttempts(60_000);
  t.equal(await attempts.run(async () => 7), 7);
  await t.rejects(
    attempts.run(async () => Promise.reject(new Error('x'))),
    /x/,
  );
  t.equal(await attempts.run(async () => 8), 8);
});

t.test('work is told to end at its deadline, and is given up if it does not', async (t) => {
  const attempts = new DeliveryAttempts(5);
  const heeding = attempts.run(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told')))),
  );
  await t.rejects(heeding, /told/);
  const hanging = Promise.withResolvers<number>();
  await t.rejects(
    attempts.run(() => hanging.promise),
    new SinkDeliveryError('it does not end'),
  );
  let hasBegun = false;
  const next = async () => {
    hasBegun = true;
    return 9;
  };
  await t.rejects(attempts.run(next), new SinkDeliveryError('the former attempt hangs'));
  t.notOk(hasBegun, 'nothing runs beside what hangs');
  hanging.resolve(1);
  t.equal(await attempts.run(next), 9);
});

t.test('what runs, and what follows, is told to end once attempts are stopped', async (t) => {
  const attempts = new DeliveryAttempts(3_600_000);
  const running = attempts.run(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told')))),
  );
  attempts.stop();
  await t.rejects(running, /told/);
  t.ok(attempts.isStopped);
  t.equal(await attempts.run(async (signal) => signal.aborted), true);
});

t.test('Retry-After is read as seconds or as a date, within bounds', async (t) => {
  const now = Date.UTC(2026, 10, 29, 1, 2, 3);
  t.equal(readRetryAfter(undefined, now), undefined);
  t.equal(readRetryAfter('0', now), 0);
  t.equal(readRetryAfter('7', now), 7_000);
  t.equal(readRetryAfter('999999999', now), 300_000);
  t.equal(readRetryAfter('Sun, 29 Nov 2026 01:02:13 GMT', now), 10_000);
  t.equal(readRetryAfter('Sun, 29 Nov 2026 01:02:01 GMT', now), 0);
  t.equal(readRetryAfter('soon', now), undefined);
  t.equal(readRetryAfter('-1', Number.NaN), undefined);
});
