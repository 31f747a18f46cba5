import { newAttribute } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { applySet } from '../../object/attribute-rules.ts';
import { object, operation } from '../operation.ts';
import { changeAttributes } from './attribute-change.ts';

/** Set Attribute (KMIP 2.1 §6.1.51): adds the attribute or replaces its only instance. */
export const SetAttribute = operation({
  name: 'SetAttribute',
  since: '2.0',
  request: struct({ UniqueIdentifier: maybe(identifier), NewAttribute: newAttribute }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle({ NewAttribute: attribute }, context) {
    const { object: target, now } = context;
    await changeAttributes(context, () => applySet(target, attribute, now));
    return { UniqueIdentifier: target.id };
  },
});
