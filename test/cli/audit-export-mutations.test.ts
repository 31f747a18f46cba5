import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readKeyList } from '../../src/audit/checkpoints/signing-keys.ts';
import { ExportWriter } from '../../src/audit/export/export-writer.ts';
import { LogExporter } from '../../src/cli/audit-log/export-log.ts';
import { verifyExportOf } from '../../src/cli/audit-log/verify-exported-log.ts';
import { verifyLog } from '../../src/cli/audit-log/verify-log.ts';
import {
  commitEntries,
  moveEntries,
  numbersFrom,
  openReader,
  prepareHome,
  startLogging,
} from './audit-log-home.ts';
import { sample } from './audit-mutations.ts';

t.setTimeout(300_000);

/** An export that somebody has changed who makes its digest and counts right again. */

/** Exports a log of 400 entries. Returns the lines, and the fingerprint by which they are trusted. */
async function exportLog(t: Test): Promise<{ readonly lines: readonly string[]; readonly trusted: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-export-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const home = await prepareHome(t, `sqlite:${join(directory, 'kmipd.db')}`);
  const daemon = await startLogging(home);
  for (const first of [0, 100, 200, 300]) {
    await moveEntries(daemon, numbersFrom(first, first + 90));
    for (const at of numbersFrom(first + 90, first + 100))
      await commitEntries(daemon, daemon.audit.log.node, [at]);
    await daemon.audit.checkpoints.soon();
  }
  await daemon.close();
  const reader = await openReader(home);
  const file = join(directory, 'log.jsonl');
  using writer = new ExportWriter(file);
  const exporter = new LogExporter(writer, home.audit, { since: undefined, until: undefined }, () => {});
  const { problems } = await verifyLog(home, reader, { files: [], trusted: [] }, exporter);
  await reader.close();
  t.same(problems, []);
  return {
    lines: readFileSync(file, 'utf8').split('\n').slice(0, -1),
    trusted: readKeyList(home.audit)[0]?.first ?? '',
  };
}

/** Returns the text of a file with a last line that fits what is before it. */
function withEnd(lines: readonly string[]): string {
  const [before, end] = [lines.slice(0, -1), JSON.parse(lines.at(-1) ?? '{}')];
  const text = before.map((line) => `${line}\n`).join('');
  const blocks = before.filter((line) => line.startsWith('{"kind":"block"')).length;
  return `${text}${JSON.stringify({ ...end, blocks, digest: createHash('sha256').update(text).digest('hex') })}\n`;
}

t.test('every single change of an export is found, although its digest is right', async (t) => {
  const { lines, trusted } = await exportLog(t);
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-export-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'altered.jsonl');
  const problemsOf = async (changed: readonly string[]) => {
    writeFileSync(file, withEnd(changed));
    // A directory without keys: the export is verified elsewhere.
    const { problems } = await verifyExportOf({ audit: directory }, file, { files: [], trusted: [trusted] });
    return problems;
  };
  t.same(await problemsOf(lines), [], 'as it was exported');
  const kindOf = (line: string) => String(JSON.parse(line).kind);
  const places = (...kinds: readonly string[]) =>
    lines.flatMap((line, at) => (kinds.includes(kindOf(line)) ? [at] : []));
  const blocks = places('block');
  /** A block with its entries. */
  const group = (at: number) => lines.slice(at, at + 1 + Number(JSON.parse(lines[at] ?? '{}').count));
  const mutations: [string, readonly string[]][] = [];
  for (const at of sample(places('entry'), 30)) {
    mutations.push(
      [`line ${at} deleted`, lines.toSpliced(at, 1)],
      [`line ${at} again`, lines.toSpliced(at, 0, lines[at] ?? '')],
    );
    const next = lines[at + 1] ?? '';
    mutations.push([`lines ${at} and ${at + 1} exchanged`, lines.toSpliced(at, 2, next, lines[at] ?? '')]);
  }
  for (const at of sample(blocks, 12)) {
    const own = group(at);
    mutations.push(
      [`the block of line ${at} deleted`, lines.toSpliced(at, own.length)],
      [`the block of line ${at} again`, lines.toSpliced(at, 0, ...own)],
      [`the line ${at} of a block deleted`, lines.toSpliced(at, 1)],
      [
        `the block of line ${at} at the end`,
        [...lines.toSpliced(at, own.length).slice(0, -1), ...own, lines.at(-1) ?? ''],
      ],
    );
  }
  // The last block at the end is where it was.
  mutations.splice(mutations.length - 1, 1);
  for (const at of sample(blocks.slice(1), 10))
    mutations.push([`cut off at line ${at}`, [...lines.slice(0, at), lines.at(-1) ?? '']]);
  for (const at of [...places('lane'), ...sample(blocks, 3)])
    for (const name of ['chain', 'first', 'count', 'entries', 'head']) {
      const line = JSON.parse(lines[at] ?? '{}');
      if (line[name] === undefined) continue;
      const value =
        typeof line[name] === 'number'
          ? line[name] + 1
          : line[name].replace(/.$/, (c: string) => (c === '0' ? '1' : '0'));
      mutations.push([`${name} of line ${at}`, lines.with(at, JSON.stringify({ ...line, [name]: value }))]);
    }
  for (const at of sample(places('entry'), 3)) {
    const line = JSON.parse(lines[at] ?? '{}');
    for (const name of ['salt', 'text'])
      for (const position of line[name].split('').keys()) {
        const other = line[name][position] === '1' ? '2' : '1';
        const value = `${line[name].slice(0, position)}${other}${line[name].slice(position + 1)}`;
        mutations.push([
          `${name} ${position} of line ${at}`,
          lines.with(at, JSON.stringify({ ...line, [name]: value })),
        ]);
      }
  }
  for (const at of places('checkpoint')) {
    const line = JSON.parse(lines[at] ?? '{}');
    for (const position of sample([...line.text.split('').keys()] as number[], 20)) {
      const value = `${line.text.slice(0, position)}~${line.text.slice(position + 1)}`;
      mutations.push([
        `text ${position} of line ${at}`,
        lines.with(at, JSON.stringify({ ...line, text: value })),
      ]);
    }
  }
  for (const [what, changed] of mutations) if ((await problemsOf(changed)).length === 0) t.fail(what);
  t.ok(mutations.length > 500, `${mutations.length} mutations`);
  // What lanes state can be written anew, signed checkpoints cannot.
  const [last = 0] = blocks.slice(-1);
  const shorter = [...lines.slice(0, last), lines.at(-1) ?? ''].filter((line) => kindOf(line) !== 'lane');
  t.match((await problemsOf(shorter)).join('\n'), /its end is missing, or the database was put back/);
});
