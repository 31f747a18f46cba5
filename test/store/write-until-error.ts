import { add, box, object } from './objects.ts';
import { openWritable } from './start-lanes.ts';

/**
 * Writes until the file size limit is reached, then prints the acknowledged ids and how the store behaves.
 */
process.on('SIGXFSZ', () => {});
const { store, close } = await openWritable(`sqlite:${process.argv[2]}`);
const acknowledged: string[] = [];
const outcome = (attempt: Promise<unknown>) =>
  attempt.then(
    () => '',
    (error) => `${error.name}: ${error.message}`,
  );
let first = '';
for (let at = 0; first === '' && at < 1_000; at += 1) {
  const id = `o-${at}`;
  first = await outcome(add(store, object(id, { value: box(...new Uint8Array(10_000).fill(at)) })));
  if (first === '') acknowledged.push(id);
}
const later = await outcome(add(store, object('later')));
const ping = await outcome(store.ping());
const readable = (await store.load('blue', acknowledged)).length === acknowledged.length;
process.stdout.write(JSON.stringify({ acknowledged, first, later, ping, readable }));
await close();
