import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { deliveredTo, readCount, startSink } from './deliver-until-killed.ts';
import { findDisorder } from './peers.ts';

t.setTimeout(600_000);

const script = join(import.meta.dirname, 'deliver-until-killed.ts');
const kills = 15;

t.test('a process that is killed again and again delivers every entry in order', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-killed-sinks-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const blocks = 1 + ((kill * 37) % 300);
    let seen = 0;
    for await (const dots of child.stdout as AsyncIterable<Buffer>) {
      seen += dots.length;
      if (seen >= blocks) break;
    }
    child.kill('SIGKILL');
    t.same(await ended, [null, 'SIGKILL']);
  }
  const { sinks, events } = startSink(directory);
  await sinks.close();
  const count = readCount(directory);
  const numbers = readFileSync(deliveredTo(directory), 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [(JSON.parse(line) as { number: number }).number];
      } catch {
        // The end of a line that was cut off, or of the file.
        return [];
      }
    });
  t.equal(findDisorder(numbers, count), undefined);
  t.same(events, [], 'nothing is reported');
  t.comment(`${count} entries, ${numbers.length - count} of them twice, over ${kills} kills`);
});
