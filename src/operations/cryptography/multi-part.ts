import { bool, bytes, maybe, since } from '../../../codec/schema.ts';
import { fail } from '../../common/errors.ts';
import type { MultiPartFields } from '../context.ts';

/** Functions shared by the operations whose data may come in parts (from KMIP 1.3 on). */

/** Request fields that say which part of the data the request carries. */
export const multiPartFields = {
  CorrelationValue: since('1.3', maybe(bytes)),
  InitIndicator: since('1.3', maybe(bool)),
  FinalIndicator: since('1.3', maybe(bool)),
};

/** Response field of all answers except the last. */
export const multiPartResponse = { CorrelationValue: since('1.3', maybe(bytes)) };

/**
 * Whether the request carries one part of several; a first part that is also the last is the whole.
 * @throws {KmipError} InvalidField when Correlation Value and indicators contradict each other
 */
export function isPart({
  CorrelationValue,
  InitIndicator = false,
  FinalIndicator = false,
}: MultiPartFields): boolean {
  if (CorrelationValue === undefined) {
    if (FinalIndicator && !InitIndicator) fail('InvalidField', 'a last part needs its Correlation Value');
    return InitIndicator && !FinalIndicator;
  }
  if (InitIndicator) fail('InvalidField', 'a first part has no Correlation Value: the server makes it');
  return true;
}

/** The output of one part as response field, left out when empty. */
export function nonEmptyData(data: Uint8Array): { Data?: Uint8Array } {
  return data.length === 0 ? {} : { Data: data };
}
