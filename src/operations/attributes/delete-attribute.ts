import {
  attributeIndex,
  attributeReference,
  currentAttribute,
  echoAttribute,
  echoedAttribute,
} from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { eraOf } from '../../../codec/version.ts';
import { applyDelete } from '../../object/attribute-rules.ts';
import { withoutLoosening } from '../../object/tightening.ts';
import { object, operation } from '../operation.ts';

/**
 * Delete Attribute (KMIP 2.1 §6.1.13, 1.4 §4.16): removes one instance, or in 2.x all instances of a name.
 */
export const DeleteAttribute = operation({
  name: 'DeleteAttribute',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CurrentAttribute: currentAttribute,
    AttributeReference: attributeReference,
    AttributeIndex: attributeIndex,
  }),
  response: struct({ UniqueIdentifier: one(text), Attribute: echoedAttribute }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  handle(
    { CurrentAttribute: current, AttributeReference: reference, AttributeIndex: index },
    { object: target, protection, version, now },
  ) {
    const selector = { era: eraOf(version), current, reference, index };
    const [removed] = withoutLoosening(target, { protection, now }, () => applyDelete(target, selector, now));
    return { UniqueIdentifier: target.id, Attribute: removed && echoAttribute(removed, index) };
  },
});
