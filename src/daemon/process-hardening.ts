import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Logger } from '../watch/log.ts';

/**
 * Options of Node by which others can read the memory of the process: the inspector, snapshots of the heap,
 * and core dumps.
 */
const exposingOptions = /--(inspect|heapsnapshot-|heap-prof|abort-on-uncaught-exception|report-)\S*/g;

/**
 * Keeps the memory of the process, which holds keys, out of files: sets the size of core dumps to 0, and
 * warns where that fails and about options of Node that expose the memory. To be called before the root key
 * is read.
 */
export async function hardenProcess(log: Logger): Promise<void> {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ').match(exposingOptions);
  if (options !== null)
    log.warn({ keys: options }, 'Node was started with options by which keys can be read from its memory');
  await disableCoreDumps(log);
}

/** The soft limit of core dumps in `/proc/self/limits`: bytes or `unlimited`. */
const coreLimit = /^Max core file size +(\S+) /m;

/**
 * Sets the limit of core dumps by util-linux's `prlimit`, because Node cannot call setrlimit. A handler in
 * the kernel's core_pattern gets the limit and has to heed it; systemd-coredump and apport do.
 */
async function disableCoreDumps(log: Logger): Promise<void> {
  let problem: unknown;
  try {
    await promisify(execFile)('prlimit', ['--pid', String(process.pid), '--core=0']);
  } catch (error) {
    problem = error;
  }
  if (readCoreLimit() === '0') return log.debug('core dumps are off');
  log.warn(
    { error: problem },
    'core dumps are possible and would contain keys; install prlimit (util-linux)',
  );
}

function readCoreLimit(): string | undefined {
  try {
    return coreLimit.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}
