import { KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType } from '../../../codec/enums.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { KeyWrappingSpecification } from '../../../codec/structures/key-block.ts';
import { managedObjectField } from '../../../codec/structures/managed-objects.ts';
import { object, operation } from '../operation.ts';
import { failWithoutKeyValue } from '../usable-key.ts';
import { prepareForExport } from './object-export.ts';

/**
 * Get (KMIP 2.1 §6.1.19, 1.4 §4.11): the object's value, in the stored format and wrapping unless the client
 * asks for others. The first Get of an object sets its attribute Fresh to False and therefore commits; later
 * ones only read. A Key Value in the clear holds the key material alone, because Veeam fails on
 * attributes in it.
 */
export const Get = operation({
  name: 'Get',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    KeyFormatType: maybe(KeyFormatType),
    KeyWrapType: since('1.4', maybe(KeyWrapType)),
    KeyCompressionType: maybe(KeyCompressionType),
    KeyWrappingSpecification: maybe(KeyWrappingSpecification),
  }),
  response: struct({ ObjectType: one(ObjectType), UniqueIdentifier: one(text), Object: managedObjectField }),
  target: object(),
  limitedRight: 'objects',
  slow: ({ KeyFormatType: format }) => format === 'PKCS_12',
  async handle(request, context) {
    const { object: target, work } = context;
    const { value } = target;
    if (value === undefined) failWithoutKeyValue('IllegalOperation');
    const exported = await prepareForExport(target, value, request, context);
    if (target.attributes.get('Fresh') === true)
      work.applyLasting(target, ({ attributes }) => attributes.set('Fresh', false));
    return { ObjectType: target.type, UniqueIdentifier: target.id, Object: exported };
  },
});
