import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { recover } from '../../object/state.ts';
import { object, operation } from '../operation.ts';

/** Recover (KMIP 2.1 §6.1.42, 1.4 §4.23): moves an archived object back to on-line storage. */
export const Recover = operation({
  name: 'Recover',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ archived: true }),
  limitedRight: 'objects',
  values: 'unused',
  handle(_request, { object: target, now }) {
    recover(target.attributes, now);
    return { UniqueIdentifier: target.id };
  },
});
