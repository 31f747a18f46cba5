import { creationAttributes } from '../../../codec/eras.ts';
import { interval, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import { applyReplacement, replacementAttributes } from '../../object/replacement.ts';
import { algorithmOf, createReplacementKey, requestedAttributes, valueOf } from '../new-object.ts';
import { object, operation } from '../operation.ts';
import { chooseStorage } from '../protection-storage.ts';
import { convertToStated } from './stated-formats.ts';
import { generateSymmetricKey } from './symmetric-key.ts';
import { createSymmetricInToken, withoutOldProtection } from './token-objects.ts';

/**
 * Re-key (KMIP 2.1 §6.1.45, 1.4 §4.4): a symmetric key that replaces an existing one, which stays unchanged
 * but for links.
 */
export const ReKey = operation({
  name: 'ReKey',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    Offset: maybe(interval),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object({ types: ['SymmetricKey'], legacyReason: 'PermissionDenied' }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: old, crypto, now } = context;
    const masks = request.ProtectionStorageMasks;
    const storage = chooseStorage([{ masks, reason: 'ProtectionStorageUnavailable' }], context, old);
    if (old.attributes.get('KeyValuePresent') === false)
      fail('KeyValueNotPresent', 'there is no key to replace');
    const stated = await requestedAttributes([request.Attributes], context);
    const attributes = replacementAttributes(old, stated, request.Offset, now);
    const algorithm = algorithmOf(attributes);
    const bits =
      valueOf(attributes, 'CryptographicLength') ??
      fail('InvalidField', 'the length of the old key is unknown');
    const formats = {
      required: valueOf(stated, 'KeyFormatType'),
      preferred: [old.attributes.get('KeyFormatType')],
    };
    const replacement =
      storage === 'token'
        ? await createSymmetricInToken(
            { algorithm, bits },
            { attributes, stated, formats },
            context,
            (made) => {
              const key = { attributes: withoutOldProtection(attributes, stated), ...made };
              return createReplacementKey('ReKey', old, key, context);
            },
          )
        : await createReplacementKey(
            'ReKey',
            old,
            {
              attributes,
              value: convertToStated(generateSymmetricKey(algorithm, bits, crypto), formats, crypto),
            },
            context,
          );
    applyReplacement(old, replacement, now);
    return { UniqueIdentifier: replacement.id };
  },
});
