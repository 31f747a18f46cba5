import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../common/durable-file.ts';
import { readTextFile } from '../common/regular-file.ts';
import { VaultUnavailableError } from '../vault/vault.ts';
import type { TokenUri } from './token-uri.ts';

/**
 * Returns the path of the file with the PIN; undefined when the URI has none.
 * @throws {VaultUnavailableError} for a credential where systemd has given none to this process.
 */
export function findPinFile(
  { pinSource }: Pick<TokenUri, 'pinSource'>,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (pinSource?.kind !== 'credential') return pinSource?.path;
  const directory = environment['CREDENTIALS_DIRECTORY'];
  if (directory === undefined || directory === '')
    throw new VaultUnavailableError(
      `the PIN is the credential ${pinSource.name}, and systemd gives this process no credentials; set LoadCredentialEncrypted= in its unit, or use pin-source=file:FILE`,
    );
  return join(directory, pinSource.name);
}

/** What is known about the last login. */
export type LastLogin =
  | { readonly state: 'successful' }
  /** It began, and no answer came: it may have failed. */
  | { readonly state: 'unknown' /** Another process that lives has begun it. */; readonly isAtWork: boolean }
  | { readonly state: 'refused'; readonly reason: string };

interface Entry {
  readonly uri: string;
  readonly time: string;
  /** Of the process that has written it. */
  readonly pid: number;
  readonly state: 'unknown' | 'refused';
  readonly reason: string;
  /** Inode, size and time of the PIN file; empty where these say nothing. */
  readonly pin: string;
}

/**
 * Remembers a login that the token has refused, or that ended without an answer, so that a wrong PIN costs
 * one attempt and not all of them: in a file, because a service manager restarts the daemon. The file has the
 * URI, the time and the reason, nothing secret and nothing by which a PIN can be guessed.
 *
 * A refusal holds until an operator asks for a login. These ask: `forget`; another URI; and a PIN file with
 * another inode, size or modification time. A systemd credential is a new file at every start of the service,
 * so that rule does not count there. Who removes the file asks, too.
 */
export class LoginJournal {
  readonly file: string | undefined;
  readonly #uri: TokenUri;
  readonly #pinFile: string | undefined;
  #entry: Entry | undefined;

  constructor(file: string | undefined, uri: TokenUri, pinFile: string | undefined) {
    this.file = file;
    this.#uri = uri;
    this.#pinFile = uri.pinSource?.kind === 'file' ? pinFile : undefined;
  }

  /** Returns what is known about the last login with this URI and this PIN. */
  read(): LastLogin {
    const entry = this.file === undefined ? this.#entry : readEntry(this.file);
    if (entry === undefined || entry.uri !== this.#uri.text) return { state: 'successful' };
    if (entry.state === 'unknown') return { state: 'unknown', isAtWork: isOtherProcess(entry.pid) };
    if (entry.pin !== this.#identifyPin()) return { state: 'successful' };
    return { state: 'refused', reason: `${entry.reason} (${entry.time})` };
  }

  /**
   * Notes a login before it is tried.
   * @throws the system's error when the file cannot be written: then no login may be tried.
   */
  begin(): void {
    this.#write('unknown', 'the daemon ended during a login');
  }

  refuse(reason: string): void {
    this.#write('refused', reason);
  }

  /** Forgets the last login: it succeeded, or an operator asks for another. */
  forget(): void {
    this.#entry = undefined;
    if (this.file !== undefined) rmSync(this.file, { force: true });
  }

  #write(state: Entry['state'], reason: string): void {
    const time = new Date().toISOString();
    const { pid } = process;
    const entry: Entry = { uri: this.#uri.text, time, pid, state, reason, pin: this.#identifyPin() };
    this.#entry = entry;
    if (this.file === undefined) return;
    writeFileAtomically(this.file, `${JSON.stringify(entry)}\n`, 0o600);
    giveToOwner(this.file, dirname(this.file));
  }

  #identifyPin(): string {
    if (this.#pinFile === undefined) return '';
    const stats = statSync(this.#pinFile, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? '' : `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
  }
}

/** Whether another process of that number lives. */
function isOtherProcess(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A file that is there and cannot be read forbids a login as well. */
function readEntry(file: string): Entry | undefined {
  try {
    const entry: Entry | null = JSON.parse(readTextFile(file, 'refusedLogin'));
    if (typeof entry?.uri === 'string' && typeof entry.reason === 'string') return entry;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`${file}: this is no note of kmipd about a login; remove it to allow a login`);
}
