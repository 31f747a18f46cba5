#!/usr/bin/env node
import type { Boot } from './cli/commands/serve.ts';
import { run } from './cli/run.ts';

const version = '0.1.0';

/** Loads the daemon for `serve` alone: the other commands start in half the time without it. */
const boot: Boot = async (stateDirectory, overrides) => {
  const daemon = await import('./daemon/daemon.ts');
  await daemon.boot({ stateDirectory, overrides, version });
};

// A reader such as `head` may close our standard output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), version, boot);
