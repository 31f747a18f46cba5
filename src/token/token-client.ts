import { randomFillSync } from 'node:crypto';
import type { BackOffOptions } from '../common/back-off.ts';
import { copySecret } from '../common/secret.ts';
import { decodeResidentBytes } from './answers.ts';
import type { VerbName } from './frames.ts';
import { findPinFile, LoginJournal } from './login-journal.ts';
import {
  decodeSecret,
  encodeUnwrap,
  maxSecretBytes,
  maxWrappedBytes,
  TokenFailure,
  type TokenKeyDescription,
  type TokenMode,
} from './messages.ts';
import { PendingCall } from './pending-call.ts';
import { ProcessEndedError, type TokenProcess } from './token-process.ts';
import { type TokenHealth, TokenSupervisor } from './token-supervisor.ts';
import type { TokenUri } from './token-uri.ts';

export interface TokenClientOptions {
  /** Remembers a refused login across restarts of the daemon. */
  readonly refusedLoginFile?: string;
  /** What an operator runs to ask for a login after a refused one; default: he removes that file. */
  readonly loginCommand?: string;
  /** What is done when the key is missing; default `find`: nothing. `create` is for the set-up alone. */
  readonly mode?: TokenMode;
  /** How long a call may take, the wait for a new process and for other calls included; default 10,000. */
  readonly callMilliseconds?: number;
  /** How long each step of a start may take; default 30,000. */
  readonly startMilliseconds?: number;
  /** How many calls may wait; default 64. */
  readonly maxWaitingCalls?: number;
  /** Between the pings of an idle token; default 30,000, 0: none. */
  readonly pingMilliseconds?: number;
  /** A process that grows beyond this is replaced; default 512 MiB. */
  readonly maxResidentBytes?: number;
  /** Default: 250 ms to 30 s, the circuit opens after 3 failures. */
  readonly backOff?: BackOffOptions;
  /** Called at each change of state or reason; it must not throw. */
  readonly onHealth?: (health: TokenHealth) => void;
  /** Default `process.env`; the library gets those variables alone that the URI names. */
  readonly environment?: NodeJS.ProcessEnv;
}

const mebibyte = 1_048_576;

const defaults = {
  mode: 'find',
  callMilliseconds: 10_000,
  startMilliseconds: 30_000,
  maxWaitingCalls: 64,
  pingMilliseconds: 30_000,
  maxResidentBytes: 512 * mebibyte,
  backOff: { baseMilliseconds: 250, maxMilliseconds: 30_000, failuresToOpen: 3 },
  onHealth: () => {},
} as const satisfies TokenClientOptions;

/**
 * Wraps and unwraps secrets of at most 128 bytes by one key in a token. Calls are made one after the other in
 * the process of the token; the event loop never waits for it. A call that a crash or a lost session
 * interrupts is made once more, because each of them may be repeated.
 */
export class TokenClient {
  readonly #options: Required<Omit<TokenClientOptions, 'refusedLoginFile' | 'loginCommand' | 'environment'>>;
  readonly #supervisor: TokenSupervisor;
  readonly #calls: PendingCall[] = [];
  readonly #pings: NodeJS.Timeout | undefined;
  #isCalling = false;

