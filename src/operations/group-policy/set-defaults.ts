import { maybe, struct } from '../../../codec/schema.ts';
import { DefaultsInformation } from '../../../codec/structures/query.ts';
import { requireValidDefaults, typesOf } from '../../object/group-policy.ts';
import { loadPolicy, savePolicy } from '../group-policy-record.ts';
import { conversation, operation } from '../operation.ts';

/**
 * Set Defaults (KMIP 2.1 §6.1.53): replaces the default attributes of new objects of the client's group;
 * without defaults only the server's own remain.
 */
export const SetDefaults = operation({
  name: 'SetDefaults',
  since: '2.1',
  request: struct({ DefaultsInformation: maybe(DefaultsInformation) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'nothing',
  async handle(request, context) {
    const given = request.DefaultsInformation?.ObjectDefaults ?? [];
    requireValidDefaults(given);
    const defaults = given.map(({ Attributes, ObjectGroups, ...scope }) => ({
      ObjectTypes: { ObjectType: [...typesOf(scope)] },
      Attributes,
      ObjectGroups,
    }));
    savePolicy({ ...(await loadPolicy(context)), defaults }, context);
    return {};
  },
});
