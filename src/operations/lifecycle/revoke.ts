import { date, maybe, one, struct, text } from '../../../codec/schema.ts';
import { RevocationReason } from '../../../codec/structures/attribute-values.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { object, operation } from '../operation.ts';

/**
 * Revoke (KMIP 2.1 §6.1.48, 1.4 §4.20): changes the state to Deactivated, or with a compromise reason to
 * Compromised.
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
  handle({ RevocationReason: reason, CompromiseOccurrenceDate: occurrence }, { object: target, now }) {
    target.revoke(reason, occurrence, now);
    return { UniqueIdentifier: target.id };
  },
});
