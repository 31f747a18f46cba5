/**
 * Runs tap over one suite of test files and sums up: `node test/run.ts all|quick|interop`, or any folders and files
 * below test/. Prints failures in full and passing tests not at all. The last line is always
 * `N passed, N failed, N skipped`: the innermost results (assertions, and subtests or files that failed as such), a
 * todo counted as skipped. Exits with 1 when anything failed, when a file ran no test, or when nothing ran.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Summary, summarise } from './summary.ts';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const environment = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}`, FORCE_COLOR: '0' };

/** quick leaves out what starts PostgreSQL or takes long; interop needs software that npm does not bring. */
const suites: Record<string, { folders: string[]; except?: RegExp }> = {
  quick: { folders: ['tidy', 'unit', 'golden', 'property', 'store'], except: /postgres/ },
  all: {
    folders: [
      'tidy',
      'unit',
      'golden',
      'property',
      'store',
      'protocol',
      'net',
      'cli',
      'clients',
      'conformance',
      'faults',
      'fuzz',
    ],
  },
  interop: { folders: ['interop'] },
};

function filesOf(name: string): string[] {
  const suite = suites[name];
  if (suite === undefined) {
    const path = existsSync(join(root, name)) ? name : join('test', name);
    if (!existsSync(join(root, path))) {
      console.error(
        `No suite, folder or file is called ${name}; the suites are ${Object.keys(suites).join(', ')}.`,
      );
      process.exit(1);
    }
    return statSync(join(root, path)).isFile() ? [path] : globSync(`${path}/**/*.test.ts`, { cwd: root });
  }
  return suite.folders
    .flatMap((folder) => globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort())
    .filter((file) => !suite.except?.test(file));
}

/** Runs tap; its report goes to this process's output, and the results come back as TAP text. */
async function tap(files: string[]): Promise<{ output: string; exitCode: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'kmipd-test-'));
  const record = join(folder, 'results.tap');
  try {
    const child = spawn('tap', ['--reporter=min', `--output-file=${record}`, ...files], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8');
    for await (const chunk of child.stdout) process.stdout.write(withoutTerminalCodes(chunk));
    const exitCode =
      child.exitCode ?? (await new Promise<number>((done) => child.on('exit', (code) => done(code ?? 1))));
    return { output: existsSync(record) ? readFileSync(record, 'utf8') : '', exitCode };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withoutTerminalCodes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal code begins with the escape character
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
}

/** A file that ended before its first assertion has said why only on standard error, which the report leaves out. */
function explain(silent: Summary['silent']): void {
  for (const file of silent) {
    console.log(`\n${file} ran no test. Started by itself it says:`);
    const again = spawnSync('node', [file], {
      cwd: root,
      env: environment,
      encoding: 'utf8',
      timeout: 60_000,
    });
    console.log(
      `${again.stdout}${again.stderr}`.trim() || `nothing, and ends with ${again.signal ?? again.status}`,
    );
  }
}

const started = performance.now();
const files = process.argv.slice(2).flatMap(filesOf);
const { output, exitCode } = files.length > 0 ? await tap(files) : { output: '', exitCode: 1 };
const { passed, failed, skipped, skips, silent } = summarise(output, files);
explain(silent);
for (const skip of skips) console.log(`skipped: ${skip}`);
if (files.length === 0) console.log('There are no test files to run.');
const failures = failed > 0 || (exitCode === 0 && passed > 0) ? failed : 1;
console.log(`\n${files.length} files in ${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
process.exitCode = failures > 0 ? 1 : 0;
