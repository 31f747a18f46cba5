/**
 * `node test/run.ts all|quick|interop`, or any folders and files below test/: runs tap and summarises the
 * results. Prints a line for each file and the failures in full. The last line is always `N passed, N failed,
 * N skipped`. It counts the innermost results, which are assertions, and subtests or files that failed
 * without one; a todo counts as skipped. The exit code is 1 when a test failed, when a file ran no test, or
 * when no test ran.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { summarise } from './summary.ts';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const environment = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env['PATH']}`,
  FORCE_COLOR: '0',
  // Tests start hundreds of processes, and half of the start is the removal of types.
  NODE_COMPILE_CACHE: join(root, '.tap', 'compile-cache'),
};

/**
 * The suite quick has no tests that start PostgreSQL or take long; interop needs software that is not in npm.
 */
const suites: Record<string, { folders: string[]; except?: RegExp }> = {
  quick: { folders: ['tidy', 'unit', 'golden', 'property', 'store'], except: /postgres/ },
  all: {
    folders: [
      'tidy',
      'unit',
      'golden',
      'property',
      'store',
      'first-design',
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

/** Runs tap, prints a line for each file that has ended, and resolves to the output of tap. */
async function tap(files: string[]): Promise<{ record: string; errors: string; exitCode: number | null }> {
  const child = spawn('tap', ['--reporter=tap', ...files], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = once(child, 'close');
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const [, verdict, file, skip, time] =
      /^(ok|not ok) \d+ - (.*?) # (?:SKIP (.*)|time=(.*)ms)$/.exec(line) ?? [];
    if (verdict === undefined) continue;
    const said = skip === undefined ? verdict : skip === 'no tests found' ? 'not ok' : 'skip';
    console.log(`${said.padStart(6)} ${file} ${seconds(Number(time ?? 0))}`);
  }
  const [exitCode] = await exited;
  return { record: lines.join('\n'), errors, exitCode };
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

const started = performance.now();
const files = process.argv.slice(2).flatMap(filesOf);
const { record, errors, exitCode } =
  files.length > 0 ? await tap(files) : { record: '', errors: '', exitCode: 1 };
const { passed, failed, skipped, failures, skips } = summarise(record, files);
for (const skip of skips) console.log(`skipped: ${skip}`);
for (const { where, details } of failures) console.log(`\nfailed: ${where}\n${details.replace(/^/gm, '  ')}`);
if (exitCode !== 0 && errors.trim()) console.log(`\nOn standard error:\n${errors.trimEnd()}`);
if (passed + failed === 0) console.log('No test has run.');
const total = failed > 0 || (exitCode === 0 && passed > 0) ? failed : 1;
console.log(`\n${files.length} files in ${seconds(performance.now() - started)}`);
console.log(`${passed} passed, ${total} failed, ${skipped} skipped`);
process.exitCode = total > 0 ? 1 : 0;
