import { attributeKey } from '../../../codec/attribute.ts';
import { attributeList, attributeReferences } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { fail } from '../../common/errors.ts';
import { shownAttributes } from '../../object/shown-attributes.ts';
import { object, operation } from '../operation.ts';

/**
 * Get Attributes (KMIP 2.1 §6.1.20, 1.4 §4.12): the requested attributes that exist and that clients may
 * read, in the order requested; without names all.
 */
export const GetAttributes = operation({
  name: 'GetAttributes',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier), AttributeReference: attributeReferences }),
  response: struct({ UniqueIdentifier: one(text), Attributes: attributeList }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  handle({ AttributeReference: requested }, context) {
    const { object: target, now } = context;
    const keys = requested.map(attributeKey);
    if (new Set(keys).size < keys.length) fail('InvalidMessage', 'an attribute is asked for twice');
    const all = shownAttributes(target, now, context);
    const byKey = Map.groupBy(all, attributeKey);
    const chosen = keys.length === 0 ? all : keys.flatMap((key) => byKey.get(key) ?? []);
    return { UniqueIdentifier: target.id, Attributes: chosen };
  },
});
