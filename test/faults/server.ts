import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Client, connect } from '../client.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const startDeadline = 30_000;

export interface ServerOptions {
  /** Lines for `kmipd.toml`. */
  readonly config?: string;
  /** Further words for `serve`. */
  readonly words?: readonly string[];
  /** How many files and sockets the daemon may have open. */
  readonly files?: number;
  /** File of the database, when it is not to be in the home. */
  readonly database?: string;
  /** URL of the database, when it is not SQLite. */
  readonly store?: string;
}

/** A real daemon that may be killed and started again on the same home. */
export class FaultyServer {
  readonly home: string;
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #port = 0;
  /** Everything that all its processes have written. */
  output = '';

  private constructor(home: string, options: ServerOptions) {
    this.home = home;
    this.#options = options;
  }

  /** Makes a home of its own; nothing runs yet. */
  static async prepare(options: ServerOptions = {}): Promise<FaultyServer> {
    const home = mkdtempSync(join(tmpdir(), 'kmipd-faults-'));
    const url = options.store ?? (options.database && `sqlite:${options.database}`);
    const store = url === undefined ? '' : `store = "${url}"\n`;
    writeFileSync(join(home, 'kmipd.toml'), `${store}${options.config ?? ''}`, { mode: 0o600 });
    await promisify(execFile)(process.execPath, [main, 'init', '--home', home]);
    return new FaultyServer(home, options);
  }

  /** A second daemon on the database of another one, in a home of its own with the same keys and certificates. */
  static beside(other: FaultyServer): FaultyServer {
    const home = mkdtempSync(join(tmpdir(), 'kmipd-faults-'));
    for (const part of ['kmipd.toml', 'root.key', 'ca', 'server', 'clients']) {
      cpSync(join(other.home, part), join(home, part), { recursive: true, preserveTimestamps: true });
    }
    return new FaultyServer(home, other.#options);
  }

  get port(): number {
    return this.#port;
  }

  get database(): string {
    return this.#options.database ?? join(this.home, 'kmipd.db');
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the daemon and waits for its ready line; rejects with its output when it ends before. */
  async start(): Promise<void> {
    const words = ['serve', '--home', this.home, '--listen', '127.0.0.1:0', ...(this.#options.words ?? [])];
    const command = [process.execPath, main, ...words];
    const { files } = this.#options;
    const limited =
      files === undefined ? command : ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...command];
    const [program = '', ...rest] = limited;
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let own = '';
    this.#port = await new Promise<number>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the daemon did not start: ${why}\n${own}`));
      const timer = setTimeout(() => fail('not ready in time'), startDeadline);
      const read = (chunk: Buffer) => {
        own += chunk.toString();
        this.output += chunk.toString();
        const ready = /^kmipd \S+ ready on 127\.0\.0\.1:(\d+)/m.exec(own);
        if (ready === null) return;
        clearTimeout(timer);
        resolve(Number(ready[1]));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', (error) => fail(error.message));
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${code ?? signal}`);
      });
    });
  }

  connect(timeout = 10_000): Promise<Client> {
    return connect({ port: this.#port, home: this.home, timeout });
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resident memory in bytes. */
  get resident(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Sends a signal and waits for the end; exit code, or the signal's name. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (this.running) {
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    }
    return child.exitCode ?? child.signalCode;
  }

  /** Ends the daemon and removes its home. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }
}
