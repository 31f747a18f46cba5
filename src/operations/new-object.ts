import {
  type Attribute,
  attributeKey,
  type StandardAttribute,
  type TemplateAttribute,
} from '../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../codec/attribute-table.ts';
import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import { plainKey } from '../crypto/provider.ts';
import type { CreatingOperation } from '../object/attribute-rules.ts';
import { buildObject, mergeTemplates } from '../object/creation.ts';
import { defaultsFor, requireConstraintsMet } from '../object/group-policy.ts';
import { locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';
import { loadPolicy } from './group-policy-record.ts';

/** Shared by the operations that make objects. */

/** First value of a standard attribute in a list. */
export function valueOf<N extends AttributeName>(
  attributes: readonly Attribute[],
  name: N,
): AttributeValue<N> | undefined {
  return attributes.find((each) => each.name === name && each.vendor === undefined)?.value as
    | AttributeValue<N>
    | undefined;
}

/** Which algorithm is asked for; a request cannot go on without one. */
export function algorithmOf(attributes: readonly Attribute[]): CryptographicAlgorithm {
  return (
    valueOf(attributes, 'CryptographicAlgorithm') ??
    fail('InvalidField', 'Cryptographic Algorithm is missing')
  );
}

/** Templates that one request may refer to: each costs a search, and merging them all costs their attributes' sum. */
const maxTemplates = 16;

/**
 * The attributes a request gives its new object, Templates resolved: `parts` from the least specific (common) to the
 * most specific. Fails with ItemNotFound for a Template that is not there, with InvalidField for too many.
 */
export async function requestedAttributes(
  parts: readonly TemplateAttribute[],
  context: Context,
): Promise<Attribute[]> {
  if (parts.reduce((sum, { templates }) => sum + templates.length, 0) > maxTemplates) {
    fail('InvalidField', `a request may refer to at most ${maxTemplates} Templates`);
  }
  const sources = parts.map(async ({ templates, attributes }) => [
    ...(await Promise.all(templates.map((name) => templateAttributes(name, context)))),
    attributes,
  ]);
  return mergeTemplates(...(await Promise.all(sources)).flat());
}

/** An archived Template is there, and the client learns why it cannot be used. */
const onLineAndArchived = StorageStatusMask.bit('OnLineStorage') | StorageStatusMask.bit('ArchivalStorage');

async function templateAttributes(
  name: AttributeValue<'Name'>,
  { work, now }: Context,
): Promise<readonly Attribute[]> {
  const attributes: Attribute[] = [
    { name: 'Name', value: name },
    { name: 'ObjectType', value: 'Template' },
  ];
  const filter = locateFilter({ attributes, storageStatusMask: onLineAndArchived, now });
  const { ids } = await work.find({ filter, offset: 0, limit: 1 });
  const [id] = ids;
  const template = id === undefined ? undefined : await work.load(id);
  if (template?.value?.type !== 'Template') fail('ItemNotFound', 'there is no Template of that Name');
  if (template.archived) fail('ObjectArchived', 'the Template is archived');
  return template.value.value.Attributes;
}

export interface Creation {
  readonly operation: CreatingOperation;
  readonly type: ObjectTypeName;
  readonly attributes: readonly Attribute[];
  readonly value: ManagedObjectValue;
  /** The server made the key itself, with its own generator. */
  readonly generated?: boolean;
  /** Where the identifier is not a new one. */
  readonly id?: string;
  /** What the group has laid down for attributes that nobody has stated. */
  readonly defaults?: readonly Attribute[];
}

/** Operations that copy a key which the client has said enough of before. */
const inheriting: readonly CreatingOperation[] = ['ReKey', 'ReKeyKeyPair', 'ReCertify', 'Import'];

/**
 * The attributes a request states, and the group's defaults for those it leaves open: for operations that have to know
 * them before there is an object. `create` fills in the same ones.
 */
export async function withDefaults(
  type: ObjectTypeName,
  attributes: readonly Attribute[],
  context: Context,
): Promise<readonly Attribute[]> {
  const stated = new Set(attributes.map(attributeKey));
  const defaults = defaultsFor(await loadPolicy(context), type, objectGroups(attributes));
  return [...attributes, ...defaults.filter((each) => !stated.has(attributeKey(each)))];
}

function objectGroups(attributes: readonly Attribute[]): string[] {
  return attributes.flatMap(({ name, vendor, value }) =>
    name === 'ObjectGroup' && vendor === undefined ? [value as string] : [],
  );
}

/** Refuses an object that the constraints of the group do not allow. Fails with ConstraintViolation. */
export async function requireConstraints(object: ManagedObject, context: Context): Promise<void> {
  requireConstraintsMet(await loadPolicy(context), object);
}

/** Builds the object with all its implicit attributes and puts it into the unit of work. */
export async function create(creation: Creation, context: Context): Promise<ManagedObject> {
  const policy = await loadPolicy(context);
  const defaults = inheriting.includes(creation.operation)
    ? []
    : defaultsFor(policy, creation.type, objectGroups(creation.attributes));
  const object = build({ ...creation, defaults }, context);
  requireConstraintsMet(policy, object);
  await requireUniqueNames(object, context);
  context.work.insert(object);
  return object;
}

/** The object with all its implicit attributes, not yet in the unit of work. */
export function build(creation: Creation, context: Context): ManagedObject {
  const { crypto, now, principal } = context;
  const { value, id = context.newIdentifier() } = creation;
  requireCounts(value);
  return buildObject({
    operation: creation.operation,
    type: creation.type,
    group: principal.group,
    id,
    attributes: creation.attributes,
    defaults: creation.defaults,
    value,
    now,
    digest: crypto.digestObject(value),
    derived: described(value, context),
    shortIdentifier: crypto.digest('SHA_256', new TextEncoder().encode(id)),
    randomNumberGenerator: creation.generated ? crypto.randomNumberGenerator : undefined,
  });
}

/** Numbers that no key can have, where the material says nothing about them. */
function requireCounts(object: ManagedObjectValue): void {
  if (!hasKeyBlock(object)) return;
  const { CryptographicLength: bits = 0 } = object.value.KeyBlock;
  if (bits < 0) fail('InvalidField', 'Cryptographic Length is negative');
  if (object.type !== 'SplitKey') return;
  const { SplitKeyParts: parts, KeyPartIdentifier: part, SplitKeyThreshold: threshold } = object.value;
  if (threshold < 1 || threshold > parts || part < 1 || part > parts) {
    fail('InvalidField', `part ${part} of ${parts} with a threshold of ${threshold} is no Split Key`);
  }
}

/** What the value itself says: algorithm, length and curve of a key, names and numbers of a certificate. */
function described(value: ManagedObjectValue, { crypto }: Context): readonly StandardAttribute[] {
  if (value.type === 'Certificate') return crypto.describeCertificate(value.value);
  if (!hasKeyBlock(value)) return [];
  const key = plainKey(value.type, value.value.KeyBlock);
  const description = key === undefined ? value.value.KeyBlock : crypto.describeKey(key);
  const names = ['CryptographicAlgorithm', 'CryptographicLength', 'CryptographicDomainParameters'] as const;
  return names.flatMap((name) => {
    const known = (description as Partial<Record<AttributeName, unknown>>)[name];
    return known === undefined ? [] : [{ name, value: known } as StandardAttribute];
  });
}

/** With unique Names switched on, no other object of the group may bear one of these. `classic`: the reason for 1.x. */
export async function requireUniqueNames(
  object: ManagedObject,
  { server, work, now }: Context,
  classic: Reason = 'InvalidField',
): Promise<void> {
  if (!server.uniqueNames) return;
  for (const name of object.attributes.values('Name')) {
    const filter = locateFilter({ attributes: [{ name: 'Name', value: name }], now });
    const { ids } = await work.find({ filter, offset: 0, limit: 2 });
    if (ids.some((id) => id !== object.id)) {
      fail('NonUniqueNameAttribute', 'another object bears that Name already', classic);
    }
  }
}
