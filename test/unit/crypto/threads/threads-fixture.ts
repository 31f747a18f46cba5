import { parentPort } from 'node:worker_threads';

// A thread that answers what it was told, later, or breaks down when it is told so.
parentPort?.on('message', ({ name, values }: { name: string; values: readonly unknown[] }) => {
  if (values[0] === 'break') throw new Error('broken');
  if (values[0] === 'leave') process.exit(3);
  setTimeout(() => parentPort?.postMessage({ value: [name, ...values] }), 20);
});
