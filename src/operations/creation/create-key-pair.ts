import type { Attribute, TemplateAttribute } from '../../../codec/attribute.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { linkPair } from '../../object/links.ts';
import { create, requestedAttributes, valueOf, withDefaults } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { generatePair, isSlowPair } from './key-pair.ts';

/** Create Key Pair (KMIP 2.1 §6.1.11, 1.4 §4.2): a private and a public key that point at each other. */
export const CreateKeyPair = operation({
  name: 'CreateKeyPair',
  since: '1.0',
  request: struct({
    CommonAttributes: creationAttributes('CommonTemplateAttribute', 'CommonAttributes'),
    PrivateKeyAttributes: creationAttributes('PrivateKeyTemplateAttribute', 'PrivateKeyAttributes'),
    PublicKeyAttributes: creationAttributes('PublicKeyTemplateAttribute', 'PublicKeyAttributes'),
    CommonProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
    PrivateProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
    PublicProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ PrivateKeyUniqueIdentifier: one(text), PublicKeyUniqueIdentifier: one(text) }),
  target: creation(),
  slow({ CommonAttributes, PrivateKeyAttributes }) {
    const asked = [...PrivateKeyAttributes.attributes, ...CommonAttributes.attributes];
    return isSlowPair(valueOf(asked, 'CryptographicAlgorithm'), valueOf(asked, 'CryptographicLength'));
  },
  async handle(request, context) {
    requireStorage(request.CommonProtectionStorageMasks, 'ProtectionStorageUnavailable');
    requireStorage(request.PrivateProtectionStorageMasks, 'PrivateProtectionStorageUnavailable');
    requireStorage(request.PublicProtectionStorageMasks, 'PublicProtectionStorageUnavailable');
    const asked = (half: TemplateAttribute) => requestedAttributes([request.CommonAttributes, half], context);
    const privateAsked = await asked(request.PrivateKeyAttributes);
    const publicAsked = await asked(request.PublicKeyAttributes);
    const pair = await generatePair(
      await withDefaults('PrivateKey', privateAsked, context),
      await withDefaults('PublicKey', publicAsked, context),
      context.crypto,
    );
    const make = (attributes: readonly Attribute[], value: typeof pair.privateKey) =>
      create({ operation: 'CreateKeyPair', type: value.type, attributes, value, generated: true }, context);
    const privateKey = await make(privateAsked, pair.privateKey);
    const publicKey = await make(publicAsked, pair.publicKey);
    linkPair(privateKey, publicKey, context.now);
    return { PrivateKeyUniqueIdentifier: privateKey.id, PublicKeyUniqueIdentifier: publicKey.id };
  },
});
