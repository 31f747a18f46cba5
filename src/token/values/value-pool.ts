import type { ValueKey } from '../../vault/roots/root.ts';
import { ValueTokenUnavailableError } from '../../vault/value-errors.ts';
import { VaultUnavailableError } from '../../vault/vault.ts';
import type { TokenKeyDescription } from '../messages.ts';
import type { TokenClient } from '../token-client.ts';
import {
  TokenBusyError,
  type TokenPoolHealth,
  TokenProcesses,
  type TokenProcessesOptions,
} from '../token-processes.ts';
import type { TokenUri } from '../token-uri.ts';
import { findWrappingFormat } from '../wrapping-formats.ts';

export interface ValuePoolOptions extends Omit<TokenProcessesOptions, 'mode'> {
  /** Is told why a call failed although the token may be well, in one line; must not throw. */
  readonly onFailure?: ((reason: string) => void) | undefined;
}

/**
 * Wraps and unwraps the data keys of values by a key in a token, in a few processes. Nothing is remembered
 * between calls.
 */
export class TokenValuePool implements ValueKey {
  readonly #options: ValuePoolOptions;
  readonly #processes: TokenProcesses;
  #id: string | undefined;

  constructor(token: TokenUri, options: ValuePoolOptions) {
    this.#options = options;
    this.#processes = new TokenProcesses(token, { ...options, mode: 'find' });
  }

  get id(): string | undefined {
    return this.#id;
  }

  /** See `TokenProcesses.health`. */
  get health(): TokenPoolHealth | undefined {
    return this.#processes.health;
  }

  /** See `TokenProcesses.pids`. */
  get pids(): readonly number[] {
    return this.#processes.pids;
  }

  async open(): Promise<void> {
    await this.#call((client) => client.open());
  }

  wrap(secret: Uint8Array): Promise<Uint8Array> {
    return this.#call((client) => client.wrap(secret));
  }

  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#call((client) => client.unwrap(wrapped));
  }

  async #call<T>(task: (client: TokenClient) => Promise<T>): Promise<T> {
    try {
      return await this.#processes.call(async (client) => {
        const result = await task(client);
        this.#requireKey(client.key);
        return result;
      });
    } catch (error) {
      if (!(error instanceof VaultUnavailableError) || error instanceof KeyKindError) throw error;
      if (error instanceof TokenBusyError) this.#options.onFailure?.(error.message);
      throw new ValueTokenUnavailableError(undefined, { cause: error });
    }
  }

  /**
   * Checks the key by which a process has made a call; each process finds it for itself.
   * @throws {KeyKindError} for a key of RSA.
   * @throws {VaultUnavailableError} when it is another one than before: what that wraps is under no root.
   */
  #requireKey({ id, format, algorithm }: TokenKeyDescription): void {
    if (this.#id === id) return;
    if (findWrappingFormat(format)?.key !== 'aes')
      throw new KeyKindError(
        `values = "direct" needs an AES key in the token: with ${algorithm}, whoever has the keyring could make values`,
      );
    if (this.#id !== undefined) {
      const reason = 'the token of values has another key under that name than before';
      this.#options.onFailure?.(reason);
      throw new VaultUnavailableError(reason);
    }
    this.#id = id;
  }

  /** See `TokenProcesses.retry`. */
  retry(): void {
    this.#processes.retry();
  }

  /** See `TokenProcesses.logIn`. */
  logIn(): Promise<void> {
    return this.#processes.logIn();
  }

  /** Ends the processes; calls that wait fail. */
  close(): Promise<void> {
    return this.#processes.close();
  }
}

/** The key in the token is not for values; nothing changes that but another root. */
class KeyKindError extends VaultUnavailableError {}
