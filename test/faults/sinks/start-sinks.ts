import { join } from 'node:path';
import type { Test } from 'tap';
import type { AuditSinksTiming } from '../../../src/audit/sinks/audit-sinks.ts';
import type { AuditSinkSettings } from '../../../src/common/audit-sink-settings.ts';
import { create, directory } from './kinds.ts';
import { type MemoryLog, TestSinks } from './memory-log.ts';

let homes = 0;

/** Returns the path of a file of positions in a home of its own. */
export function newPositionsFile(): string {
  homes += 1;
  return join(directory, `home-${homes}`, 'sinks.json');
}

/** Starts sinks on a log; they are closed at the end of the test. */
export function startSinks(
  t: Test,
  log: MemoryLog,
  settings: readonly AuditSinkSettings[],
  file = newPositionsFile(),
  timing: Partial<AuditSinksTiming> = {},
): TestSinks {
  const started = new TestSinks(file, log, create, timing);
  log.outlet = started.sinks;
  started.sinks.configure(settings);
  t.teardown(() => started.sinks.close());
  return started;
}
