import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../common/durable-file.ts';
import { openExclusively } from '../common/exclusive-file.ts';
import { readTextFile } from '../common/regular-file.ts';
import { VaultUnavailableError } from '../vault/vault.ts';
import { describeLogin, type TokenUri } from './token-uri.ts';

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
  /** Nothing that forbids another one. */
  | { readonly state: 'clear' }
  /** It began, and no answer came: it may have failed. */
  | { readonly state: 'unknown' }
  | { readonly state: 'refused'; readonly reason: string };

/** The right to try a login; the kernel ends it with the process. */
export interface LoginClaim {
  release(): void;
}

interface Entry {
  /** See `describeLogin`. */
  readonly login: string;
  readonly time: string;
  readonly state: 'unknown' | 'refused';
  readonly reason: string;
  /** Inode, size and time of the PIN file when the login began; empty where these say nothing. */
  readonly pin: string;
}

/**
 * Remembers a login that the token has refused, or that ended without an answer, so that a wrong PIN costs
 * one attempt and not all of them: in a file, because a service manager restarts the daemon. The file has the
 * token, the name of the PIN file, the time and the reason: nothing secret, and nothing by which a PIN can be
 * guessed.
 *
 * A refusal holds until an operator asks for a login. These ask: a login that he allows (`mayLockPin`);
 * another token or PIN file; and a PIN file with another inode, size or modification time. A systemd
 * credential is a new file at every start of the service, so that rule does not count there. Who removes the
 * file asks, too.
 */
export class LoginJournal {
  readonly file: string | undefined;
  readonly #login: string;
  readonly #pinFile: string | undefined;
  #entry: Entry | undefined;
  /** What was known before the attempt that began last. */
  #before: Entry | undefined;
  /** The PIN file of that attempt: what it is later says nothing about the PIN that was tried. */
  #attemptedPin: string | undefined;

  constructor(file: string | undefined, uri: TokenUri, pinFile: string | undefined) {
    this.file = file;
    this.#login = describeLogin(uri);
    this.#pinFile = uri.pinSource?.kind === 'file' ? pinFile : undefined;
  }

  /**
   * Claims the next login: until the claim ends, no other journal of the file gets one. Undefined while
   * somebody else has it. Without a file, nobody else is known.
   *
   * @throws {UnusableFileError} or the system's error when nothing can be claimed: then no login may be
   * tried.
   */
  claim(): LoginClaim | undefined {
    if (this.file === undefined) return { release() {} };
    const lockFile = `${this.file}.lock`;
    const lock = openExclusively(lockFile, 0);
    if (lock === undefined) return undefined;
    giveToOwner(lockFile, dirname(lockFile));
    return { release: () => lock.close() };
  }

  /** Returns what is known about the last login at this token with this PIN. */
  read(): LastLogin {
    const entry = this.#readEntry();
    if (entry === undefined || entry.login !== this.#login) return { state: 'clear' };
    if (entry.state === 'unknown') return { state: 'unknown' };
    if (entry.pin !== this.#identifyPin()) return { state: 'clear' };
    return { state: 'refused', reason: `${entry.reason} (${entry.time})` };
  }

  /**
   * Notes a login before it is tried.
   * @throws the system's error when the file cannot be written: then no login may be tried.
   */
  begin(): void {
    this.#before = this.#readEntry();
    this.#attemptedPin = this.#identifyPin();
    this.#note('unknown', 'the daemon ended during a login');
  }

  /** Notes that the login was not counted: what was known before it holds again. */
  cancel(): void {
    if (this.#before === undefined) this.forget();
    else this.#write(this.#before);
  }

  refuse(reason: string): void {
    this.#note('refused', reason);
  }

  /** Forgets the last login: it succeeded. */
  forget(): void {
    this.#entry = undefined;
    if (this.file !== undefined) rmSync(this.file, { force: true });
  }

  #readEntry(): Entry | undefined {
    return this.file === undefined ? this.#entry : readEntry(this.file);
  }

  #note(state: Entry['state'], reason: string): void {
    const pin = this.#attemptedPin ?? this.#identifyPin();
    this.#write({ login: this.#login, time: new Date().toISOString(), state, reason, pin });
  }

  #write(entry: Entry): void {
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

/** A file that is there and cannot be read forbids a login as well. */
function readEntry(file: string): Entry | undefined {
  try {
    const entry: Entry | null = JSON.parse(readTextFile(file, 'refusedLogin'));
    if (typeof entry?.login === 'string' && typeof entry.reason === 'string') return entry;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`${file}: this is no note of kmipd about a login; remove it to allow a login`);
}
