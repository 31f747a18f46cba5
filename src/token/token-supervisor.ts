import { BackOff, type BackOffOptions } from '../common/back-off.ts';
import { VaultUnavailableError } from '../vault/vault.ts';
import { type TokenDescription, TokenFailure, type TokenKeyDescription } from './messages.ts';
import type { TokenProcess } from './token-process.ts';
import {
  findToken,
  logIn,
  noteRefusal,
  openTokenKey,
  spawnTokenProcess,
  type TokenSettings,
} from './token-start.ts';

export interface TokenHealth {
  /** `refused`: no login is tried until an operator asks. */
  readonly state: 'up' | 'down' | 'refused';
  /** One line for the operator; empty when the token is up. */
  readonly reason: string;
  /** POSIX milliseconds of the change of the state. */
  readonly since: number;
}

/**
 * Keeps one process of the token running: starts it, logs in, opens the key, and does so again when it has
 * ended, after a back-off. After a refused login it waits for an operator instead.
 */
export class TokenSupervisor {
  readonly #settings: TokenSettings;
  readonly #backOff: BackOff;
  readonly #onHealth: (health: TokenHealth) => void;
  #health: TokenHealth = { state: 'down', reason: 'it was not started', since: Date.now() };
  /** The process that starts or runs. */
  #process: TokenProcess | undefined;
  #isReady = false;
  #key: TokenKeyDescription | undefined;
  #token: TokenDescription | undefined;
  #refusal: string | undefined;
  /** Whether an operator has asked that the next attempt logs in although the last login was refused. */
  #mayLockPin = false;
  #isClosed = false;
  #supervision: Promise<void> | undefined;
  /** Settles with the attempt to start that runs or comes next. */
  #attempt = newAttempt();
  /** Ends the pause between two attempts; undefined while there is none. */
  #wake: PromiseWithResolvers<void> | undefined;

  constructor(settings: TokenSettings, backOff: BackOffOptions, onHealth: (health: TokenHealth) => void) {
    this.#settings = settings;
    this.#backOff = new BackOff(backOff);
    this.#onHealth = onHealth;
  }

  get health(): TokenHealth {
    return this.#health;
  }

  /** The key that was opened last; undefined before the first time. */
  get key(): TokenKeyDescription | undefined {
    return this.#key;
  }

  /** The token as it was found last; undefined before the first time. */
  get token(): TokenDescription | undefined {
    return this.#token;
  }

  /** The process while it is ready; undefined otherwise. */
  get process(): TokenProcess | undefined {
    return this.#isReady && this.#process?.hasEnded === false ? this.#process : undefined;
  }

