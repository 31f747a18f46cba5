import { KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType } from '../../codec/enums.ts';
import { maybe, one, since, struct, text } from '../../codec/schema.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { KeyWrappingSpecification } from '../../codec/structures/key-block.ts';
import { managedObjectField } from '../../codec/structures/managed-objects.ts';
import { fail } from '../errors.ts';
import { object, operation } from './operation.ts';
import { inFormat, isWrapped, refuseSecret, requireWords } from './releasing.ts';

/**
 * Get (KMIP 2.1 §6.1.22, 1.4 §4.11): the object itself, in the format it came in unless another is asked for. Key
 * Value holds the material alone: the attributes are Get Attributes' business, and clients break on them here.
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
  on: object(),
  handle(request, { object: target, crypto, version }) {
    refuseSecret(target);
    if (request.KeyWrappingSpecification !== undefined)
      fail('FeatureNotSupported', 'keys cannot be wrapped here yet');
    const value = target.value;
    if (value === undefined) fail('KeyValueNotPresent', 'only the attributes of the object are stored');
    if (request.KeyWrapType === 'NotWrapped' && isWrapped(value)) {
      fail('KeyWrapTypeNotSupported', 'the object was registered wrapped and cannot be unwrapped');
    }
    const shown = inFormat(value, request.KeyFormatType, request.KeyCompressionType, crypto);
    requireWords(shown, version);
    if (target.attributes.get('Fresh') === true) target.attributes.set('Fresh', false);
    return { ObjectType: target.type, UniqueIdentifier: target.id, Object: shown };
  },
});
