import {
  type Attribute,
  attributeKey,
  type StandardAttribute,
  type TemplateAttribute,
} from '../../codec/attribute.ts';
import { type AttributeName, type AttributeValue, isAttributeKnownIn } from '../../codec/attribute-table.ts';
import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import { plainKey } from '../crypto/plain-key.ts';
import type { CreatingOperation } from '../object/attribute-rules.ts';
import { defaultOperationPolicy } from '../object/attributes.ts';
import { buildObject, mergeTemplates } from '../object/creation.ts';
import { defaultsFor, type GroupPolicy, requireConstraintsMet } from '../object/group-policy.ts';
import { makerOf } from '../object/maker.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { comparableText, nameFilter, nameTaken } from '../object/names.ts';
import { inheritHistory, inheritProtection } from '../object/protection.ts';
import type { Birth } from '../object/provenance.ts';
import { protectTokenKey } from '../object/token-keys.ts';
import { valueKey } from '../object/values.ts';
import { recordCertificate } from './authority-certificates.ts';
import type { Context } from './context.ts';
import { loadPolicy } from './group-policy-record.ts';
import type { NewTokenKey } from './made-token-keys.ts';
import { isReserved, requireMayAddNames } from './name-rights.ts';
import { loadTemplate } from './templates.ts';

/** Functions shared by the operations that make objects. */

/** Returns the first value of a standard attribute in a list. */
export function valueOf<N extends AttributeName>(
  attributes: readonly Attribute[],
  name: N,
): AttributeValue<N> | undefined {
  return attributes.find((each) => each.name === name && each.vendor === undefined)?.value as
    | AttributeValue<N>
    | undefined;
}

/**
 * Returns the Cryptographic Algorithm of a list.
 * @throws {KmipError} InvalidField when it is missing
 */
export function algorithmOf(attributes: readonly Attribute[]): CryptographicAlgorithm {
  return (
    valueOf(attributes, 'CryptographicAlgorithm') ??
    fail('InvalidField', 'Cryptographic Algorithm is missing')
  );
}

/**
 * Templates that one request may name. Each costs a search, and merging costs the sum of their attributes.
 */
const maxTemplates = 16;

/**
 * Merges the attributes that a request states for a new object, its Templates resolved. `sources` are ordered
 * from the least specific (common) to the most specific.
 * @throws {KmipError} as `loadTemplate`, InvalidField for too many Templates
 */
export async function requestedAttributes(
  sources: readonly TemplateAttribute[],
  context: Context,
): Promise<Attribute[]> {
  if (sources.reduce((sum, { templates }) => sum + templates.length, 0) > maxTemplates) {
    fail('InvalidField', `a request may refer to at most ${maxTemplates} Templates`);
  }
  const loaded = new Map<string, Promise<readonly Attribute[]>>();
  const load = (name: AttributeValue<'Name'>) => {
    const template = loaded.get(valueKey(name)) ?? loadTemplate(name, context);
    loaded.set(valueKey(name), template);
    return template;
  };
  const resolved = sources.map(async ({ templates, attributes }) => [
    ...(await Promise.all(templates.map(load))),
    attributes,
  ]);
  return mergeTemplates(...(await Promise.all(resolved)).flat());
}

/** Operations that copy a key: its attributes take the place of the group's defaults. */
const inheriting: readonly CreatingOperation[] = ['ReKey', 'ReKeyKeyPair', 'ReCertify', 'Import'];

/** Attributes of a new object, resolved against the policy of its group. */
export interface ResolvedAttributes {
  /** Attributes that the request states. */
  readonly stated: readonly Attribute[];
  /** `stated`, and the group's defaults for the attributes that the request leaves open. */
  readonly effective: readonly Attribute[];
  readonly policy: GroupPolicy;
}

/**
 * Adds the group's defaults to the attributes that a request states, for operations that need them before the
 * object exists. `createObject` applies the same defaults when it is given `policy`. `policy` is loaded when
 * left out.
 */
