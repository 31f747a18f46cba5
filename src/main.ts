#!/usr/bin/env -S node --disable-sigusr1
import { close, url } from 'node:inspector';
import type { Inspect } from './cli/commands/check-config.ts';
import type { Boot } from './cli/commands/serve.ts';

// Node opens its inspector, through which everybody on this host can read every key, when SIGUSR1 arrives and
// nothing listens for it. This is the first statement and all other modules are imported after it, because a
// plain `node src/main.ts` does not have the option of the first line.
process.on('SIGUSR1', () => {});
closeInspectorOfEarlySignal();

const version = '0.1.0';
const { run } = await import('./cli/run.ts');

// Only `serve` and `check-config` load modules of the daemon: the others start in half the time without them.
const boot: Boot = async (options) => {
  const daemon = await import('./daemon/daemon.ts');
  await daemon.boot({ ...options, version });
};

const inspect: Inspect = async (stateDirectory, config) =>
  (await import('./daemon/inspection.ts')).inspect(stateDirectory, config);

// A reader such as `head` may close our standard output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), version, { boot, inspect });

/**
 * Closes the inspector that Node opens for a signal from before the first statement. Node opens it in a later
 * turn of the event loop, so that turns are counted, not time. A start with `--inspect` keeps the inspector.
 */
function closeInspectorOfEarlySignal(): void {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (options.includes('--disable-sigusr1') || options.includes('--inspect')) return;
  let turns = 1_000;
  const timer = setInterval(() => {
    if (url() !== undefined) close();
    if (--turns === 0) clearInterval(timer);
  }, 5).unref();
}
