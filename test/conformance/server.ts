import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Identity } from '../client.ts';
import { Daemon, enrolClients } from '../fixture/daemon.ts';
import { initialiseStateDirectory } from '../fixture/kmipd.ts';

/** The role of the clients: some cases set constraints and defaults. */
const role = 'conformance = ["full", "GroupPolicy"]\n';

/** A server of its own in a fresh state directory, on free ports. */
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
   * Enrols the clients and starts the daemon with the Interop operation. Rejects with its output when
   * it ends
   * or does not get ready.
   */
  static async start(options: { clients: readonly string[]; keep?: boolean }): Promise<TestServer> {
    const home = await mkdtemp(join(tmpdir(), 'kmipd-conformance-'));
    const keep = options.keep ?? false;
    try {
      await initialiseStateDirectory(home);
      const config = join(home, 'kmipd.toml');
      const roles = '[roles]\n';
      await writeFile(config, (await readFile(config, 'utf8')).replace(roles, roles + role));
      const identities = await enrolClients(home, options.clients, 'conformance');
      const daemon = await Daemon.start({ home, args: ['--interop', '--https', '127.0.0.1:0'] });
      return new TestServer(daemon, identities, keep);
    } catch (error) {
      if (!keep) await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  /** The output of the server. */
  get output(): string {
    return this.#daemon.output;
  }

  get running(): boolean {
    return this.#daemon.isRunning;
  }

  /** Drains the server and removes its state directory, unless it is to be kept. */
  async stop(): Promise<void> {
    await this.#daemon.stop();
    if (!this.#keep) await rm(this.home, { recursive: true, force: true });
  }
}
