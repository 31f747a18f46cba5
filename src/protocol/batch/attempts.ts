import { ClientTables } from '../../common/client-tables.ts';
import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { CryptographyFailedError, decryptionFailed } from '../../crypto/errors.ts';
import { accountOf, countedClient, type Principal } from '../../identity/principal.ts';
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
 * All clients together that show tickets of one client may fail so many times as often with one key as one
 * client may. Each also has its own count, so it takes several of them to use these up.
 */
export const ticketShare = 4;

/**
 * Counts the failures of decryption, unwrapping and verification for each client and key, in the minute after
 * the first. A client with too many gets the answer of a failure until the minute is over, whatever it sends,
 * because a decryption oracle needs thousands of requests. A client that fails with more keys than are
 * counted is refused further keys until one of those minutes is over. The counts belong to this process;
 * another attempt at the same message counts no failure twice.
 *
 * Counted is the client of the certificate, so that the holder of a ticket does not exhaust the client that
 * issued it. Tickets of one client have a second count together, apart from that client's own, so that they
 * do not multiply the guesses at a key by the number of their holders.
 */
export class FailedAttempts {
  /** By the client of the certificate. */
  readonly #failures: ClientTables<Failures>;
  /**
   * Of tickets that others show, by the client that issued them. It needs no bound of its own: each entry has
   * one in the table of a holder, and that table is bounded.
   */
  readonly #ofTickets: ClientTables<Failures>;
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
    this.#ofTickets = new ClientTables(options.clock);
    this.#options = options;
  }

  /**
   * Returns the port for one attempt at a batch item; `item` is the same object in every attempt at the
   * message.
   */
  forItem(item: object, sender: Principal): Attempts {
    const run = async <T>(
      key: string,
      open: () => T | Promise<T>,
      isFailure: (value: T) => boolean,
      refusal: () => Error,
    ) => {
      const counted = this.#counted.get(item) ?? new Set();
      this.#counted.set(item, counted);
      if (!counted.has(key) && this.#isExhausted(sender, key)) throw refusal();
      const failed = () => {
        if (!counted.has(key)) this.#count(sender, key);
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

  #isExhausted(sender: Principal, key: string): boolean {
    const { bearer } = sender;
    const { failedDecryptions } = this.#options.limits;
    if (bearer !== undefined) {
      const ofTickets = this.#ofTickets.get(ownerAccount(sender), key)?.count ?? 0;
      if (ofTickets >= failedDecryptions * ticketShare) return true;
    }
    const counted = accountOf(sender);
    const failures = this.#failures.get(counted, key);
    if (failures === undefined) return this.#failures.isFull(counted);
    return failures.count >= failedDecryptions;
  }

  #count(sender: Principal, key: string): void {
    const { limits, observer } = this.#options;
    const counted = accountOf(sender);
    const wasFull = this.#failures.isFull(counted);
    const count = this.#add(this.#failures, counted, key);
    const ofTickets = sender.bearer === undefined ? 0 : this.#add(this.#ofTickets, ownerAccount(sender), key);
    const isLastKey = !wasFull && this.#failures.isFull(counted);
    const isLast = count === limits.failedDecryptions || ofTickets === limits.failedDecryptions * ticketShare;
    if (isLast || isLastKey) observer.attemptsExhausted({ client: countedClient(sender), object: key });
  }

  /** Counts a failure in that table; returns the count. */
  #add(table: ClientTables<Failures>, account: string, key: string): number {
    const until = this.#options.clock() + windowMilliseconds;
    const { count, until: end } = table.get(account, key) ?? { count: 0, until };
    table.set(account, key, { count: count + 1, until: end });
    return count + 1;
  }
}

/** Returns the account of the client that issued the sender's ticket. */
function ownerAccount({ client, enrolledAt }: Principal): string {
  return accountOf({ client, ...(enrolledAt !== undefined && { enrolledAt }) });
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
