import type { Attribute } from '../../codec/attribute.ts';
import type { AttributeValue } from '../../codec/attribute-table.ts';
import { ProtectionStorageMask } from '../../codec/masks.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import { type CreatingOperation, checkInitial } from './attribute-rules.ts';

/**
 * The attribute Protection Storage Mask (KMIP 2.1 §4.47), which says how an object is protected: it is always
 * what the server knows, whatever a client states.
 */

/** The new object that an attribute is stated for. */
export interface StorageSubject {
  readonly operation: CreatingOperation;
  readonly type: ObjectTypeName;
  readonly isInToken: boolean;
}

/** Operations whose attributes come from another object or server, and say how that was protected. */
const describing: readonly CreatingOperation[] = ['Register', 'Import', 'ReKey', 'ReKeyKeyPair', 'ReCertify'];

const reasons: Partial<Record<ObjectTypeName, Reason>> = {
  PrivateKey: 'PrivateProtectionStorageUnavailable',
  PublicKey: 'PublicProtectionStorageUnavailable',
};

/** Returns how an object is protected. */
export function storageMask(isInToken: boolean): AttributeValue<'ProtectionStorageMask'> {
  return ProtectionStorageMask.bit(isInToken ? 'Hardware' : 'Software');
}

/**
 * Whether that is the attribute, which is not taken from the client then.
 * @throws {KmipError} ProtectionStorageUnavailable (or that of the half of a pair) when it demands of an
 *   object that is made here what it is not
 */
export function isStorageMask({ name, vendor, value }: Attribute, subject: StorageSubject): boolean {
  if (name !== 'ProtectionStorageMask' || vendor !== undefined) return false;
  const { operation, type, isInToken } = subject;
  const isTrue = ((value as number) & ~storageMask(isInToken)) === 0;
  if (!isTrue && !describing.includes(operation)) {
    const reason = (operation === 'CreateKeyPair' && reasons[type]) || 'ProtectionStorageUnavailable';
    const actual = isInToken ? 'Hardware' : 'Software';
    fail(
      reason,
      `Protection Storage Mask states more than ${actual}, by which the object would be protected`,
    );
  }
  return true;
}

/**
 * Checks what a request states of an object before its key is made, as far as it needs no key.
 * @throws {KmipError} as `checkInitial` and `isStorageMask`
 */
export function checkStated(attributes: readonly Attribute[], subject: StorageSubject): void {
  for (const attribute of attributes) {
    checkInitial(attribute, subject.operation, subject.type);
    isStorageMask(attribute, subject);
  }
}
