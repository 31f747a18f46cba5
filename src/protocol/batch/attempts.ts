import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { CryptographyFailedError, decryptionFailed } from '../../crypto/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Attempts } from '../../operations/context.ts';
import type { RequestObserver } from '../../watch/observer.ts';

/** What one client has failed at with one key. */
interface Failures {
  count: number;
  /** Milliseconds since 1970 from which on they are forgotten. */
  readonly until: number;
}

const windowMilliseconds = 60_000;
/** Pairs of client and key that are remembered; beyond that the oldest are forgotten. */
const maxRemembered = 10_000;

/**
 * Failures of decryption, unwrapping and verification in the minute after the first, for each client and key.
 * Whoever has too many is refused until the minute is over, with the answer of a failure, whatever it sends:
 * an oracle takes thousands of questions. Kept in this process; a message that is played again does not count
 * twice.
 */
export class FailedAttempts {
  /** The oldest first. */
  readonly #failures = new Map<string, Failures>();
  /** Keys at which an item has failed before. */
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

  /** The port for one play of a batch item; `item` is the same object in every play of the message. */
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
      verifying: (key, verify, isValid) => run(key, verify, (value) => !isValid(value), unverifiable),
    };
  }

  #exhausted(name: string): boolean {
    this.#sweep();
    return (this.#failures.get(name)?.count ?? 0) >= this.#options.limits.failedDecryptions;
  }

  #count(name: string, client: string, key: string): void {
    const { clock, limits, observer } = this.#options;
    let failures = this.#failures.get(name);
    if (failures === undefined) {
      failures = { count: 0, until: clock() + windowMilliseconds };
      this.#failures.set(name, failures);
      if (this.#failures.size > maxRemembered) this.#forgetOldest();
    }
    failures.count += 1;
    if (failures.count === limits.failedDecryptions) observer.attemptsExhausted({ client, object: key });
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const { until } of this.#failures.values()) {
      if (until > now) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    for (const name of this.#failures.keys()) {
      this.#failures.delete(name);
      return;
    }
  }
}

function unverifiable(): CryptographyFailedError {
  return new CryptographyFailedError('the MAC cannot be verified now');
}

function isDecryptionFailure(error: unknown): boolean {
  return (
    error instanceof CryptographyFailedError ||
    (error instanceof KmipError &&
      (error.reason === 'CryptographicFailure' || error.reason === 'BadPassword'))
  );
}
