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
import { fail, MissingPermissionError } from '../../common/errors.ts';
import { limitLife, limitUses, statesEnd } from '../../object/copies.ts';
import { requireConstraintsMet } from '../../object/group-policy.ts';
import { isIdentifier, maxIdentifierLength } from '../../object/identifiers.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { namesOf, nameTexts } from '../../object/names.ts';
import { hasProtectedValue } from '../../object/protection.ts';
import { prepareReplacement, replaceContent } from '../../object/replace-existing.ts';
import { recordCertificate } from '../authority-certificates.ts';
import { keepAuthorityKey } from '../authority-records.ts';
import type { Context } from '../context.ts';
import { endGrants } from '../grants.ts';
import { loadPolicy } from '../group-policy-record.ts';
import { retireCopy } from '../key-copies.ts';
import { releaseTokenKey } from '../made-token-keys.ts';
import { requireMayChangeNames, reserveGivenUp } from '../name-rights.ts';
import {
  assembleObject,
  type NewObjectRequest,
  requireSoundKey,
  requireUniqueNames,
  valueOf,
} from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireMayEndCopies, requireMayRevoke } from '../same-certificates.ts';
import { requireNoWiderUse } from '../twin-values.ts';
import { requireInnerAttributes } from './authenticated-attributes.ts';
import { attributesInKeyValue, removeAttributes, requireWellFormed } from './object-import.ts';
import { bindToSources, loadSources } from './returned-keys.ts';
import { notUnwrapped, unwrapObject } from './unwrapping.ts';

/**
 * Import (KMIP 2.1 §6.1.25, 1.4 §4.41): stores an object with the identifier and the attributes it had
 * elsewhere. An existing object is replaced only with Replace Existing, when the role includes
 * `ImportReplace` and the object may be destroyed. A wrapped key stays wrapped unless Key Wrap Type is Not
 * Wrapped. Under `strict` protection only a role that includes `ImportAsIs` may state the history of the
 * object, such as Always Sensitive.
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
  limitedRight: 'new-objects',
  async handle(request, context) {
    const id = request.UniqueIdentifier;
    const { Object: given, KeyWrapType: wrapType } = request;
    if (!isIdentifier(id)) fail('InvalidField', `an identifier has 1 to ${maxIdentifierLength} characters`);
    if (request.ObjectType !== undefined && request.ObjectType !== given.type)
      fail('InvalidField', 'Object Type and the object disagree');
    if (typeof wrapType === 'number') fail('KeyWrapTypeNotSupported', 'there is no such Key Wrap Type');
    requireWellFormed(given, context.version);
    const existing = await context.work.load(id);
    if (existing !== undefined) requireMayReplace(request.ReplaceExisting, context);
    else if (await context.work.isTaken(id)) refuseTaken();
    const unwrapped =
      wrapType === 'NotWrapped' && hasKeyBlock(given)
        ? await unwrapObject(given, context)
        : notUnwrapped(given);
    const { value, known } = unwrapped;
    const born = value === given ? 'imported' : 'unwrapped';
    const sources = await loadSources(known, context);
    const inputs = [existing, unwrapped.key, ...sources.map(({ origin }) => origin)].filter(
      (input) => input !== undefined,
    );
    if (born === 'unwrapped') requireInnerAttributes(value, request.Attributes, context);
    const stated = statedAttributes(value, request.Attributes);
    const imported = assembleImport({ id, value, inputs, born }, stated, context);
    if (existing !== undefined) await prepareExisting(existing, imported, context);
    await bindToSources(imported, { known, sources, stated }, context);
    if (existing !== undefined) {
      prepareReplacement(existing, imported, context.now, context.server.interop);
      limitReplacement(existing, imported, stated, context);
    }
    if (born === 'unwrapped') await requireNoWiderUse(imported, context);
    else await requireSoundKey(imported, value, context);
    await requireMayEndCopies(imported, context);
    requireConstraintsMet(await loadPolicy(context), imported);
    if (existing !== undefined) {
      await keepAuthorityKey(existing, context);
      await replaceObject(existing, imported, context);
    } else {
      await requireUniqueNames(imported, context);
      await context.work.insert(imported);
    }
    await recordCertificate(imported, context);
    return { UniqueIdentifier: id };
  },
});

/**
 * Replaces the content of an object, erases the answers of finished asynchronous requests that hold the
 * former value, and ends grants of the object. A Name that it has or gets finds another key afterwards, which
 * the maker of the object decides.
 * @throws {KmipError} PermissionDenied, NonUniqueNameAttribute
 */
