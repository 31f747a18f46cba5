import type { RequestMessage } from '../../../codec/envelope.ts';
import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';

/**
 * Checks the header and the number of items of a request (KMIP 1.4 §7.2, 2.1 §8.1).
 * @throws {KmipError} when the message is refused as a whole.
 */
export function checkHeader({ header, items }: RequestMessage, limits: Limits): void {
  if (header.BatchCount !== items.length) {
    fail('InvalidMessage', `Batch Count is ${header.BatchCount}, but there are ${items.length} Batch Items`);
  }
  if (items.length === 0) fail('InvalidMessage', 'there is no Batch Item');
  if (items.length > limits.batchItems) fail('InvalidMessage', `more than ${limits.batchItems} Batch Items`);
  if (header.MaximumResponseSize !== undefined && header.MaximumResponseSize < 0) {
    fail('InvalidField', 'Maximum Response Size is negative');
  }
  for (const item of items) {
    const criticalExtension = item.messageExtensions.find((extension) => extension.CriticalityIndicator);
    if (criticalExtension !== undefined)
      fail('UnknownMessageExtension', 'a critical Message Extension is not understood');
  }
}
