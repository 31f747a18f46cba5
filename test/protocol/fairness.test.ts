import t from 'tap';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('a long batch gives others their turn', async (t) => {
  for (let n = 0; n < 50; n++) await service.key();
  let turns = 0;
  let done = false;
  const tick = () => {
    turns++;
    if (!done) setImmediate(tick);
  };
  setImmediate(tick);
  const started = performance.now();
  const answers = await service.batch(
    '1.4',
    Array.from({ length: 1_000 }, () => ({ operation: 'Locate' })),
  );
  done = true;
  const milliseconds = performance.now() - started;
  t.equal(answers.length, 1_000);
  // Reading SQLite takes no turn of the event loop by itself, so without a pause there would be none.
  t.ok(turns >= milliseconds / 200, `${turns} turns in ${milliseconds.toFixed(0)} ms`);
});
