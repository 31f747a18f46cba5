import { didYouMean } from '../../common/suggest.ts';
import type { Client } from '../../identity/principal.ts';
import {
  GrantDirectory,
  type ListedGrant,
  namesOfGrantable,
  reasonNotToGrant,
} from '../../protocol/grant-directory.ts';
import type { ManagementBackends, MethodsOf, ParamsOf, ResultOf } from '../api.ts';
import { ManagementError } from '../errors.ts';
import { type GranteeChoice, type GrantSummary, nameGrantee } from '../grant-api.ts';
import { readLatestTime } from '../latest-time.ts';
import { requireClient } from './enrolled.ts';

type NamedGrantee = Parameters<GrantDirectory['remove']>[1];

/** The methods about grants of single objects to clients of other groups. */
export const grantMethods: MethodsOf<'grant'> = {
  'grant.add': add,
  async 'grant.list'({ store, vault, clients, nodes }, { object }) {
    const grants = await new GrantDirectory(store, vault).list(object);
    if (grants.length === 0) return [];
    const enrolled = await clients.list();
    const time = await readLatestTime(nodes);
    return grants.map((grant) => describeGrant(grant, enrolled, time));
  },
  async 'grant.remove'({ store, vault }, { object, ...choice }) {
    if (await new GrantDirectory(store, vault).remove(object, toGrantee(choice))) return {};
    throw new ManagementError(`${nameGrantee(choice)} has no grant of ${JSON.stringify(object)}`);
  },
};

async function add(
  backends: ManagementBackends,
  { object, operations, until, ...choice }: ParamsOf<'grant.add'>,
): Promise<ResultOf<'grant.add'>> {
  const { store, vault, clients, nodes } = backends;
  for (const operation of operations) requireGrantable(operation);
  const to = toGrantee(choice);
  const client = 'client' in to ? await requireClient(clients, to.client) : undefined;
  if ('group' in to && !(await clients.list()).some(({ group }) => group === to.group))
    throw new ManagementError(`no client of group ${to.group} is enrolled`);
  const grant = { to, operations: [...new Set(operations)], ...(until !== undefined && { until }) };
  const time = await readLatestTime(nodes);
  const added = await new GrantDirectory(store, vault).add(object, grant, time);
  if (typeof added === 'string') throw new ManagementError(`nothing was granted: ${added}`);
  return { ...added, unpermitted: client === undefined ? [] : findUnpermitted(backends, client, operations) };
}

/** @throws {ManagementError} when no grant may name the operation */
function requireGrantable(operation: string): void {
  if (namesOfGrantable.includes(operation)) return;
  const reason = reasonNotToGrant(operation);
  throw new ManagementError(
    reason === undefined
      ? `${JSON.stringify(operation)} is no operation of KMIP${didYouMean(operation, namesOfGrantable)}`
      : `${operation} cannot be granted: ${reason}; those that can are ${namesOfGrantable.join(', ')}`,
  );
}

/** Returns the operations that the role of a client does not permit. */
function findUnpermitted(
  { roles }: ManagementBackends,
  { role: name }: Client,
  operations: readonly string[],
): readonly string[] {
  const role = roles().find((each) => each.name === name);
  return operations.filter((operation) => role?.permissions.has(operation) !== true);
}

function toGrantee({ client, group }: GranteeChoice): NamedGrantee {
  return client === undefined ? { group: group ?? '' } : { client };
}

function describeGrant(grant: ListedGrant, enrolled: readonly Client[], time: number): GrantSummary {
  const { object, group: owner, to, operations, until, grantedAt } = grant;
  const isUsed = enrolled.some(({ name, enrolledAt, group }) =>
    'client' in to ? name === to.client && enrolledAt === to.enrolledAt : group === to.group,
  );
  const isOver = until !== undefined && until <= time;
  return {
    ...{ object, owner, client: 'client' in to ? to.client : null, group: 'group' in to ? to.group : null },
    ...{ operations, until: until ?? null, grantedAt },
    state: isOver ? 'ended' : isUsed ? 'active' : 'unused',
  };
}
