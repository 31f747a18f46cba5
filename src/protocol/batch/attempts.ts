import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { CryptographyFailedError, decryptionFailed } from '../../crypto/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Attempts } from '../../operations/context.ts';
import type { RequestObserver } from '../../watch/observer.ts';

/** The failures of one client with one key. */
interface Failures {
  count: number;
  /** Milliseconds since 1970 from which on they no longer count. */
  readonly until: number;
}

const windowMilliseconds = 60_000;
/** Pairs of client and key that are remembered; beyond that the oldest are dropped. */
const maxRemembered = 10_000;

/**
 * Counts the failures of decryption, unwrapping and verification for each client and key, in the minute after
 * the first. A client with too many gets the answer of a failure until the minute is over, whatever it sends,
 * because a decryption oracle needs thousands of requests. The counts belong to this process; another attempt
 * at the same message counts no failure twice.
 */
export class FailedAttempts {
  /** In the order of their first failure. */
  readonly #failures = new Map<string, Failures>();
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
    this.#options = options;
  }

  /**
   * Returns the port for one attempt at a batch item; `item` is the same object in every attempt at the
   * message.
   */
  forItem(item: object, { group, client }: Principal): Attempts {
    const run = async <T>(
      key: string,
      open: () => T | Promise<T>,
      isFailure: (value: T) => boolean,
      refusal: () => Error,
    ) => {
      const name = JSON.stringify([group, client, key]);
      const counted = this.#counted.get(item) ?? new Set();
      this.#counted.set(item, counted);
      if (!counted.has(name) && this.#exhausted(name)) throw refusal();
      const failed = () => {
        if (!counted.has(name)) this.#count(name, client, key);
        counted.add(name);
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

  #exhausted(name: string): boolean {
    this.#dropExpired();
    return (this.#failures.get(name)?.count ?? 0) >= this.#options.limits.failedDecryptions;
  }

  #count(name: string, client: string, key: string): void {
    const { clock, limits, observer } = this.#options;
    let failures = this.#failures.get(name);
    if (failures === undefined) {
      failures = { count: 0, until: clock() + windowMilliseconds };
      this.#failures.set(name, failures);
      if (this.#failures.size > maxRemembered) this.#dropOldest();
    }
    failures.count += 1;
    if (failures.count === limits.failedDecryptions) observer.attemptsExhausted({ client, object: key });
  }

  #dropExpired(): void {
    const now = this.#options.clock();
    for (const { until } of this.#failures.values()) {
      if (until > now) return;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    for (const name of this.#failures.keys()) {
      this.#failures.delete(name);
      return;
    }
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
