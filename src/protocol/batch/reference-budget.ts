import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';

/** The work that the references of one item cause, beyond the item as it was sent. */
export interface ReferencedWork {
  /** Objects that references to several stand for; repetitions of the operation count by their product. */
  readonly objects: number;
  /** Bytes of the payloads of all repetitions, beyond the payload that was sent. */
  readonly bytes: number;
}

/**
 * Bounds the work of one message that its length does not show. A reference has 16 bytes and may stand for
 * thousands of objects or for megabytes of Data, in each of a thousand items: without a bound for all of them
 * together, the work grows with the square of the request.
 */
export class ReferenceBudget {
  readonly #limits: Pick<Limits, 'batchItems' | 'referenceBytes'>;
  #objects = 0;
  #bytes = 0;

  constructor(limits: Pick<Limits, 'batchItems' | 'referenceBytes'>) {
    this.#limits = limits;
  }

  /** @throws {KmipError} ServerLimitExceeded when so much work is more than the message has left. */
  require({ objects, bytes }: ReferencedWork): void {
    const { batchItems, referenceBytes } = this.#limits;
    if (this.#objects + objects > batchItems)
      fail('ServerLimitExceeded', `the references of a batch stand for ${batchItems} objects at the most`);
    if (this.#bytes + bytes > referenceBytes)
      fail('ServerLimitExceeded', `the references of a batch add ${referenceBytes} bytes at the most`);
  }

  /**
   * Takes the work of one item, before any of it is done. It stays taken when the item fails later.
   * @throws {KmipError} as `require`; nothing is taken then.
   */
  take(work: ReferencedWork): void {
    this.require(work);
    this.#objects += work.objects;
    this.#bytes += work.bytes;
  }
}
