import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { StartContext } from '../../src/daemon/start-context.ts';

/**
 * Opens the database of the state directory `argv[2]` as the daemon does, and kills this process at the step
 * with the number `argv[3]`: before a statement, a message to the writer or a server, or a change of the file
 * system. `argv[4]`: URL of the database. Prints the number of steps when there was no such step.
 */

const [, , directory = '', fatal = '0', url = ''] = process.argv;
let steps = 0;

/** Counts the calls of a method as steps. */
function count(target: object, ...names: readonly string[]): void {
  const methods = target as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const method = methods[name];
    if (method === undefined) throw new TypeError(`there is no method ${name}`);
    methods[name] = function (...args) {
      steps += 1;
      if (steps === Number(fatal)) process.kill(process.pid, 'SIGKILL');
      return method.apply(this, args);
    };
  }
}

count(fs, 'renameSync', 'fsyncSync', 'writeSync', 'rmSync');
syncBuiltinESMExports();
count(DatabaseSync.prototype, 'exec', 'prepare', 'close');
count(Worker.prototype, 'postMessage');
count(Socket.prototype, 'write');

const { stateDirectoryAt } = await import('../../src/cli/state-directory/state-directory.ts');
const { openConverted } = await import('../../src/daemon/first-design.ts');
const { openDatabase } = await import('../../src/store/open.ts');
const { createLog } = await import('../../src/watch/log.ts');
const { Metrics } = await import('../../src/watch/metrics.ts');

const stateDirectory = stateDirectoryAt(directory);
const root = [{ kind: 'file', path: stateDirectory.rootKey }];
const context = {
  stateDirectory,
  config: { store: url, vault: { root, activationSeconds: 120 } },
  isConversionConfirmed: false,
  log: createLog('error'),
  metrics: new Metrics(),
} as unknown as StartContext;
const database = await openConverted(context, () => openDatabase(url, { mustExist: true }));
await database.close();
process.stdout.write(`\n${steps} steps\n`);