async function replaceObject(
  existing: ManagedObject,
  imported: ManagedObject,
  context: Context,
): Promise<void> {
  const names = [existing, imported].map(({ attributes }) => namesOf(attributes));
  if (names.some(({ size }) => size > 0)) await requireMayChangeNames(existing, context);
  const held = nameTexts(existing.attributes);
  await requireUniqueNames(imported, context, { held });
  context.approvals.require('Destroy', existing);
  releaseTokenKey(existing, context);
  replaceContent(existing, imported);
  await context.renewedAccess.eraseAnswersWith(existing.id);
  await endGrants(existing.id, context);
  await reserveGivenUp(existing, held, context);
}

/**
 * Refuses to replace an object without the permission `ImportReplace`. The Rights of a ticket name operations
 * only, so a ticket with Rights never has it. Under a waiting period there is none: the value would be gone.
 */
function requireMayReplace(isRequested: boolean | undefined, { principal, restorableUntil }: Context): void {
  if (isRequested !== true) refuseTaken();
  if (principal.rights !== undefined)
    fail('PermissionDenied', 'with Rights of a ticket no object can be replaced');
  if (!principal.may('ImportReplace')) throw new MissingPermissionError(principal.client, 'ImportReplace');
  if (restorableUntil !== undefined)
    fail(
      'PermissionDenied',
      'what this client destroys is kept for a while, and nothing of a replaced object would be: destroy it, and import under another identifier',
    );
}

/**
 * Keeps what is known of an object that is replaced, if it is a copy. Under `strict` protection the end of a
 * protected one needs the permission Revoke, because it is that of its copies. The two-person rule for Revoke
 * is about every end.
 * @throws {KmipError} as `requireMayRevoke`
 */
async function prepareExisting(
  existing: ManagedObject,
  imported: ManagedObject,
  context: Context,
): Promise<void> {
  await retireCopy(existing, context);
  if (statesEnd(imported, existing, context)) context.approvals.require('Revoke', existing);
  if (context.protection === 'kmip' || !hasProtectedValue(existing)) return;
  if (statesEnd(imported, existing, context)) await requireMayRevoke([existing], context);
}

/**
 * Under `strict` protection keeps the rights of a protected object from growing, because those of its copies
 * are judged by them: its value may have left, wrapped or in parts, and come back.
 * @throws {KmipError} as `limitUses`
 */
function limitReplacement(
  existing: ManagedObject,
  imported: ManagedObject,
  stated: readonly Attribute[],
  { protection, now }: Context,
): void {
  if (protection === 'kmip' || !hasProtectedValue(existing)) return;
  limitUses(imported.attributes, existing.attributes, valueOf(stated, 'CryptographicUsageMask'));
  limitLife(imported, existing, now);
}

function refuseTaken(): never {
  fail('ObjectAlreadyExists', 'an object of that identifier is here already');
}

/** Assembles the imported object with the attributes that are stated for it. */
function assembleImport(
  source: Pick<NewObjectRequest, 'id' | 'value' | 'inputs' | 'born'>,
  attributes: readonly Attribute[],
  context: Context,
): ManagedObject {
  const { value } = source;
  const specification = { operation: 'Import', type: value.type, value: removeAttributes(value) } as const;
  const maySayAll = mayImportAsIs(context);
  if (!maySayAll) refuseClaims(attributes);
  const imported = assembleObject({ ...source, ...specification, attributes }, context);
  for (const name of histories)
    if (!maySayAll && imported.attributes.has(name)) imported.attributes.set(name, false);
  return imported;
}

/** The attributes inside the Key Value and those beside it, which override them. */
function statedAttributes(value: ManagedObjectValue, beside: readonly Attribute[]): readonly Attribute[] {
  const keys = new Set(beside.map(attributeKey));
  return [...attributesInKeyValue(value).filter((each) => !keys.has(attributeKey(each))), ...beside].filter(
    ({ name, vendor }) => vendor !== undefined || name !== 'UniqueIdentifier',
  );
}

/** Attributes by which the server tells that an object has always been protected. */
const histories = ['AlwaysSensitive', 'NeverExtractable'] as const;

/** Under `strict` protection the server does not believe what clients say of an object's past. */
function mayImportAsIs({ principal, protection }: Context): boolean {
  return protection === 'kmip' || (principal.rights === undefined && principal.may('ImportAsIs'));
}

/** Refuses claims about the history of an object; false is no claim. */
function refuseClaims(attributes: readonly Attribute[]): void {
  for (const { name, vendor, value } of attributes) {
    const isClaim = histories.includes(name as never) ? value === true : name === 'OriginalCreationDate';
    if (vendor === undefined && isClaim)
      fail(
        'AttributeReadOnly',
        `${name} is set by the server: the role does not include ImportAsIs`,
        'InvalidField',
      );
  }
}
