import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { object, operation } from '../operation.ts';

/** Activate (KMIP 2.1 §6.1.1, 1.4 §4.19): changes the state from Pre-Active to Active, dated now. */
export const Activate = operation({
  name: 'Activate',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object(),
  limitedRight: 'objects',
  values: 'unused',
  handle(_request, { object: target, now }) {
    target.activate(now);
    return { UniqueIdentifier: target.id };
  },
});
