import { date, maybe, one, struct, text } from '../../../codec/schema.ts';
import { RevocationReason } from '../../../codec/structures/attribute-values.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { isCompromised } from '../../object/key-history.ts';
import { loadTwins, recordCompromise } from '../key-copies.ts';
import { object, operation } from '../operation.ts';
import { recordRevocation } from '../revocation-records.ts';
import { requireMayEnd } from '../same-certificates.ts';

/**
 * Revoke (KMIP 2.1 §6.1.48, 1.4 §4.20): changes the state to Deactivated, or with a compromise reason to
 * Compromised. The revocation of a certificate, and the compromise of a key, are recorded beside the object
 * and stay, whatever becomes of it. A compromise is that of all objects with the same protected key.
 */
export const Revoke = operation({
  name: 'Revoke',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    RevocationReason: one(RevocationReason),
    CompromiseOccurrenceDate: maybe(date),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle({ RevocationReason: reason, CompromiseOccurrenceDate: occurrence }, context) {
    const { object: target, now } = context;
    await requireMayEnd(target, context);
    target.revoke(reason, occurrence, now);
    await recordRevocation(target, context);
    if (!isCompromised(target, now)) return { UniqueIdentifier: target.id };
    await recordCompromise(target, context);
    const twins = await loadTwins(target, context);
    for (const twin of twins.filter((each) => !isCompromised(each, now))) {
      twin.revoke(reason, occurrence, now);
      await recordRevocation(twin, context);
    }
    return { UniqueIdentifier: target.id };
  },
});
