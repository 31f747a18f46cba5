import type { Attribute } from '../../codec/attribute.ts';
import type { Infer } from '../../codec/schema.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { DefaultsInformation, ObjectDefaults } from '../../codec/structures/query.ts';
import { tagKnown } from '../../codec/tags.ts';
import type { Version } from '../../codec/version.ts';
import { fail } from '../errors.ts';
import { defaultLeaseSeconds, mergeTemplates } from '../object/creation.ts';
import { defaultsFor, type GroupPolicy, groupsOf, typesOf } from '../object/group-policy.ts';
import { locateFilter } from '../object/locate-filter.ts';
import { defaultUsageMask } from '../object/usage.ts';
import { VaultUnavailable } from '../vault/vault.ts';
import { loadPolicy } from './group-policy.ts';
import type { Context } from './operation.ts';

/** Object types of which the server itself sets some attributes that its client says nothing of. */
const ownTypes: readonly ObjectTypeName[] = ['SymmetricKey', 'PrivateKey', 'PublicKey', 'SecretData'];

function ownDefaults(type: ObjectTypeName): readonly Attribute[] {
  return [
    { name: 'CryptographicUsageMask', value: defaultUsageMask(type, undefined) ?? 0 },
    { name: 'LeaseTime', value: defaultLeaseSeconds },
    { name: 'Sensitive', value: false },
    { name: 'Extractable', value: true },
  ];
}

/**
 * The defaults in force, as Query tells them (KMIP 2.1 §7.9): the server's own, overruled by those that the client's group
 * has set; then those for single Object Groups, which 2.0 has no field for. `asked`: those for these Object Groups alone.
 * Fails with UnknownObjectGroup for one that neither defaults nor constraints nor objects know.
 */
export async function announcedDefaults(
  asked: readonly string[],
  context: Context,
): Promise<Infer<typeof DefaultsInformation>> {
  const policy = await policyOf(context);
  for (const group of asked) {
    if (!(await isKnown(group, policy, context)))
      fail('UnknownObjectGroup', 'neither objects nor defaults belong to an Object Group of that name');
  }
  const special = ofGroups(policy, context.version, asked);
  return { ObjectDefaults: asked.length > 0 ? special : [...ofAll(policy), ...special] };
}

/** What a group has set cannot be read while the vault is sealed, and then nothing can be created either. */
async function policyOf(context: Context): Promise<GroupPolicy> {
  try {
    return await loadPolicy(context);
  } catch (error) {
    if (error instanceof VaultUnavailable) return { constraints: [], defaults: [] };
    throw error;
  }
}

async function isKnown(
  group: string,
  { constraints, defaults }: GroupPolicy,
  { work, now }: Context,
): Promise<boolean> {
  if ([...constraints, ...defaults].some((entry) => groupsOf(entry).includes(group))) return true;
  const filter = locateFilter({ attributes: [{ name: 'ObjectGroup', value: group }], now });
  return (await work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

function ofAll(policy: GroupPolicy): ObjectDefaults[] {
  const set = policy.defaults.filter((entry) => groupsOf(entry).length === 0);
  const types = new Set([...ownTypes, ...set.flatMap((entry) => typesOf(entry) as ObjectTypeName[])]);
  return [...types].map((type) => {
    const own = ownTypes.includes(type) ? ownDefaults(type) : [];
    return defaultsOf(type, mergeTemplates(own, defaultsFor(policy, type, [])));
  });
}

function ofGroups({ defaults }: GroupPolicy, version: Version, asked: readonly string[]): ObjectDefaults[] {
  if (!tagKnown('ObjectGroups', version)) return [];
  return defaults.filter((entry) => {
    const groups = groupsOf(entry);
    return groups.length > 0 && (asked.length === 0 || groups.some((group) => asked.includes(group)));
  });
}

/** In the forms of both versions: 2.0 names one type, 2.1 several. */
function defaultsOf(type: ObjectTypeName, attributes: Attribute[]): ObjectDefaults {
  return { ObjectType: type, ObjectTypes: { ObjectType: [type] }, Attributes: attributes };
}
