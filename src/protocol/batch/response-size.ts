import type { RequestItem, RequestMessage } from '../../../codec/envelope.ts';
import { KmipError } from '../../common/errors.ts';

/** TTLV bytes of a response around its items: message, header, version, time stamp, count. */
const headBytes = 8 + 8 + 40 + 16 + 16;
/** TTLV bytes of a successful item around its payload: item, operation, status. */
const itemBytes = 8 + 16 + 16;
/** TTLV bytes that a failed item usually has beyond those: reason and message. */
export const failureBytes = 64;

/** Returns the TTLV bytes that a response of `responseBytes` has for all of its items. */
export function availableBytes({ header }: RequestMessage, responseBytes: number): number {
  const correlation = header.ClientCorrelationValue;
  return responseBytes - headBytes - (correlation === undefined ? 0 : 16 + correlation.length * 3);
}

/** Returns the TTLV bytes of `count` answers to an item, whose payloads have `payloadBytes` together. */
export function answerBytes(
  { uniqueBatchItemID: id }: Pick<RequestItem, 'uniqueBatchItemID'>,
  payloadBytes: number,
  count = 1,
): number {
  return payloadBytes + count * (itemBytes + (id === undefined ? 0 : 16 + id.length));
}

/** The refusal of an item whose answer does not fit into the response. */
export function responseTooLarge(): KmipError {
  return new KmipError('ResponseTooLarge', 'the answer is larger than Maximum Response Size');
}

/**
 * Bounds the answers that one batch encodes, whether or not they are sent. An answer that is too large is
 * discarded and leaves the response its space, so that without this bound each of a thousand items could
 * cost as much as the largest response.
 */
export class EncodedAnswers {
  readonly #maxBytes: number;
  #bytes = 0;

  /** `maxBytes`: bytes of the largest response that the server sends. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Counts the bytes of an answer. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /** @throws {KmipError} ResponseTooLarge when the answers of earlier items have too many bytes. */
  requireSpace(): void {
    if (this.#bytes > this.#maxBytes) throw responseTooLarge();
  }
}
