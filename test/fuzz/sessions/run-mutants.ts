/**
 * `npm run fuzz:mutants -- [--seed N] [--count N] [--match TEXT]`: takes each protection of `mutants.ts` out
 * of a copy of the sources, and runs sessions on the copy until they find it. Prints after how many. Exits
 * with 1 when a mutant is not found, or when its text is not in the sources any more.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutant, Patch } from './mutant.ts';
import { mutants } from './mutants.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    match: { type: 'string', default: '' },
  },
});

const root = join(import.meta.dirname, '../../..');
/** What the sessions import. */
const copied = [
  ...['src', 'codec', 'certs', 'profiles', 'package.json', 'tsconfig.json'],
  ...['test/client.ts', 'test/protocol/service.ts', 'test/fuzz/values.ts', 'test/fuzz/sessions'],
];

/** Runs the sessions in a directory and resolves with what they print. */
function runSessions(directory: string, { breaks }: Mutant): Promise<string> {
  const args = ['--seed', values.seed, '--count', values.count, '--only', breaks.join(), '--shrink', '0'];
  const child = spawn(process.execPath, [join(directory, 'test/fuzz/sessions/run.ts'), ...args]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (output += String(chunk)));
  return new Promise((resolve) => child.on('close', () => resolve(output)));
}

function apply(directory: string, { file, text, replacement }: Patch): void {
  const path = join(directory, file);
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(text, () => replacement),
  );
}

/** Returns the row of the table for a mutant, and whether it was found. */
async function find(directory: string, mutant: Mutant): Promise<{ row: string; isFound: boolean }> {
  for (const patch of mutant.patches) apply(directory, patch);
  const started = performance.now();
  const output = await runSessions(directory, mutant);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  for (const { file } of mutant.patches) cpSync(join(root, file), join(directory, file));
  const [, session, invariant] = output.match(/^session (\d+): (\w+): /m) ?? [];
  const isFound = session !== undefined;
  const end = isFound ? `${invariant} after ${session} sessions` : `NOT FOUND\n${output.slice(-2000)}`;
  return { row: `${mutant.name}: ${end}, ${seconds} s`, isFound };
}

const directory = mkdtempSync(join(tmpdir(), 'kmipd-mutants-'));
let isComplete = true;
try {
  for (const path of copied) cpSync(join(root, path), join(directory, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const mutant of mutants.filter(({ name }) => name.includes(values.match))) {
    const stale = mutant.patches.filter(
      ({ file, text }) => readFileSync(join(root, file), 'utf8').split(text).length !== 2,
    );
    const { row, isFound } =
      stale.length === 0
        ? await find(directory, mutant)
        : { row: `${mutant.name}: its text is not once in ${stale[0]?.file}`, isFound: false };
    console.log(row);
    isComplete &&= isFound;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = isComplete ? 0 : 1;
