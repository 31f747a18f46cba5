import { randomUUID } from 'node:crypto';
import { createAnchorFiles } from '../../src/cli/state-directory/anchor-files.ts';
import { openDatabase } from '../../src/store/open.ts';
import { unit } from './objects.ts';
import { sealedObject, sealedRecord, vault } from './rollback-scenario.ts';
import { openWritable } from './start-lanes.ts';

/**
 * A process of lanes-killed.test.ts: writes objects and records in groups of which some units conflict, and
 * folds lanes of nodes that are gone, until it is killed; prints a line for each group. Arguments: the URL of
 * the database, the file of the anchor.
 */

const [url = '', anchor = ''] = process.argv.slice(2);
const { store, lanes, keyrings, listLanes, foldLanes } = await openDatabase(url);
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

/** Writes an object as a node that is gone afterwards. */
async function writeAsAnother(): Promise<void> {
  const other = await openWritable(url);
  await other.store.commit(unit({ inserts: [sealedObject(randomUUID())] }));
  await other.close();
}

async function foldOthers(): Promise<void> {
  const others = (await listLanes(vault)).filter(({ name }) => !name.startsWith('node'));
  if (others.length > 0 && (await foldLanes(others, vault)) !== 'committed') alarm('the fold has a conflict');
}

const records = (...puts: ReturnType<typeof sealedRecord>[]) => ({ expects: [], puts, removals: [] });
for (let round = 0; ; round += 1) {
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
  // Another node takes longer than a group.
  if (round % 3 === 0) await writeAsAnother();
  console.log('written');
  await foldOthers();
}
