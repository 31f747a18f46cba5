import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { TokenClient, type TokenClientOptions } from '../../../src/token/token-client.ts';
import type { TokenHealth } from '../../../src/token/token-supervisor.ts';
import { parseTokenUri, type TokenUri } from '../../../src/token/token-uri.ts';

/** A token of SoftHSM2 in a directory of its own, behind a library that fails as a test wants. */

const libraries = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];
const found = libraries.find((file) => existsSync(file));
/** SoftHSM2 itself, without faults. */
export const softhsm = found ?? '';
const pkcs11 = findPkcs11();

/** The reason why these tests cannot run; false when they can. */
export const missing: string | false = findMissing();

function findPkcs11(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('pkcs11js/package.json'));
  } catch {
    return undefined;
  }
}

function findMissing(): string | false {
  if (found === undefined) return 'SoftHSM2 is not installed';
  if (pkcs11 === undefined) return 'pkcs11js is not installed';
  if (!existsSync(join(pkcs11, 'build/Release/pkcs11.node')))
    return 'pkcs11js is not compiled; run npm run build:pkcs11';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'gcc is not installed';
  }
}

export const pin = '24681357';

export class SoftToken {
  readonly directory = mkdtempSync(join(tmpdir(), 'kmipd-token-'));
  readonly environment: NodeJS.ProcessEnv;
  readonly faultyModule: string;

  constructor(t: Test) {
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }));
    this.faultyModule = this.path('faulty.so');
    const source = join(import.meta.dirname, 'faulty-library.c');
    execFileSync('gcc', [
      ...['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', `-DSOFTHSM_LIBRARY="${softhsm}"`],
      ...['-I', join(pkcs11 ?? '', 'includes/pkcs11'), source, '-o', this.faultyModule, '-ldl'],
    ]);
    mkdirSync(this.path('tokens'));
    const configuration = this.path('softhsm2.conf');
    writeFileSync(
      configuration,
      `directories.tokendir = ${this.path('tokens')}\nobjectstore.backend = file\n`,
    );
    this.environment = { SOFTHSM2_CONF: configuration, KMIPD_TEST_FAULTS: this.path('faults') };
    this.writePin(pin);
    this.addToken('kmipd');
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  addToken(label: string): void {
    this.run(
      'softhsm2-util',
      '--init-token',
      '--free',
      '--label',
      label,
      '--pin',
      pin,
      '--so-pin',
      '12345678',
    );
  }

  /** Runs a program that uses the token without the faults. */
  run(program: string, ...args: readonly string[]): string {
    const env = { ...process.env, ...this.environment };
    return execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** Arguments of pkcs11-tool for this token, without the faults. */
  get pkcs11Arguments(): readonly string[] {
    return ['--module', softhsm, '--token-label', 'kmipd', '--login', '--pin', pin];
  }

  writePin(text: string): void {
    writeFileSync(this.path('pin'), `${text}\n`, { mode: 0o600 });
  }

  /** Takes the token away: the library finds none. */
  remove(): void {
    renameSync(this.path('tokens'), this.path('away'));
  }

  /** Puts it back. */
  putBack(): void {
    renameSync(this.path('away'), this.path('tokens'));
  }

  /** The text of a URI of this token; `path` follows the token's label. */
  uriText(path = ';object=root', query = ''): string {
    return `pkcs11:token=kmipd${path}?module-path=${this.faultyModule}&pin-source=file:${this.path('pin')}&kmipd-environment=SOFTHSM2_CONF,KMIPD_TEST_FAULTS${query}`;
  }

  uri(path?: string): TokenUri {
    return parseTokenUri(this.uriText(path), '/');
  }

  /** Sets the faults in place of those before. */
  setFaults(...lines: readonly string[]): void {
    writeFileSync(this.path('faults'), lines.map((line) => `${line}\n`).join(''));
  }

  /** The return values of all logins at the token. */
  get logins(): readonly string[] {
    const log = this.path('faults.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  /** Starts a client that makes a missing key; its back-off is short. */
  client(t: Test, options: TokenClientOptions = {}, uri = this.uri()): ObservedClient {
    const client = new ObservedClient(uri, {
      mode: 'create',
      environment: this.environment,
      backOff: { baseMilliseconds: 1, maxMilliseconds: 20, failuresToOpen: 3 },
      pingMilliseconds: 0,
      ...options,
    });
    t.teardown(() => client.close());
    return client;
  }
}

/** A client whose changes of health can be waited for. */
export class ObservedClient extends TokenClient {
  readonly seen: TokenHealth[];
  readonly #waiting: (() => void)[];

  constructor(uri: TokenUri, options: TokenClientOptions) {
    const seen: TokenHealth[] = [];
    const waiting: (() => void)[] = [];
    super(uri, {
      ...options,
      onHealth(health) {
        seen.push(health);
        for (const look of waiting.splice(0)) look();
      },
    });
    this.seen = seen;
    this.#waiting = waiting;
  }

  /** Resolves to the first health after the number `from` that is in the state. */
  async waitFor(state: TokenHealth['state'], from = 0): Promise<TokenHealth> {
    // The client itself keeps no process alive while it waits for its next start.
    const alive = setInterval(() => {}, 1_000);
    for (;;) {
      const found = this.seen.slice(from).find((health) => health.state === state);
      if (found !== undefined) {
        clearInterval(alive);
        return found;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** The secret of a keyring has about this length. */
export function makeSecret(length = 59): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 0xff);
}
