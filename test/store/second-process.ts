import { object, unit } from './objects.ts';
import { openWritable } from './start-lanes.ts';

/**
 * Another process on the same database: adds objects `there-N` and counts each in the version of `shared`.
 */
const { store, close } = await openWritable(process.argv[2] ?? '');
process.send?.('open');
process.once('message', async () => {
  for (let at = 0; at < 60; at += 1) {
    const [shared] = await store.load('blue', ['shared']);
    const version = (shared?.version ?? 0) + 1;
    await store.commit(unit({ inserts: [object(`there-${at}`)], updates: [object('shared', { version })] }));
  }
  await close();
  process.disconnect?.();
});
