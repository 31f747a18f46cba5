import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError, reasonFor } from '../../../src/common/errors.ts';
import { buildObject, type ObjectSpecification } from '../../../src/object/creation.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Vault } from '../../../src/vault/vault.ts';

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

/** The object as another message loads it from its row; `before`: the object as its row was. */
export function reload(
  object: ManagedObject,
  vault: Vault,
  before: ManagedObject | undefined = undefined,
): ManagedObject {
  return ManagedObject.fromStored(object.toStored(vault, { uniqueNames: false }, before), vault);
}
