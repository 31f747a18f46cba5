import { type Attribute, attributeKey } from '../../../codec/attribute.ts';
import { KeyWrapType, ObjectType } from '../../../codec/enums.ts';
import { attributeList } from '../../../codec/eras.ts';
import { bool, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  managedObjectField,
} from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { requireConstraintsMet } from '../../object/group-policy.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { loadPolicy } from '../group-policy-record.ts';
import { assembleObject, requireUniqueNames } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { attributesInKeyValue, removeAttributes, requireWellFormed } from './object-import.ts';
import { unwrapObject } from './unwrapping.ts';

/** Characters of an identifier that a client may choose: the buffers of libkmip hold no more. */
const maxIdentifier = 127;

/**
 * Import (KMIP 2.1 §6.1.25, 1.4 §4.41): stores an object with the identifier and the attributes it had
 * elsewhere. An existing object is replaced only with Replace Existing. A wrapped key stays wrapped unless
 * Key Wrap Type is Not Wrapped.
 */
export const Import = operation({
  name: 'Import',
  since: '1.4',
  request: struct({
    UniqueIdentifier: one(identifier),
    ObjectType: since('2.0', maybe(ObjectType)),
    ReplaceExisting: maybe(bool),
    KeyWrapType: maybe(KeyWrapType),
    Attributes: attributeList,
    Object: managedObjectField,
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: creation(),
  async handle(request, context) {
    const id = request.UniqueIdentifier;
    const { Object: given, KeyWrapType: wrapType } = request;
    if (id === '' || id.length > maxIdentifier)
      fail('InvalidField', `an identifier has 1 to ${maxIdentifier} characters`);
    if (request.ObjectType !== undefined && request.ObjectType !== given.type)
      fail('InvalidField', 'Object Type and the object disagree');
    if (typeof wrapType === 'number') fail('KeyWrapTypeNotSupported', 'there is no such Key Wrap Type');
    requireWellFormed(given, context.version);
    const existing = await context.work.load(id);
    if (existing !== undefined && request.ReplaceExisting !== true) {
      fail('ObjectAlreadyExists', 'an object of that identifier is here already');
    }
    const value =
      wrapType === 'NotWrapped' && hasKeyBlock(given) ? await unwrapObject(given, context) : given;
    const imported = assembleImport(id, value, request.Attributes, context);
    requireConstraintsMet(await loadPolicy(context), imported);
    await requireUniqueNames(imported, context);
    if (existing === undefined) context.work.insert(imported);
    else replaceContent(existing, imported);
    return { UniqueIdentifier: id };
  },
});

/** Assembles the imported object; attributes beside it override those inside its Key Value. */
function assembleImport(
  id: string,
  value: ManagedObjectValue,
  attributes: readonly Attribute[],
  context: Context,
): ManagedObject {
  const stated = new Set(attributes.map(attributeKey));
  const own = [
    ...attributesInKeyValue(value).filter((each) => !stated.has(attributeKey(each))),
    ...attributes,
  ].filter(({ name, vendor }) => vendor !== undefined || name !== 'UniqueIdentifier');
  return assembleObject(
    { operation: 'Import', type: value.type, attributes: own, value: removeAttributes(value), id },
    context,
  );
}

/** Replaces attributes and value of a stored object, which keeps its row and its row version. */
function replaceContent(existing: ManagedObject, imported: ManagedObject): void {
  if (existing.type !== imported.type) fail('InvalidField', `the object here is a ${existing.type}`);
  for (const key of existing.attributes.keys()) existing.attributes.remove(key);
  for (const attribute of imported.attributes.list()) existing.attributes.add(attribute);
  existing.setValue(imported.value);
}
