import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { nameTexts } from '../../object/names.ts';
import { requireDestroyable } from '../../object/state.ts';
import { keepAuthorityKey } from '../authority-records.ts';
import { endGrants } from '../grants.ts';
import { releaseTokenKey } from '../made-token-keys.ts';
import { requireMayDestroy, reserveNames } from '../name-rights.ts';
import { object, operation } from '../operation.ts';
import { keepRestorable } from '../restorable-objects.ts';
import { recordIdentity } from '../revocation-records.ts';

/**
 * Destroy (KMIP 2.1 §6.1.15, 1.4 §4.21): deletes the key material and keeps the attributes. Answers of
 * finished asynchronous requests that hold the key material lose it in the same commit, and grants of the
 * object end. A key in a token is removed from there after the commit. With unique Names those of the object
 * stay reserved to the client that made it. A Template with a Name is destroyed by that client, or with
 * `ForeignNames`. Where the operator wants a waiting period, the value stays in the row until its end, and no
 * client sees a difference.
 */
export const Destroy = operation({
  name: 'Destroy',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle(_request, context) {
    const { object: target, now, renewedAccess } = context;
    requireDestroyable(target.attributes, now);
    await requireMayDestroy(target, context);
    await recordIdentity(target, context);
    await keepAuthorityKey(target, context);
    const retention = await keepRestorable(target, context);
    releaseTokenKey(target, context, retention?.until);
    target.destroy(now, retention);
    await renewedAccess.eraseAnswersWith(target.id);
    await endGrants(target.id, context);
    await reserveNames(target, nameTexts(target.attributes), context);
    return { UniqueIdentifier: target.id };
  },
});