export async function applyDefaults(
  type: ObjectTypeName,
  stated: readonly Attribute[],
  context: Context,
  policy?: GroupPolicy,
): Promise<ResolvedAttributes> {
  const groupPolicy = policy ?? (await loadPolicy(context));
  const keys = new Set(stated.map(attributeKey));
  const defaults = defaultsFor(groupPolicy, type, objectGroups(stated));
  const effective = [...stated, ...defaults.filter((each) => !keys.has(attributeKey(each)))];
  return { stated, effective, policy: groupPolicy };
}

function objectGroups(attributes: readonly Attribute[]): string[] {
  return attributes.flatMap(({ name, vendor, value }) =>
    name === 'ObjectGroup' && vendor === undefined ? [value as string] : [],
  );
}

/** A new object before its implicit attributes are known. */
export interface NewObjectRequest {
  readonly operation: CreatingOperation;
  readonly type: ObjectTypeName;
  /** Attributes that the client states or the operation demands. */
  readonly attributes: readonly Attribute[];
  readonly value: ManagedObjectValue;
  /** Objects that the value was made from, or whose place it takes; `protection.ts` lists them. */
  readonly inputs: readonly ManagedObject[];
  /** The object that the new one replaces; it stays that of the same client. */
  readonly replaced?: ManagedObject;
  /** The server made the key itself, with its own generator. */
  readonly generated?: boolean;
  /** SubjectPublicKeyInfo of the key by which the server has signed the certificate. */
  readonly issuerKey?: Uint8Array;
  /** Where the value comes from, when the operation alone does not tell. */
  readonly born?: Birth;
  /** Of a key that was made in a token: where it is, and its curve. */
  readonly token?: NewTokenKey | undefined;
  /** Identifier of the object; a new one when left out. */
  readonly id?: string | undefined;
}

/** Operations whose keys the server has not generated; Join Split Key has an answer of its own. */
const incoming: readonly CreatingOperation[] = ['Register', 'DeriveKey'];

/**
 * Checks the key of an object that a client brings. The reason is stated: the client knows the key.
 * @throws {InvalidKeyMaterialError} as `checkObject` of the cryptography
 */
