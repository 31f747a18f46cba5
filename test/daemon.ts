import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');

/** Milliseconds a daemon may take until it says that it is ready, and to drain. */
const startDeadline = 30_000;
const stopDeadline = 10_000;

/** The last characters of its output that are kept. */
const outputKept = 100_000;

export interface DaemonOptions {
  /** An initialised home, which then stays; a fresh one in a temporary directory that `stop` removes when left out. */
  readonly home?: string;
  /** Further words of the command line, e.g. `--interop`. */
  readonly words?: readonly string[];
}

/** The daemon as users start it, in a process of its own and on a port of its own. */
export class Daemon {
  readonly home: string;
  readonly port: number;
  /** Port of the HTTPS listener, which `--https 127.0.0.1:0` starts; 0 without. */
  readonly httpsPort: number;
  readonly #process: ChildProcess;
  readonly #output: () => string;
  readonly #forget: () => Promise<void>;

  private constructor(
    home: string,
    port: number,
    httpsPort: number,
    child: ChildProcess,
    output: () => string,
    forget: () => Promise<void>,
  ) {
    this.home = home;
    this.port = port;
    this.httpsPort = httpsPort;
    this.#process = child;
    this.#output = output;
    this.#forget = forget;
  }

  /** Rejects with what the daemon wrote when it ends early or does not get ready. */
  static async start({ home: given, words = [] }: DaemonOptions = {}): Promise<Daemon> {
    const home = given ?? (await mkdtemp(join(tmpdir(), 'kmipd-test-')));
    const forget = async () => {
      if (given === undefined) await rm(home, { recursive: true, force: true });
    };
    const child = spawn(
      process.execPath,
      [main, 'serve', '--home', home, '--listen', '127.0.0.1:0', ...words],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    // A test that ends by an error has no teardown; its daemon must not outlive it.
    const abandon = () => {
      child.kill('SIGKILL');
      if (given === undefined) rmSync(home, { recursive: true, force: true });
    };
    process.once('exit', abandon);
    child.once('exit', () => process.off('exit', abandon));
    let output = '';
    try {
      const ports = await new Promise<[number, number]>((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`the daemon did not start: ${why}\n${output}`));
        const timer = setTimeout(() => fail('not ready in time'), startDeadline);
        const read = (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-outputKept);
          const ready = / ready on 127\.0\.0\.1:(\d+) \((?:.*HTTPS on 127\.0\.0\.1:(\d+))?.*\)\n/.exec(
            output,
          );
          if (ready === null) return;
          clearTimeout(timer);
          resolve([Number(ready[1]), Number(ready[2] ?? 0)]);
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.once('error', (error) => fail(error.message));
        child.once('exit', (code, signal) => {
          clearTimeout(timer);
          fail(`ended with ${code ?? signal}`);
        });
      });
      return new Daemon(home, ...ports, child, () => output, forget);
    } catch (error) {
      child.kill('SIGKILL');
      await forget();
      throw error;
    }
  }

  /** What it wrote lately. */
  get output(): string {
    return this.#output();
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Drains the daemon, or kills it when it takes too long, and removes its home unless that was given. */
  async stop(): Promise<void> {
    if (this.running) {
      const ended = once(this.#process, 'exit');
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), stopDeadline);
      this.#process.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    }
    await this.#forget();
  }
}
