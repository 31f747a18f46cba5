import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { type Client, connect } from '../../client.ts';
import { type Answer, ask, create, get } from '../../faults/messages.ts';
import { KmipdProcess } from '../../fixture/kmipd.ts';
import type { SoftToken } from './soft-token.ts';

export interface CommandResult {
  readonly code: number | string | null;
  readonly output: string;
}

/** A home whose root is in a token, its daemon and commands. */
export class TokenHome {
  readonly directory: string;
  readonly #token: SoftToken;
  readonly #environment: NodeJS.ProcessEnv;
  #daemon: KmipdProcess | undefined;
  #port = 0;

  constructor(
    t: Pick<Test, 'teardown'>,
    token: SoftToken,
    environment: NodeJS.ProcessEnv = {},
    name = 'home',
  ) {
    this.directory = token.path(name);
    this.#token = token;
    this.#environment = { ...process.env, ...token.environment, ...environment };
    t.teardown(() => this.end('SIGKILL'));
  }

  /** Initialises the home; `root` is the URI. */
  async initialise(root = this.#token.uriText(), ...args: readonly string[]): Promise<CommandResult> {
    return this.kmipd('init', '--root', root, '--metrics', '127.0.0.1:0', ...args);
  }

  /** Becomes another node of the database of a home, with its configuration and certificates. */
  joinDatabaseOf({ directory }: TokenHome): void {
    mkdirSync(this.directory, { mode: 0o700 });
    for (const part of ['kmipd.toml', 'ca', 'server', 'clients'])
      cpSync(join(directory, part), join(this.directory, part), {
        recursive: true,
        preserveTimestamps: true,
      });
  }

  /** Sets a key of the table [vault] in the configuration. */
  configure(key: string, value: string): void {
    const file = join(this.directory, 'kmipd.toml');
    const line = new RegExp(`^#?${key} = .*$`, 'm');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(line, () => `${key} = ${value}`),
    );
  }

  async kmipd(...args: readonly string[]): Promise<CommandResult> {
    const all = [...args, '--home', this.directory];
    const command = new KmipdProcess(all, { cwd: this.#token.directory, env: this.#environment });
    return { code: await command.exited(), output: command.combinedOutput };
  }

  /** Starts the daemon; the caller waits for what it prints. */
  serve(): KmipdProcess {
    this.#daemon = new KmipdProcess(['serve', '--home', this.directory, '--listen', '127.0.0.1:0'], {
      ...{ cwd: this.#token.directory, env: this.#environment },
    });
    return this.#daemon;
  }

  /** Starts the daemon and resolves once it is ready. */
  async start(): Promise<KmipdProcess> {
    const daemon = this.serve();
    this.#port = (await daemon.ready()).port;
    return daemon;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    return this.#daemon === undefined ? null : this.#daemon.end(signal);
  }

  /** Makes the daemon read its configuration; resolves to what it logs about that. */
  async reload(): Promise<string> {
    return this.#daemon === undefined ? '' : this.#daemon.reload();
  }

  connect(port = this.#port): Promise<Client> {
    return connect({ port, home: this.directory });
  }

  /** Fetches a path of the metrics listener. */
  async fetch(path: string): Promise<string> {
    const [, address] = /metrics on ([\d.:]+)/.exec(this.#daemon?.output ?? '') ?? [];
    return (await fetch(`http://${address}${path}`)).text();
  }

  /** Resolves to the value of `kmipd_token_up`; undefined where there is none. */
  async tokenUp(): Promise<string | undefined> {
    return /^kmipd_token_up (\d)$/m.exec(await this.fetch('/metrics'))?.[1];
  }

  /** The files that note a login which was refused, or whose outcome is not known. */
  get loginNotes(): readonly string[] {
    return readdirSync(this.directory)
      .filter((name) => name.startsWith('token-login-') && !name.endsWith('.lock'))
      .map((name) => join(this.directory, name));
  }

  /** Process ids of the processes of tokens that the daemon has. */
  get tokenProcesses(): readonly number[] {
    return findTokenProcesses(this.#daemon?.pid);
  }
}

/** Process ids of the processes of tokens that a process has. */
export function findTokenProcesses(parent: number | undefined): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isTokenProcess(name, parent))
    .map(Number);
}

function isTokenProcess(pid: string, parent: number | undefined): boolean {
  try {
    const isChild = readFileSync(`/proc/${pid}/status`, 'latin1').includes(`\nPPid:\t${parent}\n`);
    return isChild && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/token/process/main');
  } catch {
    // It has ended.
    return false;
  }
}

/** Items of one request. */
const batch = 100;

/** Makes keys, and resolves to their identifiers. */
export async function makeKeys(client: Client, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const items = Array.from({ length: Math.min(batch, count - ids.length) }, (_, at) =>
      create(`key ${ids.length + at}`),
    );
    for (const { id = '' } of await ask(client, items)) ids.push(id);
  }
  return ids;
}

/** Fetches keys, and resolves to what the answers say. */
export async function readKeys(client: Client, ids: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  for (let at = 0; at < ids.length; at += batch)
    for (const answer of await ask(client, ids.slice(at, at + batch).map(get)))
      answers.push(describe(answer));
  return answers;
}

const describe = ({ ok, payload }: Answer): string => (ok ? JSON.stringify(payload) : 'refused');

/** Requests of one client, one after the other, until they are stopped. */
export class Load {
  readonly failures: string[] = [];
  answers = 0;
  readonly #client: Client;
  readonly #pauseMilliseconds: number;
  #isStopped = false;
  readonly #done: Promise<void>;

  /** `pauseMilliseconds`: between two messages. */
  constructor(client: Client, ids: readonly string[], pauseMilliseconds = 0) {
    this.#client = client;
    this.#pauseMilliseconds = pauseMilliseconds;
    this.#done = this.#run(ids);
  }

  async #run(ids: readonly string[]): Promise<void> {
    for (let at = 0; !this.#isStopped; at += 1) {
      try {
        const [made, read] = await ask(this.#client, [create(`load ${at}`), get(ids[at % ids.length])]);
        if (made?.ok !== true || read?.ok !== true) this.failures.push(JSON.stringify([made, read]));
      } catch (error) {
        this.failures.push((error as Error).message);
        return;
      }
      this.answers += 1;
      if (this.#pauseMilliseconds > 0) await sleep(this.#pauseMilliseconds);
    }
  }

  /** Resolves to the failures once the last request is answered. */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#done;
    await this.#client.close();
    return this.failures;
  }
}
