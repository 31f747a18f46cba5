import { randomUUID } from 'node:crypto';
import { createAnchorFiles } from '../../src/cli/state-directory/anchor-files.ts';
import { openDatabase } from '../../src/store/open.ts';
import { unit } from './objects.ts';
import { sealedObject, sealedRecord, vault } from './rollback-scenario.ts';

/**
 * A process of lanes-killed.test.ts: writes objects and records in groups of which some units conflict, until
 * it is killed, and prints a line for each group. Arguments: the URL of the database, the file of the anchor.
 */

const [url = '', anchor = ''] = process.argv.slice(2);
const { store, lanes, keyrings } = await openDatabase(url);
const alarm = (why: string) => {
  console.log(`alarm: ${why}`);
  process.exit(1);
};
await lanes.start({
  ...{ vault, keyrings, name: 'node', anchors: createAnchorFiles([anchor], anchor) },
  observer: { rolledBack: alarm, displaced: alarm, anchored() {}, notAnchored() {} },
});
// More often than each second, so that kills meet the anchor at every step.
setInterval(() => lanes.check(), 15);

const records = (...puts: ReturnType<typeof sealedRecord>[]) => ({ expects: [], puts, removals: [] });
for (;;) {
  const [first, second] = [randomUUID(), randomUUID()];
  await Promise.all([
    store.commit(unit({ inserts: [sealedObject(first)], records: records(sealedRecord(first, 'client')) })),
    store.commit(unit({ inserts: [sealedObject(first)] })),
    store.commit(unit({ inserts: [sealedObject(second)] })),
  ]);
  await Promise.all([
    store.commit(unit({ updates: [sealedObject(first, 2)] })),
    store.commit(unit({ records: records(sealedRecord(first, 'client', 2)) })),
  ]);
  console.log('written');
}
