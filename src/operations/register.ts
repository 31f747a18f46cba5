import type { Attribute } from '../../codec/attribute.ts';
import { ObjectType } from '../../codec/enums.ts';
import { creationAttributes } from '../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../codec/schema.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  managedObjectField,
} from '../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../codec/structures/query.ts';
import { fail } from '../errors.ts';
import { create, requestedAttributes } from './creating.ts';
import { creation, operation } from './operation.ts';
import { requireStorage } from './protection-storage.ts';

/** Register (KMIP 2.1 §6.1.45, 1.4 §4.3): an object that the client brings. */
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
  on: creation(),
  async handle(request, context) {
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (request.Object.type !== request.ObjectType)
      fail('InvalidField', 'Object Type and the object disagree');
    const inside = attributesInside(request.Object);
    const attributes = await requestedAttributes(
      [{ attributes: inside, templates: [] }, request.Attributes],
      context,
    );
    const value = withoutAttributes(request.Object);
    const object = await create({ operation: 'Register', type: value.type, attributes, value }, context);
    return { UniqueIdentifier: object.id };
  },
});

/** Attributes that came inside Key Value: the least specific source there is. */
function attributesInside(value: ManagedObjectValue): readonly Attribute[] {
  const keyValue = hasKeyBlock(value) ? value.value.KeyBlock.KeyValue : undefined;
  return keyValue === undefined || keyValue instanceof Uint8Array ? [] : keyValue.Attributes;
}

/** The object as it is kept: attributes live beside the key, never inside it. */
function withoutAttributes(value: ManagedObjectValue): ManagedObjectValue {
  if (!hasKeyBlock(value)) return value;
  const block = value.value.KeyBlock;
  if (block.KeyValue === undefined || block.KeyValue instanceof Uint8Array) return value;
  const KeyBlock = { ...block, KeyValue: { ...block.KeyValue, Attributes: [] } };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}
