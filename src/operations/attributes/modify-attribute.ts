import { currentAttribute, echoAttribute, echoedAttribute, newAttribute } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { eraOf } from '../../../codec/version.ts';
import { applyModify } from '../../object/attribute-rules.ts';
import { object, operation } from '../operation.ts';
import { changeAttributes } from './attribute-change.ts';

/** Modify Attribute (KMIP 2.1 §6.1.34, 1.4 §4.15): replaces the value of an existing instance. */
export const ModifyAttribute = operation({
  name: 'ModifyAttribute',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CurrentAttribute: currentAttribute,
    NewAttribute: newAttribute,
  }),
  response: struct({ UniqueIdentifier: one(text), Attribute: echoedAttribute }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle({ CurrentAttribute: current, NewAttribute: attribute }, context) {
    const { object: target, version, now } = context;
    const instance = { era: eraOf(version), current, index: attribute.index };
    const modified = await changeAttributes(context, () => applyModify(target, instance, attribute, now));
    return { UniqueIdentifier: target.id, Attribute: echoAttribute(modified, attribute.index) };
  },
});
