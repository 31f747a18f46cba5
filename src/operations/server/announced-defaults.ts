import type { Attribute } from '../../../codec/attribute.ts';
import type { Infer } from '../../../codec/schema.ts';
import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { DefaultsInformation, ObjectDefaults } from '../../../codec/structures/query.ts';
import { isTagKnownIn } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';
import { defaultUsageMask } from '../../crypto/default-usage-mask.ts';
import { defaultLeaseSeconds, mergeTemplates } from '../../object/creation.ts';
import { defaultsFor, type GroupPolicy, groupsOf, typesOf } from '../../object/group-policy.ts';
import { locateFilter } from '../../object/locate-filter.ts';
import { VaultUnavailableError } from '../../vault/vault.ts';
import type { Context } from '../context.ts';
import { loadPolicy } from '../group-policy-record.ts';

/** Object types for which the server itself has default attributes. */
const serverTypes: readonly ObjectTypeName[] = ['SymmetricKey', 'PrivateKey', 'PublicKey', 'SecretData'];

function serverDefaults(type: ObjectTypeName): readonly Attribute[] {
  return [
    { name: 'CryptographicUsageMask', value: defaultUsageMask(type, undefined) ?? 0 },
    { name: 'LeaseTime', value: defaultLeaseSeconds },
    { name: 'Sensitive', value: false },
    { name: 'Extractable', value: true },
  ];
}

/** Object Groups of one Query: each may cost a search. */
const maxGroups = 64;

/**
 * Lists the defaults in force for the answer of Query (KMIP 2.1 §7.9): the server's own, overridden by those
 * of the client's group, then those for single Object Groups, for which 2.0 has no field. With `requested`,
 * only those in force in these Object Groups.
 * @throws {KmipError} UnknownObjectGroup for a group in no default, constraint or object, ServerLimitExceeded
 *   for too many
 */
export async function announcedDefaults(
  requested: readonly string[],
  context: Context,
): Promise<Infer<typeof DefaultsInformation>> {
  if (requested.length > maxGroups) fail('ServerLimitExceeded', `no more than ${maxGroups} Object Groups`);
  const policy = await loadPolicyIfUnsealed(context);
  for (const group of requested) {
    if (!(await isKnown(group, policy, context)))
      fail('UnknownObjectGroup', 'neither objects nor defaults belong to an Object Group of that name');
  }
  if (requested.length > 0)
    return { ObjectDefaults: requested.flatMap((group) => effectiveDefaults(policy, group)) };
  return { ObjectDefaults: [...effectiveDefaults(policy), ...groupDefaults(policy, context.version)] };
}

/**
 * While the vault is sealed the policy cannot be read, and nothing can be created either, so it counts as
 * empty.
 */
async function loadPolicyIfUnsealed(context: Context): Promise<GroupPolicy> {
  try {
    return await loadPolicy(context);
  } catch (error) {
    if (error instanceof VaultUnavailableError) return { constraints: [], defaults: [] };
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

/** Defaults in force in one Object Group, or outside all groups; one entry for each type. */
function effectiveDefaults(policy: GroupPolicy, group?: string): ObjectDefaults[] {
  const groups = group === undefined ? [] : [group];
  const set = policy.defaults.filter(
    (entry) => groupsOf(entry).length === 0 || groupsOf(entry).some((each) => each === group),
  );
  const types = new Set([...serverTypes, ...set.flatMap((entry) => typesOf(entry) as ObjectTypeName[])]);
  return [...types].map((type) => {
    const serverSet = serverTypes.includes(type) ? serverDefaults(type) : [];
    return {
      // 2.0 names one type, 2.1 several.
      ObjectType: type,
      ObjectTypes: { ObjectType: [type] },
      Attributes: mergeTemplates(serverSet, defaultsFor(policy, type, groups)),
      ...(groups.length > 0 && { ObjectGroups: { ObjectGroup: groups } }),
    };
  });
}

/** Entries for single Object Groups, as they were set; 2.0 cannot express the groups. */
function groupDefaults({ defaults }: GroupPolicy, version: Version): ObjectDefaults[] {
  return isTagKnownIn('ObjectGroups', version) ? defaults.filter((entry) => groupsOf(entry).length > 0) : [];
}
