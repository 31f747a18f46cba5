import type { ManagedObject } from '../../object/managed-object.ts';
import type { Shown } from '../../object/provenance.ts';
import type { Context } from '../context.ts';

/**
 * Records in the provenance of an object that its value leaves the server in this answer, as a lasting
 * change: an undone item may have shown it too. The object changes only when its value leaves more openly
 * than before, so fetching a key again and again writes nothing.
 */
export function recordDisclosure(object: ManagedObject, shown: Shown, { work }: Context): void {
  work.applyLasting(object, (each) => each.recordShown(shown));
}