  /** @throws {VaultUnavailableError} when the PIN is a credential and systemd gives none. */
  constructor(uri: TokenUri, options: TokenClientOptions = {}) {
    this.#options = { ...defaults, ...options };
    const { mode, startMilliseconds, pingMilliseconds, backOff, onHealth } = this.#options;
    const environment = options.environment ?? process.env;
    const pinFile = findPinFile(uri, environment);
    const journal = new LoginJournal(options.refusedLoginFile, uri, pinFile);
    const { loginCommand } = options;
    this.#supervisor = new TokenSupervisor(
      {
        ...{ uri, environment, pinFile, journal, mode, startMilliseconds, showsLibraryOutput: false },
        ...(loginCommand !== undefined && { loginCommand }),
      },
      backOff,
      onHealth,
    );
    if (pingMilliseconds > 0)
      this.#pings = setInterval(() => void this.#pingIdle(), pingMilliseconds).unref();
  }

  /** Serial number of the token; undefined before it was found once. */
  get serial(): string | undefined {
    return this.#supervisor.token?.serial;
  }

  get health(): TokenHealth {
    return this.#supervisor.health;
  }

  /** Process id of the process in use; undefined while there is none. */
  get pid(): number | undefined {
    return this.#supervisor.process?.pid;
  }

  /** By which a wrapped secret names its root: 16 lowercase hexadecimal digits, equal for the same key. */
  get id(): string {
    return this.key.id;
  }

  /** @throws {VaultUnavailableError} before `open` has resolved once. */
  get key(): TokenKeyDescription {
    const { key, health } = this.#supervisor;
    if (key === undefined) throw this.#supervisor.unavailable(health.reason);
    return key;
  }

  /**
   * Starts the process and opens the key; makes the next attempt now when one is waited for. When it fails,
   * attempts go on, and `onHealth` hears of success, except after a refused login.
   *
   * @throws {VaultUnavailableError} when this attempt fails.
   */
  open(): Promise<void> {
    return this.#supervisor.start();
  }

  /**
   * Tries one login although the last one was refused, even when a failure would lock the PIN: the operator
   * asks for it.
   * @throws {VaultUnavailableError} when it fails.
   */
  retryLogin(): Promise<void> {
    return this.#supervisor.retryLogin();
  }

  /**
   * Resolves to the secret as the token has wrapped it, at most 1,024 bytes. The caller may overwrite the
   * secret at once.
   * @throws {VaultUnavailableError} when the token cannot be used now.
   */
  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    if (secret.length === 0 || secret.length > maxSecretBytes)
      throw new RangeError(`a token wraps 1 to ${maxSecretBytes} bytes`);
    return this.ask('wrap', copySecret(secret), (answer) => {
      if (answer.length < 2 || answer.length > maxWrappedBytes) throw new RangeError('no wrapped secret');
      return new Uint8Array(answer);
    });
  }

  /**
   * Resolves to the secret, which the caller owns; undefined when it was wrapped by another key or altered.
   * @throws {VaultUnavailableError} when the token cannot be used now.
   */
  async unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    if (wrapped.length === 0 || wrapped.length > maxWrappedBytes) return undefined;
    const mask = randomFillSync(new Uint8Array(maxSecretBytes));
    try {
      return await this.ask('unwrap', encodeUnwrap(mask, wrapped), (answer) => decodeSecret(answer, mask));
    } finally {
      mask.fill(0);
    }
  }

  /** Asks whether token and session are there; a process that has grown too large is replaced. */
  async ping(): Promise<void> {
    const residentBytes = await this.ask('ping', new Uint8Array(), decodeResidentBytes);
    if (residentBytes > this.#options.maxResidentBytes)
      this.#supervisor.process?.kill(
        `its process had ${Math.ceil(residentBytes / mebibyte)} MiB of memory and was replaced`,
      );
  }

  async #pingIdle(): Promise<void> {
    if (this.#isCalling || this.#supervisor.process === undefined) return;
    // The health tells what is wrong.
    await this.ping().catch(() => {});
  }

  /**
   * Makes a call and decodes its answer, which is overwritten, as the body is. A process whose answer cannot
   * be decoded is replaced. `milliseconds`: another time for the call than that of the options.
   * @throws {VaultUnavailableError} when the token cannot be used now.
   */
  async ask<T>(
    verb: VerbName,
    body: Uint8Array,
    decode: (answer: Uint8Array) => T,
    milliseconds = this.#options.callMilliseconds,
  ): Promise<T> {
    const answer = await this.#call(verb, body, milliseconds);
    try {
      return decode(answer);
    } catch {
      const reason = `its process gave an impossible answer to ${verb}`;
      this.#supervisor.process?.kill(reason);
      throw this.#supervisor.unavailable(reason);
    } finally {
      answer.fill(0);
    }
  }

  #call(verb: VerbName, body: Uint8Array, milliseconds: number): Promise<Uint8Array> {
    const { maxWaitingCalls } = this.#options;
    if (this.#calls.length >= maxWaitingCalls) {
      body.fill(0);
      throw this.#supervisor.unavailable(`${maxWaitingCalls} calls wait for it already`);
    }
    const call = new PendingCall(verb, body, milliseconds, () =>
      this.#supervisor.unavailable(`no answer came within ${milliseconds / 1_000} s`),
    );
    this.#calls.push(call);
    void this.#makeCalls();
    return call.answer;
  }

  async #makeCalls(): Promise<void> {
    if (this.#isCalling) return;
    this.#isCalling = true;
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift())
      if (!call.isSettled) await this.#make(call);
    this.#isCalling = false;
  }

  /** Makes a call, and once more when its process or its session was lost. Settles it in any case. */
  async #make(call: PendingCall): Promise<void> {
    try {
      const answer = await this.#try(call);
      this.#supervisor.succeed();
      call.resolve(answer);
    } catch (error) {
      const isOwn = error instanceof TokenFailure || error instanceof ProcessEndedError;
      call.reject(isOwn ? this.#supervisor.unavailable(error.message) : (error as Error));
    }
  }

  async #try(call: PendingCall): Promise<Uint8Array> {
    const first = await this.#supervisor.ready();
    try {
      return await this.#request(first, call);
    } catch (error) {
      if (call.isSettled || (error instanceof TokenFailure && ['refused', 'request'].includes(error.kind)))
        throw error;
      if (error instanceof TokenFailure && error.kind === 'session')
        await this.#supervisor.logInAgain(first).catch(() => {});
    }
    const second = await this.#supervisor.ready();
    try {
      return await this.#request(second, call);
    } catch (error) {
      if (error instanceof TokenFailure && error.kind === 'session')
        this.#supervisor.endProcess(second, error);
      throw error;
    }
  }

  /** A failure of the token ends its process, because a fresh library is what helps most often. */
  async #request(process: TokenProcess, call: PendingCall): Promise<Uint8Array> {
    // Its time may have passed while it waited for the process, and its body is overwritten then.
    if (call.isSettled) throw new ProcessEndedError('nobody waits for the answer');
    try {
      return await process.request(call.verb, call.body, call.milliseconds);
    } catch (error) {
      if (error instanceof TokenFailure && ['refused', 'token'].includes(error.kind))
        this.#supervisor.endProcess(process, error);
      throw error;
    }
  }

  /** Ends the process; calls that wait fail. */
  async close(): Promise<void> {
    clearInterval(this.#pings);
    for (const call of this.#calls.splice(0)) call.reject(this.#supervisor.unavailable('it was closed'));
    await this.#supervisor.close();
  }
}
