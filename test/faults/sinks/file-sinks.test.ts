import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { AuditSinkSettings } from '../../../src/common/audit-sink-settings.ts';
import { mountSmallDisk, resizeDisk, unmountDisk } from '../small-disk.ts';
import { directory } from './kinds.ts';
import { common, MemoryLog } from './memory-log.ts';
import { findDisorder, type Received } from './peers.ts';
import { startSinks } from './start-sinks.ts';

t.setTimeout(240_000);

const settingsOf = (path: string, format: 'json' | 'cef' = 'json'): AuditSinkSettings => ({
  ...common,
  ...{ name: 'archive', type: 'file', format, path },
});

let files = 0;
const newPath = () => join(directory, `audit-${++files}.jsonl`);

/** The numbers of the whole lines of a file; lines that were cut off are left out. */
function readNumbers(path: string): Received[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [(JSON.parse(line) as { number?: number }).number];
      } catch {
        return [];
      }
    });
}

t.test('entries and checkpoints are appended to a file of mode 0600', async (t) => {
  const path = newPath();
  const log = new MemoryLog();
  const { sinks } = startSinks(t, log, [settingsOf(path)]);
  log.append(3_000);
  sinks.acceptCheckpoint('kmipd checkpoint 2\nx\n');
  await sinks.close();
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(findDisorder(readNumbers(path), 3_000), undefined);
  t.equal(readNumbers(path).length, 3_001, 'once each');
  const last = readFileSync(path, 'utf8').trimEnd().split('\n').at(-1);
  t.same(JSON.parse(last ?? ''), { kind: 'checkpoint', time: null, text: 'kmipd checkpoint 2\nx\n' });
  const cef = newPath();
  const second = startSinks(t, log, [settingsOf(cef, 'cef')]);
  log.append(2);
  await second.sinks.close();
  t.match(readFileSync(cef, 'utf8'), /^CEF:0\|kmipd\|.* externalId=c0ffee\/3000\/0 .*\nCEF:0\|.*\n$/);
});

t.test('a file that is moved away is replaced at the next reload, as logrotate does it', async (t) => {
  const path = newPath();
  const log = new MemoryLog();
  const { sinks } = startSinks(t, log, [settingsOf(path)]);
  log.append(100);
  await untilLines(path, 100);
  renameSync(path, `${path}.1`);
  log.append(50);
  await untilLines(`${path}.1`, 150);
  sinks.configure([settingsOf(path)]);
  log.append(10);
  await sinks.close();
  t.equal(findDisorder(readNumbers(`${path}.1`), 150), undefined);
  t.equal(findDisorder(readNumbers(path), 160, 150), undefined);
});

t.test('a file that was removed is replaced without a reload', async (t) => {
  const path = newPath();
  const log = new MemoryLog();
  const { sinks } = startSinks(t, log, [settingsOf(path)]);
  log.append(1);
  await untilLines(path, 1);
  rmSync(path);
  log.append(1);
  await sinks.close();
  t.same(readNumbers(path), [1]);
});

t.test('a line that was cut off stays, and whole lines follow', async (t) => {
  const path = newPath();
  writeFileSync(path, '{"number":7}\n{"numb', { mode: 0o600 });
  const log = new MemoryLog();
  const { sinks } = startSinks(t, log, [settingsOf(path)]);
  log.append(1);
  await sinks.close();
  t.match(readFileSync(path, 'utf8'), /^\{"number":7\}\n\{"numb\n\{"chain":"c0ffee","number":0,.*\}\n$/);
});

/** Things in the place of the file, and the reason by which each is refused. */
const wrongFiles: Readonly<Record<string, readonly [make: (path: string) => void, reason: RegExp]>> = {
  'a FIFO that nobody reads': [(path) => execFileSync('mkfifo', [path]), /: this is a FIFO, not a file/],
  'a directory': [(path) => mkdirSync(path), /: this is a directory, not a file/],
  'a symbolic link': [
    (path) => {
      writeFileSync(`${path}.target`, '');
      symlinkSync(`${path}.target`, path);
    },
    /: this is a symbolic link; name the file itself/,
  ],
  'a file that others can read': [
    (path) => {
      writeFileSync(path, '');
      chmodSync(path, 0o644);
    },
    /: others can change or read this file: chmod 640 it, or 600/,
  ],
  'a database': [
    (path) => writeFileSync(path, 'SQLite format 3\0', { mode: 0o600 }),
    /: this file has other content than lines of the audit log/,
  ],
  'a key': [
    (path) => writeFileSync(path, '-----BEGIN', { mode: 0o600 }),
    /: this file has other content than lines of the audit log/,
  ],
};

for (const [what, [make, reason]] of Object.entries(wrongFiles))
  t.test(`${what} in the place of the file is refused, and stays as it is`, async (t) => {
    const path = newPath();
    make(path);
    const before = statSync(path);
    const log = new MemoryLog();
    const started = startSinks(t, log, [settingsOf(path)]);
    log.append(5);
    await started.until('sinkFailed');
    t.match(started.of('sinkFailed')[0]?.['reason'], reason);
    t.equal(statSync(path).ino, before.ino);
    t.equal(statSync(path).size, before.size);
    rmSync(path, { recursive: true });
    await started.until('sinkWorks');
    await started.sinks.close();
    t.same(
      readNumbers(path).filter((number) => number !== undefined),
      [0, 1, 2, 3, 4],
    );
  });

const mount = mkdtempSync(join(tmpdir(), 'kmipd-sink-disk-'));

const missing = mountSmallDisk(mount, '256k');
t.teardown(() => {
  if (missing === undefined) unmountDisk(mount);
  rmSync(mount, { recursive: true, force: true });
});

t.test(
  'a disk that fills loses no entry: delivery goes on when there is space',
  { skip: missing ?? false },
  async (t) => {
    const path = join(mount, 'audit.jsonl');
    const log = new MemoryLog();
    const settings = { ...settingsOf(path), onFailure: 'refuse', deadlineSeconds: 0.05 } as const;
    const started = startSinks(t, log, [settings]);
    log.append(5_000);
    await started.until('sinkOverdue');
    await started.until('sinkFailed');
    t.match(started.of('sinkFailed')[0]?.['reason'], /audit\.jsonl: the disk is full$/);
    t.match(started.sinks.refusal(), /the audit sink "archive" .*: the disk is full$/);
    const first = readFileSync(path);
    resizeDisk(mount, '8m');
    await started.until('sinkRecovered');
    t.equal(started.sinks.refusal(), undefined);
    await started.sinks.close();
    t.equal(findDisorder(readNumbers(path), 5_000), undefined);
    t.same(readFileSync(path).subarray(0, first.length), first, 'what was written stays');
    t.ok(existsSync(path));
  },
);

/** Resolves once a file has so many lines; each look is a turn of the event loop. */
async function untilLines(path: string, count: number): Promise<void> {
  const isThere = () => existsSync(path) && readFileSync(path, 'utf8').split('\n').length > count;
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve));
}
