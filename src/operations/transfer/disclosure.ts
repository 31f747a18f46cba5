import { isClosedKey } from '../../object/closed-keys.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';

/**
 * Records in the provenance of an object that its value leaves the server in this answer: encrypted by
 * `encryptionKey`, or in the clear when that is left out. The object changes only when its value leaves more
 * openly than before, so fetching a key again and again writes nothing.
 */
export async function recordDisclosure(
  object: ManagedObject,
  encryptionKey: ManagedObject | undefined,
  { work }: Context,
): Promise<void> {
  const isClosed = encryptionKey !== undefined && (await isClosedKey(encryptionKey, (id) => work.load(id)));
  object.recordShown(isClosed ? 'wrapped' : 'clear');
}
