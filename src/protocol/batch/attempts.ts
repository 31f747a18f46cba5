import { ClientTables } from '../../common/client-tables.ts';
import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { CryptographyFailedError, decryptionFailed } from '../../crypto/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Attempts } from '../../operations/context.ts';
import type { RequestObserver } from '../../watch/observer.ts';

/** The failures of one client with one key. */
interface Failures {
  readonly count: number;
  /** Milliseconds since 1970 from which on they no longer count. */
  readonly until: number;
}

const windowMilliseconds = 60_000;

/**
 * Counts the failures of decryption, unwrapping and verification for each client and key, in the minute after
 * the first. A client with too many gets the answer of a failure until the minute is over, whatever it sends,
 * because a decryption oracle needs thousands of requests. A client that fails with more keys than are
 * counted is refused further keys until one of those minutes is over. The counts belong to this process;
 * another attempt at the same message counts no failure twice.
 */
export class FailedAttempts {
  readonly #failures: ClientTables<Failures>;
  /** The keys for which an item's failure has been counted. */
  readonly #counted = new WeakMap<object, Set<string>>();
  readonly #options: {
    readonly limits: Limits;
    readonly clock: () => number;
    readonly observer: Pick<RequestObserver, 'attemptsExhausted'>;
  };

  constructor(options: {
    limits: Limits;
    clock: () => number;
    observer: Pick<RequestObserver, 'attemptsExhausted'>;
  }) {
    this.#failures = new ClientTables(options.clock);
    this.#options = options;
  }

  /**
   * Returns the port for one attempt at a batch item; `item` is the same object in every attempt at the
   * message.
   */
  forItem(item: object, { client }: Principal): Attempts {
    const run = async <T>(
      key: string,
      open: () => T | Promise<T>,
      isFailure: (value: T) => boolean,
      refusal: () => Error,
    ) => {
      const counted = this.#counted.get(item) ?? new Set();
      this.#counted.set(item, counted);
      if (!counted.has(key) && this.#isExhausted(client, key)) throw refusal();
      const failed = () => {
        if (!counted.has(key)) this.#count(client, key);
        counted.add(key);
      };
      try {
        const value = await open();
        if (isFailure(value)) failed();
        return value;
      } catch (error) {
        if (isDecryptionFailure(error)) failed();
        throw error;
      }
    };
    return {
      decrypting: (key, open) => run(key, open, () => false, decryptionFailed),
      verifying: (key, verify, isValid) => run(key, verify, (value) => !isValid(value), verificationFailed),
    };
  }

  #isExhausted(client: string, key: string): boolean {
    const failures = this.#failures.get(client, key);
    if (failures === undefined) return this.#failures.isFull(client);
    return failures.count >= this.#options.limits.failedDecryptions;
  }

  #count(client: string, key: string): void {
    const { clock, limits, observer } = this.#options;
    const { count, until } = this.#failures.get(client, key) ?? {
      count: 0,
      until: clock() + windowMilliseconds,
    };
    const wasFull = this.#failures.isFull(client);
    this.#failures.set(client, key, { count: count + 1, until });
    const isLastKey = !wasFull && this.#failures.isFull(client);
    if (count + 1 === limits.failedDecryptions || isLastKey)
      observer.attemptsExhausted({ client, object: key });
  }
}

function verificationFailed(): CryptographyFailedError {
  return new CryptographyFailedError('the MAC cannot be verified now');
}

function isDecryptionFailure(error: unknown): boolean {
  return (
    error instanceof CryptographyFailedError ||
    (error instanceof KmipError &&
      (error.reason === 'CryptographicFailure' || error.reason === 'BadPassword'))
  );
}