export async function requireSoundKey(
  { attributes }: ManagedObject,
  value: ManagedObjectValue,
  { crypto }: Context,
): Promise<void> {
  if (!hasKeyBlock(value)) return crypto.checkObject(value);
  // A Key Block may leave its algorithm to the attributes.
  const CryptographicAlgorithm = attributes.get('CryptographicAlgorithm');
  const KeyBlock = { ...value.value.KeyBlock, CryptographicAlgorithm };
  await crypto.checkObject({ ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue);
}

/**
 * Builds an object with all its implicit attributes and the group's defaults, and inserts it into the unit of
 * work. `policy` is the group's, loaded when left out.
 * @throws {KmipError} ConstraintViolation, NonUniqueNameAttribute, PermissionDenied for a new Name of another
 *   client's object, ServerLimitExceeded for a certificate that `recordCertificate` refuses or by the quota
 *   of the group, or a refusal of one of its attributes
 */
export async function createObject(
  specification: NewObjectRequest,
  context: Context,
  policy?: GroupPolicy,
): Promise<ManagedObject> {
  const groupPolicy = policy ?? (await loadPolicy(context));
  const defaults = inheriting.includes(specification.operation)
    ? []
    : defaultsFor(groupPolicy, specification.type, objectGroups(specification.attributes));
  const object = assembleObject(specification, context, defaults);
  if (incoming.includes(specification.operation)) await requireSoundKey(object, specification.value, context);
  requireConstraintsMet(groupPolicy, object);
  const { replaced } = specification;
  if (replaced !== undefined) await requireMayAddNames(replaced, object.attributes, context);
  await requireUniqueNames(object, context);
  await context.work.insert(object);
  await recordCertificate(object, context, specification.issuerKey);
  return object;
}

/**
 * Creates a key that was generated here or in a token to replace another one: as protected, and of its maker.
 * @throws {KmipError} as `createObject`
 */
export function createReplacementKey(
  operation: 'ReKey' | 'ReKeyKeyPair',
  replaced: ManagedObject,
  { attributes, ...made }: Pick<NewObjectRequest, 'attributes' | 'value' | 'token' | 'id'>,
  context: Context,
): Promise<ManagedObject> {
  const key = { type: made.value.type, attributes, ...made, generated: true };
  return createObject({ operation, ...key, inputs: [replaced], replaced }, context);
}

/**
 * Builds an object with all its implicit attributes, as protected as its inputs, without inserting it into
 * the unit of work. `defaults` are those of the group.
 * @throws {KmipError} InvalidField for numbers that no key can have, or a refusal of one of its attributes
 */
export function assembleObject(
  specification: NewObjectRequest,
  context: Context,
  defaults: readonly Attribute[] = [],
): ManagedObject {
  const { crypto, now, principal, version } = context;
  const { operation, type, value, inputs, replaced, generated, born, token } = specification;
  const { id = context.newIdentifier() } = specification;
  requireCounts(value);
  const attributes = inheritProtection(specification.attributes, inputs);
  const object = buildObject({
    operation,
    type,
    group: principal.group,
    id,
    maker: replaced === undefined ? makerOf(principal) : replaced.maker,
    attributes: token === undefined ? attributes : protectTokenKey(attributes),
    defaults,
    value,
    born,
    now,
    digest: crypto.digestObject(value),
    token: token?.reference,
    derived: describeValue(value, context, token),
    shortIdentifier: crypto.digest('SHA_256', new TextEncoder().encode(id)),
    // An imported object keeps the attributes that it had elsewhere.
    operationPolicyName:
      operation !== 'Import' && isAttributeKnownIn('OperationPolicyName', version)
        ? defaultOperationPolicy
        : undefined,
    randomNumberGenerator: generated && !token ? crypto.randomNumberGenerator : undefined,
  });
  inheritHistory(object, inputs);
  return object;
}

/** Refuses numbers that no key can have and that the key material does not correct. */
function requireCounts(object: ManagedObjectValue): void {
  if (!hasKeyBlock(object)) return;
  const { CryptographicLength: bits = 0 } = object.value.KeyBlock;
  if (bits < 0) fail('InvalidField', 'Cryptographic Length is negative');
  if (object.type !== 'SplitKey') return;
  const { SplitKeyParts: parts, KeyPartIdentifier: part, SplitKeyThreshold: threshold } = object.value;
  if (threshold < 2 || threshold > parts || part < 1 || part > parts) {
    fail('InvalidField', `part ${part} of ${parts} with a threshold of ${threshold} is no Split Key`);
  }
}

/**
 * Derives attributes from the value: algorithm, length and curve of a key, names and numbers of a
 * certificate.
 */
function describeValue(
  value: ManagedObjectValue,
  { crypto }: Context,
  token?: NewTokenKey,
): readonly StandardAttribute[] {
  if (value.type === 'Certificate') return crypto.describeCertificate(value.value);
  if (!hasKeyBlock(value)) return [];
  const key = plainKey(value.type, value.value.KeyBlock);
  const stated = { ...value.value.KeyBlock, CryptographicDomainParameters: token?.domain };
  const description = key === undefined ? stated : crypto.describeKey(key);
  const names = ['CryptographicAlgorithm', 'CryptographicLength', 'CryptographicDomainParameters'] as const;
  return names.flatMap((name) => {
    const known = (description as Partial<Record<AttributeName, unknown>>)[name];
    return known === undefined ? [] : [{ name, value: known } as StandardAttribute];
  });
}

/**
 * Refuses a Name that another object of the group has or that is reserved to another client, when the server
 * is configured for unique Names. Names are compared over the whole group whatever the Rights of a ticket.
 * `held` are the Names that the object had before, as `nameTexts`.
 * @throws {KmipError} NonUniqueNameAttribute, or `legacyReason` for 1.x clients
 */
export async function requireUniqueNames(
  object: ManagedObject,
  context: Context,
  { held, legacyReason }: { held?: ReadonlySet<string>; legacyReason?: Reason } = {},
): Promise<void> {
  const { server, work } = context;
  if (!server.uniqueNames) return;
  for (const { NameValue } of object.attributes.values('Name')) {
    const comparable = comparableText(NameValue);
    if (held?.has(comparable)) continue;
    const { ids } = await work.wholeGroup.find({ filter: nameFilter(NameValue), offset: 0, limit: 2 });
    const isTaken = ids.some((id) => id !== object.id) || (await isReserved(comparable, context));
    if (isTaken) throw nameTaken(legacyReason);
  }
}
