import type { Data as Latest } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import type { OperationName } from '../../operations/context.ts';
import type { Reference } from './identifiers.ts';

/**
 * Operations whose output is Data: the field of the answer, and what the latest one is called in a reference.
 */
const outputs: Partial<Record<OperationName, { readonly field: string; readonly name: Latest }>> = {
  Decrypt: { field: 'Data', name: 'Decrypt' },
  Encrypt: { field: 'Data', name: 'Encrypt' },
  Hash: { field: 'Data', name: 'Hash' },
  MAC: { field: 'MACData', name: 'MACMACData' },
  RNGRetrieve: { field: 'Data', name: 'RNGRetrieve' },
  Sign: { field: 'SignatureData', name: 'SignSignatureData' },
  SignatureVerify: { field: 'Data', name: 'SignatureVerify' },
};

type Answer = Readonly<Record<string, unknown>>;

/**
 * The Data that the answers of one batch have put out so far, which later items may work on (KMIP 2.1 §7.8,
 * §11.13).
 */
export class BatchOutputs {
  readonly #issued: Uint8Array[] = [];
  readonly #latest = new Map<Latest, Uint8Array>();

  /** Notes the output of one successful answer, whether the client gets to see it or not. */
  record(operation: OperationName, answer: Answer): void {
    const output = outputs[operation];
    const data = output === undefined ? undefined : answer[output.field];
    if (output === undefined || !(data instanceof Uint8Array)) return;
    this.#issued.push(data);
    this.#latest.set(output.name, data);
  }

  referred(reference: Reference<Latest>): Uint8Array {
    const data = 'nth' in reference ? this.#issued.at(reference.nth) : this.#latest.get(reference.latest);
    return data ?? fail('InvalidField', 'the reference points at no Data of an earlier answer of the batch');
  }
}

/** The answer to an Ephemeral item: its output is for later items of the batch alone (KMIP 2.1 §9.7). */
export function withholdOutput(operation: OperationName, answer: Answer): Answer {
  const field = outputs[operation]?.field;
  return field === undefined ? answer : { ...answer, [field]: undefined };
}
