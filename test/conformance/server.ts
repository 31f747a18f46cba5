import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { issueClient } from '../../certs/issue.ts';
import { privateKeyToPem } from '../../certs/keys.ts';
import { authoritiesOf, authorityOf } from '../../src/cli/authority.ts';
import { homeAt, readyHome } from '../../src/cli/home.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { openStore } from '../../src/store/open.ts';
import type { Identity } from '../client.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const run = promisify(execFile);

/** Milliseconds a fresh server may take until it says that it is ready. */
const startDeadline = 20_000;

/** A server of its own in a fresh home, on a port of its own. */
export class TestServer {
  readonly home: string;
  readonly port: number;
  /** What each client connects with, by name. */
  readonly identities: ReadonlyMap<string, Identity>;
  readonly #process: ChildProcess;
  readonly #keep: boolean;
  #output: () => string;

  private constructor(
    home: string,
    port: number,
    identities: ReadonlyMap<string, Identity>,
    child: ChildProcess,
    output: () => string,
    keep: boolean,
  ) {
    this.home = home;
    this.port = port;
    this.identities = identities;
    this.#process = child;
    this.#output = output;
    this.#keep = keep;
  }

  /**
   * Starts the daemon with the Interop operation, its clients enrolled before. Rejects with its output when it ends or
   * does not get ready.
   */
  static async start(options: { clients: readonly string[]; keep?: boolean }): Promise<TestServer> {
    const home = await mkdtemp(join(tmpdir(), 'kmipd-conformance-'));
    const forget = () => (options.keep ? undefined : rm(home, { recursive: true, force: true }));
    const identities = await enrol(home, options.clients).catch(async (error) => {
      await forget();
      throw error;
    });
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
        void forget();
        reject(new Error(`the server did not start: ${why}\n${text}`));
      };
      const read = (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-100_000);
        const match = /ready on 127\.0\.0\.1:(\d+)\s/.exec(text);
        if (match === null) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    });
    return new TestServer(home, port, identities, child, () => text, options.keep ?? false);
  }

  /** Last lines that the server wrote. */
  get output(): string {
    return this.#output();
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
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

/**
 * Initialises a home and enrols clients, each in a group of its own. In this process and at once: `kmipd client add`
 * does the same one by one, at half a second each.
 */
async function enrol(directory: string, names: readonly string[]): Promise<Map<string, Identity>> {
  await run(process.execPath, [main, 'init', '--home', directory]);
  const home = homeAt(directory);
  const config = readyHome(home);
  const authority = authorityOf(home);
  const ca = authoritiesOf(home, config).join('');
  const identities = new Map<string, Identity>();
  const { clients, close } = await openStore(config.store);
  try {
    for (const name of names) {
      const { certificate: cert, key } = await issueClient(authority, name, 'ec');
      const certificate = new X509Certificate(cert);
      await clients.add({
        name,
        group: name,
        role: 'full',
        fingerprint: fingerprintOf(certificate),
        disabled: false,
        enrolledAt: Math.floor(Date.now() / 1000),
        certificate: certificate.toString(),
      });
      identities.set(name, { ca, cert, key: privateKeyToPem(key) });
    }
  } finally {
    await close();
  }
  return identities;
}
