import { QuotaDirectory } from '../../protocol/quota-directory.ts';
import type { MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** The methods about quotas of groups. */
export const quotaMethods: MethodsOf<'quota'> = {
  async 'quota.set'({ store, vault, clients }, { group, objects }) {
    const quotas = new QuotaDirectory(store, vault);
    const isReplaced = await quotas.set(group, objects);
    const hasClients = (await clients.list()).some((client) => client.group === group);
    return { isReplaced, objects: await quotas.count(group), hasClients };
  },
  async 'quota.remove'({ store, vault }, { group }) {
    if (await new QuotaDirectory(store, vault).remove(group)) return {};
    throw new ManagementError(`group ${group} has no quota`);
  },
  async 'quota.list'({ store, vault }) {
    const quotas = await new QuotaDirectory(store, vault).list();
    return quotas.map(({ group, objects: limit, used: objects, setAt }) => ({
      ...{ group, limit, objects, setAt },
    }));
  },
};
