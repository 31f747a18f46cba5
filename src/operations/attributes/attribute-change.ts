import { MissingPermissionError } from '../../common/errors.ts';
import { equivalentOperations, useBoundsOf } from '../../object/equivalent-operations.ts';
import { namesOf, nameTexts } from '../../object/names.ts';
import { withoutLoosening } from '../../object/tightening.ts';
import type { ObjectContext } from '../context.ts';
import { requireMayChangeNames, reserveGivenUp } from '../name-rights.ts';
import { requireUniqueNames } from '../new-object.ts';
import { requireMayEnd } from '../same-certificates.ts';

/**
 * Runs a client's change of attributes of the object, and refuses it where it loosens what binds, where it
 * stands for an operation that the client may not use on the object, or where it changes Names of another
 * client's object. Returns what `change` returns.
 * @throws {KmipError} as `change` and `withoutLoosening`, PermissionDenied when the role does not include the
 *    operation or `ForeignNames`, or the end needs an approval, NotAuthorised when the Rights of the ticket
 *    do not, NonUniqueNameAttribute
 */
export async function changeAttributes<T>(context: ObjectContext, change: () => T): Promise<T> {
  const { object, principal, renewedAccess, approvals } = context;
  const before = useBoundsOf(object.attributes);
  const [names, texts] = [namesOf(object.attributes), nameTexts(object.attributes)];
  const result = withoutLoosening(object, context, change);
  for (const operation of equivalentOperations(before, useBoundsOf(object.attributes))) {
    if (!principal.may(operation))
      throw new MissingPermissionError(principal.client, operation, ', which this change stands for');
    await renewedAccess.require(operation, [{ id: object.id }]);
    if (operation !== 'Revoke') continue;
    await requireMayEnd(object, context);
    approvals.require('Revoke', object);
  }
  if (names.symmetricDifference(namesOf(object.attributes)).size > 0) {
    await requireMayChangeNames(object, context);
    await requireUniqueNames(object, context, { held: texts, legacyReason: 'IllegalOperation' });
    if (!object.destroyed) await reserveGivenUp(object, texts, context);
  }
  return result;
}
