import t from 'tap';
import type { LaneRow } from '../../../../src/store/lanes/lane-history.ts';
import { LaneForgedError, openLanes } from '../../../../src/store/lanes/open-lane.ts';
import type { SealedKey } from '../../../../src/vault/vault.ts';

/** Lanes of which the database shows two by one name. */

t.test('each lane is there once', (t) => {
  const row = (name: string, seq: number): LaneRow => ({
    ...{ name, seq, era: 1, box: new Uint8Array([seq]) as Uint8Array as SealedKey },
  });
  const opened: string[] = [];
  const open = (each: LaneRow) => {
    opened.push(each.name);
    return {} as ReturnType<Parameters<typeof openLanes>[1]>;
  };
  t.equal(openLanes([row('a', 1), row('b', 1)], open).length, 2);
  t.strictSame(opened.splice(0), ['a', 'b']);
  for (const rows of [
    [row('a', 1), row('b', 1), row('a', 2)],
    [row('a', 2), row('a', 1)],
  ])
    t.throws(() => openLanes(rows, open), new LaneForgedError('the row a of table lane is there twice'));
  t.strictSame(opened, []);
  t.end();
});
