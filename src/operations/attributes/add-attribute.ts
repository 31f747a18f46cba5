import { echoAttribute, echoedAttribute, newAttribute } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { applyAdd } from '../../object/attribute-rules.ts';
import { object, operation } from '../operation.ts';
import { changeAttributes } from './attribute-change.ts';

/**
 * Add Attribute (KMIP 2.1 §6.1.2, 1.4 §4.14): adds an attribute, or another instance of one that may have
 * several.
 */
export const AddAttribute = operation({
  name: 'AddAttribute',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier), NewAttribute: newAttribute }),
  response: struct({ UniqueIdentifier: one(text), Attribute: echoedAttribute }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle({ NewAttribute: attribute }, context) {
    const { object: target, now } = context;
    const added = await changeAttributes(context, () => applyAdd(target, attribute, now));
    return { UniqueIdentifier: target.id, Attribute: echoAttribute(added, attribute.index) };
  },
});
