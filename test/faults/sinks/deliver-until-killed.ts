import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLogReader } from '../../../src/audit/sinks/delivery/audit-log-reader.ts';
import { formatJsonLine } from '../../../src/audit/sinks/formats/json-lines.ts';
import { FileOutput } from '../../../src/audit/sinks/outputs/file-output.ts';
import { common, entryOf, TestSinks } from './memory-log.ts';

/**
 * A process that records entries and delivers them to a file until it is killed; the test imports what it
 * needs to look at the result. A log whose entries follow from their numbers needs to keep their count only.
 */

const chain = 'c0ffee';

export const deliveredTo = (home: string): string => join(home, 'audit.jsonl');

/** Returns how many entries were recorded. */
export function readCount(home: string): number {
  const file = join(home, 'count');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

/** Starts one sink of a home. */
export function startSink(home: string): TestSinks {
  const reader: AuditLogReader = {
    chains: async () => [{ chain, first: 0, next: readCount(home) }],
    readFrom: async (_, number, limit) => {
      const end = Math.min(number + limit, readCount(home));
      return Array.from({ length: end - number }, (_, at) => entryOf(chain, number + at));
    },
  };
  const create = () => new FileOutput(deliveredTo(home), formatJsonLine);
  const started = new TestSinks(join(home, 'audit', 'sinks.json'), reader, create);
  const path = deliveredTo(home);
  started.sinks.configure([{ ...common, name: 'archive', type: 'file', format: 'json', path }]);
  return started;
}

async function record(home: string): Promise<never> {
  const { sinks } = startSink(home);
  while (!existsSync(join(home, 'audit', 'sinks.json')))
    await new Promise((resolve) => setImmediate(resolve));
  const count = openSync(join(home, 'count'), 'a+');
  closeSync(count);
  const descriptor = openSync(join(home, 'count'), 'r+');
  for (let next = readCount(home); ; ) {
    const entries = Array.from({ length: 7 }, (_, at) => entryOf(chain, next + at));
    const first = next;
    next += entries.length;
    // One write of a fixed length is there as a whole, or not at all, when the process is killed.
    writeSync(descriptor, String(next).padStart(12), 0);
    sinks.accept({ chain, first, entries });
    process.stdout.write('.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const [, script, directory] = process.argv;
if (script === import.meta.filename && directory !== undefined) await record(directory);
