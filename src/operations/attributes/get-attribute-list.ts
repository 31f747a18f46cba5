import { attributeKey } from '../../../codec/attribute.ts';
import { type Attribute, type AttributeReference, attributeReferences } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { shownAttributes } from '../../object/shown-attributes.ts';
import { object, operation } from '../operation.ts';

/**
 * Get Attribute List (KMIP 2.1 §6.1.21, 1.4 §4.13): the names of all attributes that clients may read, each
 * once.
 */
export const GetAttributeList = operation({
  name: 'GetAttributeList',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier) }),
  response: struct({ UniqueIdentifier: one(text), AttributeReference: attributeReferences }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  handle(_request, context) {
    const { object: target, now } = context;
    const names = new Map(
      shownAttributes(target, now, context).map((attribute) => [
        attributeKey(attribute),
        referenceTo(attribute),
      ]),
    );
    return { UniqueIdentifier: target.id, AttributeReference: [...names.values()] };
  },
});

function referenceTo(attribute: Attribute): AttributeReference {
  return attribute.vendor === undefined
    ? { name: attribute.name }
    : { name: attribute.name, vendor: attribute.vendor };
}
