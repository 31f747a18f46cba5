import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';

/** What the waiting streams of one client use. */
interface Account {
  /** Numbers of its streams; no two have the same. */
  readonly slots: Set<number>;
  /** Bytes that they keep until their last parts. */
  bytes: number;
}

/** The use of one stream, to be released when it ends. */
export interface StreamUse {
  /** `accountOf` its client. */
  readonly account: string;
  /** Lowest number that no other stream of the client had at its start. */
  readonly slot: number;
  bytes: number;
}

/**
 * Counts streams and the bytes that they keep, for each client and for all together: `limits.parts…`. A
 * client reaches its own bounds well before those of all.
 */
export class StreamAccounts {
  readonly #limits: Limits;
  readonly #accounts = new Map<string, Account>();
  #streams = 0;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Counts a new stream of the account (`accountOf`).
   * @throws {KmipError} ServerLimitExceeded when too many are open
   */
  open(id: string): StreamUse {
    const { parts, partsPerClient } = this.#limits;
    const account = this.#accounts.get(id) ?? { slots: new Set(), bytes: 0 };
    if (this.#streams >= parts || account.slots.size >= partsPerClient) {
      fail(
        'ServerLimitExceeded',
        'too much data is waiting for its next part: finish some first',
        'GeneralFailure',
      );
    }
    let slot = 0;
    while (account.slots.has(slot)) slot += 1;
    account.slots.add(slot);
    this.#accounts.set(id, account);
    this.#streams += 1;
    return { account: id, slot, bytes: 0 };
  }

  /**
   * Counts bytes that a stream is about to keep.
   * @throws {KmipError} ServerLimitExceeded when the stream, the client or all keep too many
   */
  keep(use: StreamUse, bytes: number): void {
    const { partsBytes, partsBytesPerClient, partsTotalBytes } = this.#limits;
    const account = this.#accounts.get(use.account) as Account;
    if (
      use.bytes + bytes > partsBytes ||
      account.bytes + bytes > partsBytesPerClient ||
      this.#bytes + bytes > partsTotalBytes
    ) {
      fail(
        'ServerLimitExceeded',
        'so much data that is answered at its end must come in one piece',
        'GeneralFailure',
      );
    }
    use.bytes += bytes;
    account.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Releases what a stream has used; to be called once for each. */
  close({ account: id, slot, bytes }: StreamUse): void {
    const account = this.#accounts.get(id) as Account;
    account.slots.delete(slot);
    account.bytes -= bytes;
    if (account.slots.size === 0) this.#accounts.delete(id);
    this.#streams -= 1;
    this.#bytes -= bytes;
  }
}
