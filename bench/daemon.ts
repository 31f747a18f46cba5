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

export const run = promisify(execFile);
const here = import.meta.dirname;
/** How long each row is measured. */
export const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1]) || 3;

export interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

export class Bench {
  readonly home: string;
  readonly #children: ChildProcess[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  /** A new home, and at the end nothing of it. */
  static async in(work: (bench: Bench) => Promise<void>): Promise<void> {
    const home = await mkdtemp(join(tmpdir(), 'kmipd-bench-'));
    const bench = new Bench(home);
    try {
      await run(process.execPath, [join(here, '../src/main.ts'), 'init', '--home', home]);
      await work(bench);
    } finally {
      const running = bench.#children.filter(
        ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
      );
      await Promise.all(running.map(stop));
      await rm(home, { recursive: true, force: true });
    }
  }

  /** The first client's certificate and key. */
  get identity(): string {
    return join(this.home, 'clients/demo');
  }

  /** As `npm start` starts it, with compiled modules kept between starts. */
  kmipd(): Promise<Started> {
    const words = ['serve', '--home', this.home, '--listen', '127.0.0.1:0'];
    return this.#start('../src/main.ts', words, /ready on [^ ]*:(\d+)/);
  }

  /** The same load on an answer of the same length from a server that does nothing but TLS. */
  async echo(job: Omit<Job, 'port' | 'identity' | 'seconds'>, responseBytes: number): Promise<Measurement> {
    const words = [join(this.home, 'server'), join(this.home, 'ca/ca.pem'), String(responseBytes)];
    const { child, port } = await this.#start('echo.ts', words, /(\d+)/);
    const measured = await this.load({ ...job, port });
    await stop(child);
    return measured;
  }

  async load(job: Omit<Job, 'identity' | 'seconds'>): Promise<Measurement> {
    const whole: Job = { ...job, identity: this.identity, seconds };
    const { stdout } = await run(process.execPath, [join(here, 'load.ts'), JSON.stringify(whole)]);
    return JSON.parse(stdout) as Measurement;
  }

  /** A process, once its first line that `ready` recognises has told the port. */
  async #start(file: string, words: readonly string[], ready: RegExp): Promise<Started> {
    const child = spawn(process.execPath, [join(here, file), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.home, 'compiled') },
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

export async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

export const heading = `${'operation'.padEnd(26)} conns    req/s  p50 µs  p99 µs  of echo`;

export function row(name: string, connections: number, ours: Measurement, echo?: Measurement): string {
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

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
