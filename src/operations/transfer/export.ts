import { KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType } from '../../../codec/enums.ts';
import { attributeList } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { KeyWrappingSpecification } from '../../../codec/structures/key-block.ts';
import { optionalManagedObjectField } from '../../../codec/structures/managed-objects.ts';
import { shownAttributes } from '../../object/shown-attributes.ts';
import { object, operation } from '../operation.ts';
import { prepareForExport } from './object-export.ts';

/**
 * Export (KMIP 2.1 §6.1.18, 1.4 §4.40): the object with all its attributes, for Import elsewhere. A destroyed
 * object has only its attributes. Unlike Get, Export leaves the attribute Fresh unchanged; the first Export
 * still commits, because the server records that the value has left.
 */
export const Export = operation({
  name: 'Export',
  since: '1.4',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    KeyFormatType: maybe(KeyFormatType),
    KeyWrapType: maybe(KeyWrapType),
    KeyCompressionType: maybe(KeyCompressionType),
    KeyWrappingSpecification: maybe(KeyWrappingSpecification),
  }),
  response: struct({
    ObjectType: one(ObjectType),
    UniqueIdentifier: one(text),
    Attributes: attributeList,
    Object: optionalManagedObjectField,
  }),
  target: object({ destroyed: true }),
  limitedRight: 'objects',
  slow: ({ KeyFormatType: format }) => format === 'PKCS_12',
  async handle(request, context) {
    const { object: target, now } = context;
    const { value } = target;
    return {
      ObjectType: target.type,
      UniqueIdentifier: target.id,
      Attributes: shownAttributes(target, now, context),
      Object: value && (await prepareForExport(target, value, request, context)),
    };
  },
});
