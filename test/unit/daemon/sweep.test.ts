import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { startSweeps } from '../../../src/daemon/sweep.ts';
import { openDriver } from '../../../src/store/open.ts';
import type { LocalVault } from '../../../src/vault/local.ts';
import type { Logger } from '../../../src/watch/log.ts';
import { runSql } from '../../store/lane-process.ts';
import { unit } from '../../store/objects.ts';
import { sealedRecord, startNode, vault } from '../../store/rollback-scenario.ts';

/** The daemon verifies all rows in the background. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-sweep-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('sweeps report what is wrong, again and again, until they are stopped', async (t) => {
  const url = `sqlite:${join(directory, 'kmipd.db')}`;
  const { store, snapshot } = await startNode(t, url);
  const puts = [sealedRecord('one', 'ticket'), sealedRecord('two', 'ticket')];
  await store.commit(unit({ records: { expects: [], puts, removals: [] } }));
  const lines: string[] = [];
  const counts: number[] = [];
  let swept = Promise.withResolvers<void>();
  const stop = startSweeps({
    stateDirectory: stateDirectoryAt(directory),
    backends: { snapshot, vault: vault as unknown as LocalVault },
    log: { error: (line: string) => lines.push(line), info() {}, warn: t.fail } as unknown as Logger,
    metrics: {
      swept(problems) {
        counts.push(problems);
        swept.resolve();
      },
    },
    // Half of it is a tenth of a second.
    hours: 0.2 / 3_600,
  });
  await swept.promise;
  t.strictSame([counts[0], lines], [0, []]);

  const driver = await openDriver(url);
  await runSql(driver, ['delete from sealed_record where key = $1', puts[0]?.key ?? '']);
  await driver.close();
  while (counts.at(-1) === 0) {
    swept = Promise.withResolvers();
    await swept.promise;
  }
  t.equal(counts.at(-1), 1);
  t.match(lines[0], /^segment \d+ has \d rows; \d were written$/);
  stop();
});
