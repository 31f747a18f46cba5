import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { startVerifications } from '../../../src/daemon/background-verification.ts';
import { openDriver } from '../../../src/store/open.ts';
import type { LocalVault } from '../../../src/vault/local.ts';
import type { Logger } from '../../../src/watch/log.ts';
import { runSql } from '../../store/lane-process.ts';
import { unit } from '../../store/objects.ts';
import { sealedRecord, startNode, vault } from '../../store/rollback-scenario.ts';

/** The daemon verifies all rows in the background. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-verified-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('verifications report what is wrong, again and again, until they are stopped', async (t) => {
  const url = `sqlite:${join(directory, 'kmipd.db')}`;
  const { store, snapshot } = await startNode(t, url);
  const puts = [sealedRecord('one', 'ticket'), sealedRecord('two', 'ticket')];
  await store.commit(unit({ records: { expects: [], puts, removals: [] } }));
  const lines: string[] = [];
  const counts: number[] = [];
  let begun = 0;
  let verified = Promise.withResolvers<void>();
  const stop = startVerifications({
    stateDirectory: stateDirectoryAt(directory),
    backends: {
      vault: Object.assign(vault, { refresh: async () => {} }) as unknown as LocalVault,
      snapshot(work) {
        begun += 1;
        return snapshot(work);
      },
    },
    log: { error: (line: string) => lines.push(line), info() {}, warn: t.fail } as unknown as Logger,
    metrics: {
      verified(problems) {
        counts.push(problems);
        verified.resolve();
      },
    },
    // Half of it is a tenth of a second.
    hours: 0.2 / 3_600,
  });
  await verified.promise;
  t.strictSame([counts[0], lines], [0, []]);

  const driver = await openDriver(url);
  await runSql(driver, ['delete from sealed_record where key = $1', puts[0]?.key ?? '']);
  await driver.close();
  while (counts.at(-1) === 0) {
    verified = Promise.withResolvers();
    await verified.promise;
  }
  t.equal(counts.at(-1), 1);
  t.match(lines[0], /^segment \d+ has \d rows; \d were written$/);
  stop();
  const before = begun;
  // Six times the wait before a verification.
  await setTimeout(600);
  t.equal(begun, before, 'none begins after the end');
});
