import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError, reasonFor } from '../../../src/common/errors.ts';
import { buildObject, type ObjectSpecification } from '../../../src/object/creation.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import type { SealedKey } from '../../../src/vault/vault.ts';
import { SealBrokenError, type SealContext, type Vault } from '../../../src/vault/vault.ts';

/** Present time of these tests in POSIX seconds. */
export const now = 1_700_000_000;

/** Value of an AES key. */
export function symmetricKey(bytes = 32): ManagedObjectValue {
  return {
    type: 'SymmetricKey',
    value: {
      KeyBlock: {
        KeyFormatType: 'Raw',
        KeyValue: { KeyMaterial: new Uint8Array(bytes).fill(7), Attributes: [] },
        CryptographicAlgorithm: 'AES',
        CryptographicLength: bytes * 8,
      },
    },
  };
}

/** An AES key as Create builds it. */
export function aesKey(
  attributes: readonly Attribute[] = [],
  rest: Partial<ObjectSpecification> = {},
): ManagedObject {
  return buildObject({
    operation: 'Create',
    type: 'SymmetricKey',
    group: 'storage',
    id: 'k1',
    value: symmetricKey(),
    attributes,
    now,
    ...rest,
  });
}

/** A registered object of any type without a value. */
export function registered(type: ObjectTypeName, attributes: readonly Attribute[] = []): ManagedObject {
  return buildObject({ operation: 'Register', type, group: 'storage', id: 'r1', attributes, now });
}

/** A Name attribute. */
export function name(NameValue: string): Attribute {
  return { name: 'Name', value: { NameValue, NameType: 'UninterpretedTextString' } };
}

/** A custom attribute `x-KEY`. */
export function custom(key: string, value: string | number): Attribute {
  const typed =
    typeof value === 'string'
      ? ({ type: 'TextString', value } as const)
      : ({ type: 'Integer', value } as const);
  return { vendor: 'x', name: key, value: typed };
}

/** Result Reason for a client of that version; undefined when the action is allowed. */
export function refusal(act: () => unknown, version: Version = '2.1'): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof KmipError) return reasonFor(error, version);
    throw error;
  }
}

/** Result Reasons for clients of 1.4, 2.0 and 2.1. */
export function refusals(act: () => unknown): (string | undefined)[] {
  return [refusal(act, '1.4'), refusal(act, '2.0'), refusal(act, '2.1')];
}

/**
 * A vault that seals with a plain prefix, so that tests notice a value of another object or a value that was
 * not sealed again.
 */
export class PlainVault implements Vault {
  readonly unsealed = true;
  readonly #isCurrent: boolean;
  seals = 0;
  opens = 0;

  constructor(isCurrent = true) {
    this.#isCurrent = isCurrent;
  }

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    this.seals++;
    const prefix = new TextEncoder().encode(JSON.stringify(context));
    const sealed = new Uint8Array(prefix.length + plain.length);
    sealed.set(prefix);
    sealed.set(plain, prefix.length);
    return sealed as SealedKey;
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    this.opens++;
    const prefix = new TextEncoder().encode(JSON.stringify(context));
    if (!prefix.every((byte, at) => sealed[at] === byte))
      throw new SealBrokenError('sealed for another object');
    return sealed.slice(prefix.length);
  }

  isCurrent(): boolean {
    return this.#isCurrent;
  }

  async close(): Promise<void> {}
}
