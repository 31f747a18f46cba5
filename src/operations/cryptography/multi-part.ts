import { bool, bytes, maybe, since } from '../../../codec/schema.ts';
import { fail } from '../../common/errors.ts';
import type { MultiPartFields } from '../context.ts';

/** Shared by the operations whose data may come in parts (KMIP 1.3 on). */

/** Request fields that say which part it is. */
export const multiPartFields = {
  CorrelationValue: since('1.3', maybe(bytes)),
  InitIndicator: since('1.3', maybe(bool)),
  FinalIndicator: since('1.3', maybe(bool)),
};

/** Response field that all answers but the last carry. */
export const multiPartResponse = { CorrelationValue: since('1.3', maybe(bytes)) };

/** Whether the data is one part of several. A first part that is also the last is the whole. */
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

/** Output of one part; left out where there is nothing to say yet. */
export function nonEmptyData(data: Uint8Array): { Data?: Uint8Array } {
  return data.length === 0 ? {} : { Data: data };
}
