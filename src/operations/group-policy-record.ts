import { plan } from '../../codec/plan.ts';
import { maybe, one, struct } from '../../codec/schema.ts';
import { Constraints, DefaultsInformation } from '../../codec/structures/query.ts';
import { tagNumber } from '../../codec/tags.ts';
import { newestVersion } from '../../codec/version.ts';
import { BinaryReader } from '../../codec/wire/binary-reader.ts';
import { encodeMessage } from '../../codec/wire/binary-writer.ts';
import { fail, MissingPermissionError } from '../common/errors.ts';
import { type GroupPolicy, withoutNames } from '../object/group-policy.ts';
import type { Context } from './context.ts';

/**
 * The record of a group's policy. Each group has one, under its name, so that a creation reads one record.
 */

/** Kind of the records. */
export const groupPolicyKind = 'policy';
const recordPlan = plan(
  struct({ Constraints: one(Constraints), DefaultsInformation: maybe(DefaultsInformation) }),
  newestVersion,
);
const tag = tagNumber('RequestPayload');
const emptyPolicy: GroupPolicy = { constraints: [], defaults: [] };

/** Loads the policy of the principal's group; an empty one when the group has set none. */
export async function loadPolicy({ work, principal }: Context): Promise<GroupPolicy> {
  const content = await work.records.load(groupPolicyKind, principal.group);
  if (content === undefined) return emptyPolicy;
  const { Constraints: constraints, DefaultsInformation: defaults } = recordPlan.read(
    new BinaryReader(content),
  );
  return { constraints: constraints.Constraint, defaults: withoutNames(defaults?.ObjectDefaults ?? []) };
}

/**
 * Replaces the policy of the principal's group, which must have been loaded in this message. It decides for
 * all clients of the group, so the principal needs the permission `GroupPolicy`.
 * @throws {KmipError} PermissionDenied
 */
export function savePolicy({ constraints, defaults }: GroupPolicy, { work, principal }: Context): void {
  // The Rights of a ticket name operations only, so a ticket with Rights has no permission beside them.
  if (principal.rights !== undefined)
    fail('PermissionDenied', 'with Rights of a ticket the constraints and defaults stay as they are');
  if (!principal.may('GroupPolicy')) throw new MissingPermissionError(principal.client, 'GroupPolicy');
  if (constraints.length + defaults.length === 0) {
    work.records.remove(groupPolicyKind, principal.group);
    return;
  }
  const content = encodeMessage((writer) =>
    recordPlan.write(writer, tag, {
      Constraints: { Constraint: [...constraints] },
      DefaultsInformation: { ObjectDefaults: [...defaults] },
    }),
  );
  work.records.put(groupPolicyKind, principal.group, content);
}
