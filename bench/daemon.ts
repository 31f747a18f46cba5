import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Job, Measurement } from './load.ts';

/**
 * What all measurements need: a fresh daemon, the echo beside it, and the load on either, each a process of
 * its own.
 */

export const execute = promisify(execFile);
const here = import.meta.dirname;
/** Seconds for which each row is measured. */
export const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1]) || 3;

/** A server process and its port. */
export interface RunningServer {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts and measures servers over one state directory. */
export class Bench {
  readonly stateDirectory: string;
  readonly #children: ChildProcess[] = [];

  private constructor(stateDirectory: string) {
    this.stateDirectory = stateDirectory;
  }

  /**
   * Runs `work` with a new state directory, then stops all servers and deletes the directory. `store`: URL of
   * an empty database, in place of a file of SQLite.
   */
  static async run(work: (bench: Bench) => Promise<void>, store?: string): Promise<void> {
    const stateDirectory = await mkdtemp(join(tmpdir(), 'kmipd-bench-'));
    const bench = new Bench(stateDirectory);
    try {
      const options = ['--home', stateDirectory, ...(store === undefined ? [] : ['--store', store])];
      await execute(process.execPath, [join(here, '../src/main.ts'), 'init', ...options]);
      await work(bench);
    } finally {
      const running = bench.#children.filter(
        ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
      );
      await Promise.all(running.map(stop));
      await rm(stateDirectory, { recursive: true, force: true });
    }
  }

  /** Directory with certificate and key of the first client. */
  get identity(): string {
    return join(this.stateDirectory, 'clients/demo');
  }

  /** Starts the daemon as `npm start` does, with a compile cache that is kept between starts. */
  startDaemon(): Promise<RunningServer> {
    const args = ['serve', '--home', this.stateDirectory, '--listen', '127.0.0.1:0'];
    return this.#start('../src/main.ts', args, /ready on [^ ]*:(\d+)/);
  }

  /** Measures the same load with responses of the same length from a server that does only TLS. */
  async measureEcho(
    job: Omit<Job, 'port' | 'identity' | 'seconds'>,
    responseBytes: number,
  ): Promise<Measurement> {
    const args = [
      join(this.stateDirectory, 'server'),
      join(this.stateDirectory, 'ca/ca.pem'),
      String(responseBytes),
    ];
    const { child, port } = await this.#start('echo.ts', args, /(\d+)/);
    const measured = await this.measureLoad({ ...job, port });
    await stop(child);
    return measured;
  }

  async measureLoad(job: Omit<Job, 'identity' | 'seconds'>): Promise<Measurement> {
    const completeJob: Job = { ...job, identity: this.identity, seconds };
    const { stdout } = await execute(process.execPath, [join(here, 'load.ts'), JSON.stringify(completeJob)]);
    return JSON.parse(stdout) as Measurement;
  }

  /** Starts a process and resolves when it prints a line that matches `ready`, which captures the port. */
  async #start(file: string, args: readonly string[], ready: RegExp): Promise<RunningServer> {
    const child = spawn(process.execPath, [join(here, file), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.stateDirectory, 'compiled') },
    });
    this.#children.push(child);
    for await (const line of createInterface({ input: child.stdout })) {
      const port = ready.exec(line)?.[1];
      if (port !== undefined) {
        child.stdout.resume();
        return { child, port: Number(port) };
      }
    }
    throw new Error(`${file} ended before it was ready`);
  }
}

/** Stops a process and resolves when it has ended. */
export async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

export const heading = `${'operation'.padEnd(26)} conns    req/s  p50 µs  p99 µs  of echo`;

/** Formats one measurement, with its share of the echo's throughput. */
export function formatRow(name: string, connections: number, ours: Measurement, echo?: Measurement): string {
  const share = echo === undefined ? '' : `${Math.round((100 * ours.perSecond) / echo.perSecond)} %`;
  return [
    name.padEnd(26),
    String(connections).padStart(5),
    String(ours.perSecond).padStart(8),
    String(ours.p50).padStart(8),
    String(ours.p99).padStart(8),
    share.padStart(9),
  ].join(' ');
}

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
