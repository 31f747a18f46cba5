/**
 * What the hash over all rows costs on PostgreSQL: `node bench/set-hash.ts [ROUNDS] [SECONDS]`. Two processes
 * insert AES keys in groups of 64, in turn with the lanes and without them. Prints inserts per second and
 * the ratio of each round, and their medians.
 */
import { fork } from 'node:child_process';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres } from '../src/store/postgres.ts';
import { createSqlKeyrings } from '../src/store/sql-keyrings.ts';
import { objectUnit } from '../src/store/sql-objects.ts';
import { openLocalVault } from '../src/vault/local.ts';
import { createFileRoot } from '../src/vault/roots/file-root.ts';
import { startPostgres } from '../test/store/embedded-postgres.ts';
import { startLanes } from '../test/store/start-lanes.ts';
import { createObject, measureRate } from './created-objects.ts';

const writers = 2;
/** Inserts of one transaction. */
const group = 64;

/** Inserts for each message, a number of seconds, until the other process disconnects. */
async function write(url: string, rootKeyFile: string): Promise<void> {
  const driver = await openPostgres(url);
  const keyrings = createSqlKeyrings(driver);
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, refreshSeconds: 0 });
  await startLanes({ lanes: driver.lanes, keyrings }, vault);
  const insert = (hasLanes: boolean) => {
    const unit = objectUnit({ expects: [], inserts: [createObject(randomUUIDv7())], updates: [] });
    // Without a change of rows a transaction has no lane.
    return driver.commit(hasLanes ? unit : { ...unit, changes: [] });
  };
  process.on('message', async ({ seconds, hasLanes }: { seconds: number; hasLanes: boolean }) => {
    const before = driver.counts;
    const groups = await measureRate(1, seconds, () =>
      Promise.all(Array.from({ length: group }, () => insert(hasLanes))),
    );
    const { units, transactions } = driver.counts;
    const isGrouped = units - before.units === group * (transactions - before.transactions);
    if (!isGrouped) throw new Error('the commits were not groups of the same size');
    process.send?.(groups * group);
  });
  process.once('disconnect', async () => {
    await driver.close();
    await vault.close();
  });
  process.send?.('ready');
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function compare(rounds: number, seconds: number): Promise<void> {
  const server = await startPostgres();
  if (typeof server === 'string') throw new Error(server);
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));
  const url = await server.fresh();
  const children = Array.from({ length: writers }, () =>
    fork(import.meta.filename, ['--writer', url, join(directory, 'root.key')]),
  );
  for (const child of children) await once(child, 'message');
  const run = async (hasLanes: boolean, runSeconds: number) => {
    for (const child of children) child.send({ seconds: runSeconds, hasLanes });
    const rates = await Promise.all(
      children.map(async (child) => (await once(child, 'message'))[0] as number),
    );
    return rates.reduce((sum, rate) => sum + rate, 0);
  };
  for (const hasLanes of [true, false]) await run(hasLanes, 1);
  const results: { readonly lanes: number; readonly none: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const isFirst = round % 2 === 0;
    const [first, second] = [await run(isFirst, seconds), await run(!isFirst, seconds)];
    results.push(isFirst ? { lanes: first, none: second } : { lanes: second, none: first });
    printResult(`round ${round + 1}`, results.slice(-1));
  }
  printResult('median', results);
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.disconnect();
  await Promise.all(exits);
  await server.stop();
  rmSync(directory, { recursive: true });
}

function printResult(title: string, results: readonly { lanes: number; none: number }[]): void {
  const [lanes, none] = [median(results.map((each) => each.lanes)), median(results.map((each) => each.none))];
  const ratio = median(results.map((each) => each.lanes / each.none));
  console.log(
    `${title.padEnd(9)} with lanes ${lanes.toFixed(0).padStart(6)}/s, without ${none.toFixed(0).padStart(6)}/s, ratio ${ratio.toFixed(3)}`,
  );
}

const [mode, url, rootKeyFile] = process.argv.slice(2);
if (mode === '--writer' && url !== undefined && rootKeyFile !== undefined) await write(url, rootKeyFile);
else await compare(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 4));
