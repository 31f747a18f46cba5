import { date, interval, maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { object, operation } from '../operation.ts';

/** Obtain Lease (KMIP 2.1 §6.1.35, 1.4 §4.17): how long the client may keep using its copy of the object. */
export const ObtainLease = operation({
  name: 'ObtainLease',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text), LeaseTime: one(interval), LastChangeDate: one(date) }),
  target: object(),
  limitedRight: 'objects',
  values: 'unused',
  handle(_request, { object: target, now }) {
    return {
      UniqueIdentifier: target.id,
      // 0 means no limit, as in the attribute's default.
      LeaseTime: target.attributes.get('LeaseTime') ?? 0,
      LastChangeDate: target.attributes.get('LastChangeDate') ?? now,
    };
  },
});
