/**
 * `node test/run.ts all|quick|interop`, or any folders and files below test/: runs them and summarises the
 * results. Prints a line for each file and the failures in full. The last line is always `N passed, N failed,
 * N skipped`. It counts the innermost results, which are assertions, and subtests or files that failed
 * without one; a todo counts as skipped. The exit code is 1 when a test failed, when a file ran no test, or
 * when no test ran.
 */
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { runFile } from './run-file.ts';
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

/** Runs files, as many at a time as there are processors, and prints a line for each. */
async function run(files: readonly string[]): Promise<{ record: string; errors: string }> {
  const records: string[] = [];
  let allErrors = '';
  const left = [...files];
  // A machine that stops the run by its time limit is told what failed until then, and what had not ended.
  process.once('SIGTERM', () => {
    console.log(`Stopped by SIGTERM; ${left.length} files had not begun.`);
    left.length = 0;
  });
  const work = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const { verdict, milliseconds, record, errors } = await runFile(root, file, environment);
      console.log(`${verdict.padStart(6)} ${file} ${seconds(milliseconds)}`);
      records.push(record);
      if (verdict === 'not ok' && errors.trim())
        allErrors += `\nOn standard error of ${file}:\n${errors.trimEnd()}\n`;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { record: records.join('\n'), errors: allErrors };
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

const started = performance.now();
const files = process.argv.slice(2).flatMap(filesOf);
const { record, errors } = await run(files);
const { passed, failed, skipped, failures, skips } = summarise(record, files);
for (const skip of skips) console.log(`skipped: ${skip}`);
for (const { where, details } of failures) console.log(`\nfailed: ${where}\n${details.replace(/^/gm, '  ')}`);
if (errors) console.log(errors);
if (passed + failed === 0) console.log('No test has run.');
const total = failed > 0 || passed > 0 ? failed : 1;
console.log(`\n${files.length} files in ${seconds(performance.now() - started)}`);
console.log(`${passed} passed, ${total} failed, ${skipped} skipped`);
process.exitCode = total > 0 ? 1 : 0;
