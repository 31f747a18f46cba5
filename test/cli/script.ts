import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mainFile } from '../fixture/kmipd.ts';

/**
 * A step of a text script for the command line. `$ ` begins a command for the shell. Below it stand its
 * expected lines on standard output, those on standard error behind `! `, and after `= ` its exit code when
 * that is not 0. `...` stands for any text inside a line, or, alone on a line, for any number of lines. `#`
 * begins a comment.
 */
export interface Step {
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
  readonly errors: readonly string[];
  readonly code: number;
}

/**
 * Parses a script.
 * @throws {Error} when an expected line stands before the first command.
 */
export function parseScript(text: string): readonly Step[] {
  const steps: { line: number; command: string; output: string[]; errors: string[]; code: number }[] = [];
  text.split('\n').forEach((line, index) => {
    if (line === '' || line.startsWith('#')) return;
    if (line.startsWith('$ ')) {
      steps.push({ line: index + 1, command: line.slice(2), output: [], errors: [], code: 0 });
      return;
    }
    const step = steps.at(-1);
    if (step === undefined) throw new Error(`line ${index + 1} stands before the first command`);
    if (line.startsWith('! ')) step.errors.push(line.slice(2));
    else if (line.startsWith('= ')) step.code = Number(line.slice(2));
    else step.output.push(line);
  });
  return steps;
}

/** The result of a command. */
export interface Outcome {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
}

/** Creates the command `kmipd` in a directory and returns the environment of a shell that finds it. */
export function prepare(directory: string): NodeJS.ProcessEnv {
  const bin = join(directory, '.bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'kmipd'), `#!/bin/sh\nexec '${process.execPath}' '${mainFile}' "$@"\n`);
  chmodSync(join(bin, 'kmipd'), 0o755);
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH: [bin, PATH].join(delimiter), NODE_COMPILE_CACHE, HOME: directory, LC_ALL: 'C' };
}

/** Runs a command in a shell and resolves to its output and exit code. */
export function execute(command: string, directory: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ output, errors, code }));
  });
}

/** Tells whether a text matches the expected lines of a step. */
export function fits(text: string, pattern: readonly string[]): boolean {
  const lines = pattern.map((line) =>
    line === '...' ? '(?:[^\\n]*\\n)*' : `${line.split('...').map(RegExp.escape).join('[^\\n]*')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`).test(text);
}
