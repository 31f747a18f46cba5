import type { Attribute, TemplateAttribute } from '../../../codec/attribute.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { interval, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import { linkedId, linkPair } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { applyReplacement, replacementAttributes } from '../../object/replacement.ts';
import type { Context } from '../context.ts';
import { findOtherHalf } from '../key-pairs.ts';
import { requirePresent } from '../named-objects.ts';
import { createReplacementKey, requestedAttributes, valueOf } from '../new-object.ts';
import { object, operation } from '../operation.ts';
import { isSlowPair } from './key-pair.ts';
import { choosePairStorage, type HalfParts, makePair } from './pair-storage.ts';
import { withoutUnusedFormat } from './stated-formats.ts';
import { withoutOldProtection } from './token-objects.ts';

/**
 * Re-key Key Pair (KMIP 2.1 §6.1.46, 1.4 §4.5): a key pair that replaces an existing one, named by its
 * private key.
 */
export const ReKeyKeyPair = operation({
  name: 'ReKeyKeyPair',
  since: '1.1',
  request: struct({
    PrivateKeyUniqueIdentifier: maybe(identifier),
    Offset: maybe(interval),
    CommonAttributes: creationAttributes('CommonTemplateAttribute', 'CommonAttributes'),
    PrivateKeyAttributes: creationAttributes('PrivateKeyTemplateAttribute', 'PrivateKeyAttributes'),
    PublicKeyAttributes: creationAttributes('PublicKeyTemplateAttribute', 'PublicKeyAttributes'),
    CommonProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
    PrivateProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
    PublicProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ PrivateKeyUniqueIdentifier: one(text), PublicKeyUniqueIdentifier: one(text) }),
  target: object({
    types: ['PrivateKey'],
    legacyReason: 'PermissionDenied',
    identifiedBy: 'PrivateKeyUniqueIdentifier',
  }),
  limitedRight: 'objects',
  async slow({ PrivateKeyUniqueIdentifier: id }, work) {
    const old = id === undefined ? undefined : (await work.load(id))?.attributes;
    return isSlowPair(old?.get('CryptographicAlgorithm'), old?.get('CryptographicLength'));
  },
  async handle(request, context) {
    const { object: oldPrivate, now } = context;
    const storage = choosePairStorage(request, context, oldPrivate);
    const oldPublic = await loadPublicKey(oldPrivate, context);
    requirePresent(oldPublic);

    const privateStated = await requestedAttributes(
      [request.CommonAttributes, request.PrivateKeyAttributes],
      context,
    );
    const publicStated = await requestedAttributes(
      [request.CommonAttributes, request.PublicKeyAttributes],
      context,
    );
    const privateAttributes = replacementAttributes(oldPrivate, privateStated, request.Offset, now);
    const publicAttributes = replacementAttributes(oldPublic, publicStated, request.Offset, now);
    const commonFormat = valueOf(request.CommonAttributes.attributes, 'KeyFormatType');
    const specify = (attributes: readonly Attribute[], half: TemplateAttribute, old: ManagedObject) => ({
      attributes,
      format: valueOf(half.attributes, 'KeyFormatType'),
      preferred: old.attributes.get('KeyFormatType'),
    });
    const specification = {
      privateKey: {
        ...specify(privateAttributes, request.PrivateKeyAttributes, oldPrivate),
        stated: privateStated,
      },
      publicKey: specify(publicAttributes, request.PublicKeyAttributes, oldPublic),
      commonFormat,
    };
    const make = (old: ManagedObject, stated: readonly Attribute[], parts: HalfParts) => {
      const attributes = withoutUnusedFormat(stated, commonFormat, parts.value);
      return createReplacementKey('ReKeyKeyPair', old, { attributes, ...parts }, context);
    };
    return makePair(storage, specification, context, async (pair) => {
      const own =
        storage === 'token' ? withoutOldProtection(privateAttributes, privateStated) : privateAttributes;
      const privateKey = await make(oldPrivate, own, pair.privateKey);
      const publicKey = await make(oldPublic, publicAttributes, { value: pair.publicKey });
      linkPair(privateKey, publicKey, now);
      applyReplacement(oldPrivate, privateKey, now);
      applyReplacement(oldPublic, publicKey, now);
      return { PrivateKeyUniqueIdentifier: privateKey.id, PublicKeyUniqueIdentifier: publicKey.id };
    });
  },
});

/** A Link to the public key of another pair is none: its Names would move to the new key. */
async function loadPublicKey(privateKey: ManagedObject, context: Context): Promise<ManagedObject> {
  const found = await findOtherHalf(privateKey, 'PublicKey', context);
  if (found !== undefined) return found;
  const id = linkedId(privateKey, 'PublicKeyLink');
  const linked = id === undefined ? undefined : await context.work.load(id);
  // A destroyed key cannot be compared any more: the reason is that it is destroyed.
  if (linked?.type === 'PublicKey') requirePresent(linked);
  fail('ObjectNotFound', 'the private key has no public key here');
}
