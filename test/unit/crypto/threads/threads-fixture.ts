import { parentPort } from 'node:worker_threads';

// A thread that echoes its task after a moment, or breaks down when its argument says so.
parentPort?.on('message', ({ name, values }: { name: string; values: readonly unknown[] }) => {
  const [word] = values;
  if (word === 'break') throw new Error('broken');
  if (word === 'leave') process.exit(3);
  const message = 'as told';
  if (word === 'fail') parentPort?.postMessage({ error: { code: 'MISSING_INPUT', message } });
  else if (word === 'fail oddly') parentPort?.postMessage({ error: { code: 'toString', message } });
  else setTimeout(() => parentPort?.postMessage({ value: [name, ...values] }), 20);
});
