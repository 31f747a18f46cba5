import { AdjustmentType } from '../../../codec/enums.ts';
import { attributeReference } from '../../../codec/eras.ts';
import { any, maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { fail } from '../../common/errors.ts';
import { applyAdjust } from '../../object/adjust.ts';
import { object, operation } from '../operation.ts';
import { changeAttributes } from './attribute-change.ts';

/** Adjust Attribute (KMIP 2.1 §6.1.3): increments, decrements or negates a number, a date or a Boolean. */
export const AdjustAttribute = operation({
  name: 'AdjustAttribute',
  since: '2.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    AttributeReference: attributeReference,
    AdjustmentType: one(AdjustmentType),
    AdjustmentValue: maybe(any),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  values: 'unused',
  async handle({ AttributeReference: reference, AdjustmentType: type, AdjustmentValue: value }, context) {
    const { object: target, now } = context;
    if (reference === undefined) fail('InvalidMessage', 'AttributeReference is missing');
    await changeAttributes(context, () => applyAdjust(target, reference, { type, value }, now));
    return { UniqueIdentifier: target.id };
  },
});
