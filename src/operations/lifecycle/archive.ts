import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { archive } from '../../object/state.ts';
import { object, operation } from '../operation.ts';

/**
 * Archive (KMIP 2.1 §6.1.4, 1.4 §4.22): moves an object to archival storage; it cannot be used until
 * recovered.
 */
export const Archive = operation({
  name: 'Archive',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object(),
  limitedRight: 'objects',
  values: 'unused',
  handle(_request, { object: target, now }) {
    archive(target.attributes, now);
    return { UniqueIdentifier: target.id };
  },
});
