import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What became of a test file. */
export interface FileResult {
  readonly verdict: 'ok' | 'not ok' | 'skip';
  readonly milliseconds: number;
  /** Its results, as the subtest `file` of a TAP record. */
  readonly record: string;
  /** Text on standard error. */
  readonly errors: string;
}

/** Seconds that a file may take when it states no other time. */
const defaultTimeout = 300;

/**
 * Runs a test file as the runner of tap does, without the hooks by which that observes every process and
 * thread: a thread takes twice as long to start with them. A file that takes longer than it may is sent
 * SIGALRM, upon which tap states what it waits for, and then killed; so is one that runs when this process is
 * sent SIGTERM.
 */
export async function runFile(root: string, file: string, env: NodeJS.ProcessEnv): Promise<FileResult> {
  const start = performance.now();
  const preloaded = join(import.meta.dirname, 'without-async-hooks.ts');
  const child = spawn(process.execPath, ['--import', preloaded, file], {
    cwd: root,
    env: { ...env, TAP: '1', TAP_TIMEOUT: `${defaultTimeout}` },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let isLate = false;
  const end = () => {
    isLate = true;
    child.kill('SIGALRM');
    setTimeout(() => child.kill('SIGKILL'), 1_000).unref();
  };
  let timer = setTimeout(end, defaultTimeout * 1_000);
  process.once('SIGTERM', end);
  // tap sends the times that `t.setTimeout` states for the file.
  child.on('message', (message: { setTimeout?: number }) => {
    clearTimeout(timer);
    if (message.setTimeout) timer = setTimeout(end, message.setTimeout);
  });
  const [output, errors, [exitCode, signal]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ]);
  clearTimeout(timer);
  process.off('SIGTERM', end);
  const milliseconds = performance.now() - start;
  const hasFailed = exitCode !== 0 || isLate;
  const skip = hasFailed ? undefined : skipReason(output);
  const lines = [
    `# Subtest: ${file}`,
    indent(output),
    `${hasFailed ? 'not ok' : 'ok'} 1 - ${file} # ${skip === undefined ? `time=${milliseconds}ms` : `SKIP ${skip}`}`,
    ...(hasFailed ? ['  ---', `  exitCode: ${exitCode}`, `  signal: ${signal}`, '  ...'] : []),
  ];
  const hasTests = skip !== noTests;
  const verdict = hasFailed || !hasTests ? 'not ok' : skip === undefined ? 'ok' : 'skip';
  return { verdict, milliseconds, record: lines.join('\n'), errors };
}

const noTests = 'no tests found';

/** Why a file has run no test; undefined when it has. */
function skipReason(output: string): string | undefined {
  if (/^(not )?ok /m.test(output)) return undefined;
  return /^1\.\.0 # (.+)$/m.exec(output)?.[1] ?? noTests;
}

const indent = (lines: string): string => lines.replace(/^(?=.)/gm, '    ');
