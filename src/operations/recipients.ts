import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { isSameBytes } from '../common/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';

/**
 * Kind of the records of recipients: keys that an operator has marked, so that Sensitive keys may leave under
 * them. The record's identifier is that of the key, its content the key's fingerprint: a key that takes the
 * place of the marked one under the same identifier is no recipient.
 */
export const recipientKind = 'recipient';

/**
 * Returns the fingerprint of a key: SHA-256 of its Key Material as stored, the value of its attribute Digest;
 * undefined for an object without key material. It is computed from the value and not read from the
 * attribute, which Import may bring from outside.
 */
export function fingerprintOfKey(
  { value }: ManagedObject,
  crypto: Pick<CryptoProvider, 'digestObject'>,
): Uint8Array | undefined {
  return value !== undefined && hasKeyBlock(value) ? crypto.digestObject(value)?.DigestValue : undefined;
}

/** Whether an operator has marked this very key as recipient. */
export async function isRecipient(object: ManagedObject, { work, crypto }: Context): Promise<boolean> {
  const marked = await work.records.load(recipientKind, object.id);
  const fingerprint = marked && fingerprintOfKey(object, crypto);
  return marked !== undefined && fingerprint !== undefined && isSameBytes(marked, fingerprint);
}
