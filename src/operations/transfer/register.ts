import { ObjectType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  managedObjectField,
} from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import { setLink } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { createObject, requestedAttributes } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { requireMayEndCopies } from '../same-certificates.ts';
import { attributesInKeyValue, removeAttributes, requireWellFormed } from './object-import.ts';
import { describePkcs12, isPkcs12 } from './pkcs12.ts';

/**
 * Register (KMIP 2.1 §6.1.43, 1.4 §4.3): stores an object of the client. A wrapped key is stored wrapped,
 * whether or not the server has the key to unwrap it.
 */
export const Register = operation({
  name: 'Register',
  since: '1.0',
  request: struct({
    ObjectType: one(ObjectType),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    Object: managedObjectField,
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: creation(),
  limitedRight: 'new-objects',
  slow: ({ Object: value }) => isPkcs12(value),
  async handle(request, context) {
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (request.Object.type !== request.ObjectType)
      fail('InvalidField', 'Object Type and the object disagree');
    requireWellFormed(request.Object, context.version);
    // Attributes inside the Key Value are the least specific source.
    const inside = attributesInKeyValue(request.Object);
    const attributes = await requestedAttributes(
      [{ attributes: inside, templates: [] }, request.Attributes],
      context,
    );
    const value = removeAttributes(request.Object);
    const object = await createObject(
      { operation: 'Register', type: value.type, attributes, value, inputs: [] },
      context,
    );
    await requireMayEndCopies(object, context);
    await linkWrappingKey(object, value, context);
    if (hasKeyBlock(value) && value.value.KeyBlock.KeyFormatType === 'PKCS_12')
      await describePkcs12(object, value, context);
    return { UniqueIdentifier: object.id };
  },
});

/** Links a wrapped key to its wrapping key (KMIP 2.1 §6.1.43), when the client can see that. */
async function linkWrappingKey(
  object: ManagedObject,
  value: ManagedObjectValue,
  { work, now }: Context,
): Promise<void> {
  const data = hasKeyBlock(value) ? value.value.KeyBlock.KeyWrappingData : undefined;
  const id = data?.EncryptionKeyInformation?.UniqueIdentifier;
  if (id === undefined || id === object.id || (await work.load(id)) === undefined) return;
  setLink(object, 'WrappingKeyLink', id, now);
}
