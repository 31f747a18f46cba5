import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { issueClient } from '../../certs/issue.ts';
import { privateKeyToPem } from '../../certs/keys.ts';
import { readAuthority, readTrustedAuthorities } from '../../src/cli/state-directory/authority.ts';
import { requireInitialised, stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { openStore } from '../../src/store/open.ts';
import type { Identity } from '../client.ts';
import { Daemon } from '../daemon.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const run = promisify(execFile);

/** A server of its own in a fresh home, on a port of its own. */
export class TestServer {
  readonly home: string;
  readonly port: number;
  readonly httpsPort: number;
  /** The TLS identity of each client, by name. */
  readonly identities: ReadonlyMap<string, Identity>;
  readonly #daemon: Daemon;
  readonly #keep: boolean;

  private constructor(daemon: Daemon, identities: ReadonlyMap<string, Identity>, keep: boolean) {
    this.home = daemon.home;
    this.port = daemon.port;
    this.httpsPort = daemon.httpsPort;
    this.identities = identities;
    this.#daemon = daemon;
    this.#keep = keep;
  }

  /**
   * Starts the daemon with the Interop operation, its clients enrolled before. Rejects with its output when
   * it ends or does not get ready.
   */
  static async start(options: { clients: readonly string[]; keep?: boolean }): Promise<TestServer> {
    const home = await mkdtemp(join(tmpdir(), 'kmipd-conformance-'));
    const keep = options.keep ?? false;
    try {
      const identities = await enrol(home, options.clients);
      return new TestServer(
        await Daemon.start({ home, words: ['--interop', '--https', '127.0.0.1:0'] }),
        identities,
        keep,
      );
    } catch (error) {
      if (!keep) await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  /** Last lines that the server wrote. */
  get output(): string {
    return this.#daemon.output;
  }

  get running(): boolean {
    return this.#daemon.running;
  }

  /** Drains the server and removes its home, unless it is to be kept. */
  async stop(): Promise<void> {
    await this.#daemon.stop();
    if (!this.#keep) await rm(this.home, { recursive: true, force: true });
  }
}

/**
 * Initialises a home and enrols clients, each in a group of its own. In this process and at once: `kmipd
 * client add` does the same one by one, at half a second each.
 */
async function enrol(directory: string, names: readonly string[]): Promise<Map<string, Identity>> {
  await run(process.execPath, [main, 'init', '--home', directory]);
  const home = stateDirectoryAt(directory);
  const config = requireInitialised(home);
  const authority = readAuthority(home);
  const ca = readTrustedAuthorities(home, config).join('');
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
