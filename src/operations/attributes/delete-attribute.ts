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
import { object, operation } from '../operation.ts';
import { changeAttributes } from './attribute-change.ts';

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
  values: 'unused',
  async handle({ CurrentAttribute: current, AttributeReference: reference, AttributeIndex: index }, context) {
    const { object: target, version, now } = context;
    const selector = { era: eraOf(version), current, reference, index };
    const [removed] = await changeAttributes(context, () => applyDelete(target, selector, now));
    return { UniqueIdentifier: target.id, Attribute: removed && echoAttribute(removed, index) };
  },
});
