import type { Data as Latest } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import type { OperationName } from '../../operations/context.ts';
import type { Reference } from './identifiers.ts';

/**
 * Operations whose output is Data: the field of the answer, and the name of the latest one in a reference.
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

/** The Data in the answers of one batch so far, which later items may refer to (KMIP 2.1 §7.8, §11.13). */
export class BatchOutputs {
  readonly #maxWithheldBytes: number;
  readonly #all: Uint8Array[] = [];
  readonly #latest = new Map<Latest, Uint8Array>();
  #withheldBytes = 0;

  /**
   * `maxWithheldBytes` bounds the Data that no response carries; the rest is bounded by the response's size.
   */
  constructor(maxWithheldBytes: number) {
    this.#maxWithheldBytes = maxWithheldBytes;
  }

  /** Records the output of one successful answer, also where it is withheld from the client. */
  record(operation: OperationName, answer: Answer): void {
    const output = outputs[operation];
    const data = outputOf(operation, answer);
    if (output === undefined || data === undefined) return;
    this.#all.push(data);
    this.#latest.set(output.name, data);
  }

  /**
   * Returns the Data that a reference stands for.
   * @throws {KmipError} InvalidField when there is none.
   */
  resolveReference(reference: Reference<Latest>): Uint8Array {
    const data = 'nth' in reference ? this.#all.at(reference.nth) : this.#latest.get(reference.latest);
    return data ?? fail('InvalidField', 'the reference points at no Data of an earlier answer of the batch');
  }

  /**
   * Returns the answer to an Ephemeral item without its output, which is for later items only (KMIP 2.1
   * §9.7). The output counts from then on, whether or not the item succeeds.
   * @throws {KmipError} ServerLimitExceeded when the batch withholds too many bytes.
   */
  withhold(operation: OperationName, answer: Answer): Answer {
    const field = outputs[operation]?.field;
    if (field === undefined) return answer;
    this.#withheldBytes += outputOf(operation, answer)?.length ?? 0;
    if (this.#withheldBytes > this.#maxWithheldBytes)
      fail(
        'ServerLimitExceeded',
        `a batch keeps ${this.#maxWithheldBytes} bytes of Ephemeral Data at the most`,
      );
    return { ...answer, [field]: undefined };
  }
}

function outputOf(operation: OperationName, answer: Answer): Uint8Array | undefined {
  const output = outputs[operation];
  const data = output === undefined ? undefined : answer[output.field];
  return data instanceof Uint8Array ? data : undefined;
}
