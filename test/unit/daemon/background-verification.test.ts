import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { startVerifications } from '../../../src/daemon/background-verification.ts';
import { openDriver } from '../../../src/store/open.ts';
import type { LocalVault } from '../../../src/vault/local-vault.ts';
import type { Logger } from '../../../src/watch/log.ts';
import { runSql } from '../../store/lane-process.ts';
import { unit } from '../../store/objects.ts';
import { sealedRecord, startNode, vault } from '../../store/rollback-scenario.ts';

/** The daemon verifies all rows in the background. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-verified-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('verifications report what is wrong, again and again, until they are stopped', async (t) => {
  const url = `sqlite:${join(directory, 'kmipd.db')}`;
  const node = await startNode(t, url);
  const puts = [sealedRecord('one', 'ticket'), sealedRecord('two', 'ticket')];
  await node.store.commit(unit({ records: { expects: [], puts, removals: [] } }));
  const first = startRecorded(node);
  await first.next();
  t.strictSame([first.counts, first.lines], [[0], []]);

  const driver = await openDriver(url);
  await runSql(driver, ['delete from sealed_record where key = $1', puts[0]?.key ?? '']);
  await driver.close();
  while (first.counts.at(-1) === 0) await first.next();
  t.equal(first.counts.at(-1), 1);
  t.match(first.lines[0], /^segment \d+ has \d rows; \d were written$/);
  first.stop();
  const { begun } = first;

  // Another one of the same interval shows that time has passed.
  const second = startRecorded(node);
  for (let at = 0; at < 4; at += 1) await second.next();
  t.equal(first.begun, begun, 'none begins after the end');
  second.stop();
});

/** Starts verifications every tenth of a second; `next` resolves when another one has ended. */
function startRecorded({ snapshot }: Pick<Awaited<ReturnType<typeof startNode>>, 'snapshot'>) {
  const lines: string[] = [];
  const counts: number[] = [];
  let verified = Promise.withResolvers<void>();
  const recorded = { lines, counts, begun: 0, stop: () => {}, next: () => verified.promise };
  recorded.stop = startVerifications({
    stateDirectory: stateDirectoryAt(directory),
    backends: {
      vault: Object.assign(vault, { refresh: async () => {} }) as unknown as LocalVault,
      snapshot(work) {
        recorded.begun += 1;
        return snapshot(work);
      },
    },
    log: { error: (line: string) => lines.push(line), info() {}, warn: t.fail } as unknown as Logger,
    metrics: {
      verified(problems) {
        counts.push(problems);
        verified.resolve();
        verified = Promise.withResolvers();
      },
    },
    // Half of it is a tenth of a second.
    hours: 0.2 / 3_600,
  });
  return recorded;
}