  /**
   * Resolves once the token is up: takes part in the attempt that runs, else makes the next one now.
   * @throws {VaultUnavailableError} when that attempt fails; further ones follow, except after a refused
   * login. Without an attempt, while the journal knows that the login was refused, and once it was closed.
   */
  async start(): Promise<void> {
    if (this.#isClosed) throw this.unavailable('it was closed');
    if (this.process !== undefined) return;
    if (this.#isStillRefused()) throw this.unavailable(this.#health.reason);
    await this.#attemptNow();
  }

  /**
   * Makes one attempt that logs in although the last login was refused, and even when a failure would lock
   * the PIN. An attempt that runs ends before; when that succeeds, there is no other.
   * @throws {VaultUnavailableError} when the attempt fails. An earlier refusal holds then, also if the
   * attempt has not come as far as the login.
   */
  async retryLogin(): Promise<void> {
    while (this.#isAttempting) await this.#attempt.promise.catch(() => {});
    if (this.#isClosed) throw this.unavailable('it was closed');
    if (this.process !== undefined) return;
    this.#mayLockPin = true;
    try {
      await this.#attemptNow();
    } finally {
      this.#mayLockPin = false;
    }
  }

  /** Whether an attempt runs, or the process has just ended and its reason is not known yet. */
  get #isAttempting(): boolean {
    const isPaused = this.#supervision === undefined || this.#wake !== undefined;
    return !this.#isClosed && !isPaused && this.process === undefined;
  }

  async #attemptNow(): Promise<void> {
    this.#wake?.resolve();
    this.#supervise();
    await this.#attempt.promise;
  }

  /**
   * Resolves to a process that is ready; waits for the next attempts to start one.
   * @throws {VaultUnavailableError} at once while the circuit is open or the login is refused.
   */
  async ready(): Promise<TokenProcess> {
    this.#supervise();
    for (;;) {
      if (this.#isClosed) throw this.unavailable('it was closed');
      if (this.process !== undefined) return this.process;
      if (this.#refusal !== undefined || this.#backOff.isOpen) throw this.unavailable(this.#health.reason);
      await this.#attempt.promise.catch(() => {});
    }
  }

  /** A call has succeeded: the failures before it count no more. */
  succeed(): void {
    this.#backOff.succeed();
  }

  /**
   * Logs in once more in a process whose session the token has lost.
   * @throws {TokenFailure} or {ProcessEndedError} when that fails; the process has ended then.
   */
  async logInAgain(process: TokenProcess): Promise<void> {
    try {
      await logIn(process, this.#settings, false);
      await openTokenKey(process, this.#settings);
    } catch (error) {
      this.endProcess(process, error);
      throw error;
    }
  }

  /** Ends a process because of an error. A refusal that was no answer to a login is noted as one. */
  endProcess(process: TokenProcess, error: unknown): void {
    const { message } = error as Error;
    process.kill(message);
    if (!(error instanceof TokenFailure) || error.kind !== 'refused') return;
    this.#refusal = message;
    noteRefusal(this.#settings.journal, message);
  }

  #supervise(): void {
    this.#supervision ??= this.#keepRunning();
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isClosed) {
      this.#refusal = undefined;
      const mayLockPin = this.#mayLockPin;
      this.#mayLockPin = false;
      const reason = await this.#runProcess(mayLockPin);
      if (this.#isClosed) break;
      const isRefused = this.#refusal !== undefined;
      const milliseconds = isRefused ? undefined : this.#backOff.fail();
      this.#setHealth(isRefused ? 'refused' : 'down', isRefused ? this.#explainRefusal(reason) : reason);
      this.#settle((attempt) => attempt.reject(this.unavailable(this.#health.reason)));
      await this.#pause(milliseconds);
    }
    this.#settle((attempt) => attempt.reject(this.unavailable('it was closed')));
  }

  /** Starts a process and resolves to the reason of its end, once it has ended. */
  async #runProcess(mayLockPin: boolean): Promise<string> {
    try {
      const process = spawnTokenProcess(this.#settings);
      this.#process = process;
      try {
        await this.#open(process, mayLockPin);
      } catch (error) {
        this.endProcess(process, error);
        return (error as Error).message;
      }
      this.#isReady = true;
      this.#setHealth('up', '');
      this.#settle((attempt) => attempt.resolve());
      return await process.ended;
    } catch (error) {
      return (error as Error).message;
    } finally {
      this.#isReady = false;
    }
  }

  async #open(process: TokenProcess, mayLockPin: boolean): Promise<void> {
    this.#token = await findToken(process, this.#settings);
    await logIn(process, this.#settings, mayLockPin);
    const key = await openTokenKey(process, this.#settings);
    if (this.#key !== undefined && key?.id !== this.#key.id)
      throw new TokenFailure('token', 'the token has another key under that name than before');
    this.#key = key;
  }

  #isStillRefused(): boolean {
    try {
      return this.#health.state === 'refused' && this.#settings.journal.read().state === 'refused';
    } catch {
      // The attempt tells what is wrong with the journal.
      return false;
    }
  }

  #explainRefusal(reason: string): string {
    const { journal, uri, loginCommand } = this.#settings;
    const request =
      (loginCommand && `run ${loginCommand}`) ??
      (journal.file === undefined ? 'restart kmipd' : `remove ${journal.file}`);
    const how =
      uri.pinSource?.kind === 'file'
        ? `write the right PIN to ${uri.pinSource.path}, or ${request}`
        : `correct the credential and ${request}`;
    return `${reason}; no login is tried again until you ask for it: ${how}`;
  }

  /** Waits so long, or without a time until somebody asks for an attempt. */
  async #pause(milliseconds: number | undefined): Promise<void> {
    const wake = Promise.withResolvers<void>();
    this.#wake = wake;
    const timer = milliseconds === undefined ? undefined : setTimeout(wake.resolve, milliseconds);
    // Nothing keeps a process alive that only waits for its token.
    timer?.unref();
    await wake.promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  #setHealth(state: TokenHealth['state'], reason: string): void {
    if (state === this.#health.state && reason === this.#health.reason) return;
    const since = state === this.#health.state ? this.#health.since : Date.now();
    this.#health = { state, reason, since };
    this.#onHealth(this.#health);
  }

  #settle(how: (attempt: PromiseWithResolvers<void>) => void): void {
    const attempt = this.#attempt;
    this.#attempt = newAttempt();
    how(attempt);
  }

  /** Returns an error that names the token; `reason` is one line. */
  unavailable(reason: string): VaultUnavailableError {
    const { token, serial, slotId } = this.#settings.uri;
    const name = token ?? serial ?? (slotId === undefined ? 'of the URI' : `in slot ${slotId}`);
    return new VaultUnavailableError(`the token ${name} cannot be used: ${reason}`);
  }

  /** Ends the process after its session, and starts no other. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.resolve();
    if (this.#isReady) await this.#process?.close();
    else this.#process?.kill('it was closed');
    await this.#supervision;
  }
}

function newAttempt(): PromiseWithResolvers<void> {
  const attempt = Promise.withResolvers<void>();
  // Nobody may wait for it.
  attempt.promise.catch(() => {});
  return attempt;
}
