import type { TemplateAttribute } from '../../../codec/attribute.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { linkPair } from '../../object/links.ts';
import { checkStated } from '../../object/storage-mask.ts';
import {
  applyDefaults,
  createObject,
  type ResolvedAttributes,
  requestedAttributes,
  valueOf,
} from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { isSlowPair } from './key-pair.ts';
import { choosePairStorage, type HalfParts, makePair } from './pair-storage.ts';
import { withoutUnusedFormat } from './stated-formats.ts';

/** Create Key Pair (KMIP 2.1 §6.1.9, 1.4 §4.2): a private and a public key, linked to each other. */
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
  limitedRight: 'new-objects',
  slow({ CommonAttributes, PrivateKeyAttributes }) {
    const stated = [...PrivateKeyAttributes.attributes, ...CommonAttributes.attributes];
    return isSlowPair(valueOf(stated, 'CryptographicAlgorithm'), valueOf(stated, 'CryptographicLength'));
  },
  async handle(request, context) {
    const storage = choosePairStorage(request, context);
    const stateOf = (half: TemplateAttribute) =>
      requestedAttributes([request.CommonAttributes, half], context);
    const privateStated = await stateOf(request.PrivateKeyAttributes);
    const publicStated = await stateOf(request.PublicKeyAttributes);
    const forPrivate = await applyDefaults('PrivateKey', privateStated, context);
    const forPublic = await applyDefaults('PublicKey', publicStated, context, forPrivate.policy);
    const commonFormat = valueOf(request.CommonAttributes.attributes, 'KeyFormatType');
    const specify = ({ stated, effective }: ResolvedAttributes, half: TemplateAttribute) => ({
      ...{ stated, attributes: effective },
      format: valueOf(half.attributes, 'KeyFormatType'),
      // Where the request states none, `effective` has the default of the group.
      preferred:
        valueOf(stated, 'KeyFormatType') === undefined ? valueOf(effective, 'KeyFormatType') : undefined,
    });
    const specification = {
      privateKey: specify(forPrivate, request.PrivateKeyAttributes),
      publicKey: specify(forPublic, request.PublicKeyAttributes),
      commonFormat,
    };
    const make = ({ stated, policy }: ResolvedAttributes, parts: HalfParts) => {
      const attributes = withoutUnusedFormat(stated, commonFormat, parts.value);
      const half = { operation: 'CreateKeyPair', type: parts.value.type, attributes, ...parts } as const;
      return createObject({ ...half, inputs: [], generated: true }, context, policy);
    };
    const subject = { operation: 'CreateKeyPair', isInToken: storage === 'token' } as const;
    checkStated(forPrivate.stated, { ...subject, type: 'PrivateKey' });
    checkStated(forPublic.stated, { ...subject, type: 'PublicKey', isInToken: false });
    return makePair(storage, specification, context, async (pair) => {
      const privateKey = await make(forPrivate, pair.privateKey);
      const publicKey = await make(forPublic, { value: pair.publicKey });
      linkPair(privateKey, publicKey, context.now);
      return { PrivateKeyUniqueIdentifier: privateKey.id, PublicKeyUniqueIdentifier: publicKey.id };
    });
  },
});
