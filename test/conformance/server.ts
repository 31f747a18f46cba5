import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Identity, readIdentity } from '../client.ts';

const checkout = join(import.meta.dirname, '..', '..');
const main = join(checkout, 'src', 'main.ts');
const run = promisify(execFile);

/** Milliseconds a fresh server may take until it says that it is ready. */
const startDeadline = 60_000;

/** A server of its own in a fresh home, on a port of its own. */
export class TestServer {
  readonly home: string;
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #keep: boolean;
  #output: () => string;

  private constructor(home: string, port: number, child: ChildProcess, output: () => string, keep: boolean) {
    this.home = home;
    this.port = port;
    this.#process = child;
    this.#output = output;
    this.#keep = keep;
  }

  /** Starts the daemon with the Interop operation. Rejects with its output when it ends or does not get ready. */
  static async start(options: { keep?: boolean } = {}): Promise<TestServer> {
    const home = await mkdtemp(join(tmpdir(), 'kmipd-conformance-'));
    const child = spawn(
      process.execPath,
      [main, 'serve', '--home', home, '--listen', '127.0.0.1:0', '--interop'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let text = '';
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => fail('not ready in time'), startDeadline);
      const fail = (why: string) => {
        clearTimeout(timer);
        child.kill('SIGKILL');
        reject(new Error(`the server did not start: ${why}\n${text}`));
      };
      const read = (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-100_000);
        const match = /127\.0\.0\.1:([1-9]\d*)/.exec(text);
        if (match === null) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    });
    return new TestServer(home, port, child, () => text, options.keep ?? false);
  }

  /** Last lines that the server wrote. */
  get output(): string {
    return this.#output();
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Enrols a client in a group of its own and reads its certificate and key. */
  async enrol(name: string, group: string): Promise<Identity> {
    const out = join(this.home, 'conformance', name);
    await run(process.execPath, [
      main,
      'client',
      'add',
      name,
      '--home',
      this.home,
      '--out',
      out,
      '--group',
      group,
    ]);
    return readIdentity(out);
  }

  /** Drains the server and removes its home, unless it is to be kept. */
  async stop(): Promise<void> {
    if (this.running) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
      this.#process.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    }
    if (!this.#keep) await rm(this.home, { recursive: true, force: true });
  }
}
