import { maybe, struct } from '../../../codec/schema.ts';
import { Constraints } from '../../../codec/structures/query.ts';
import { requireValidConstraints } from '../../object/group-policy.ts';
import { loadPolicy, savePolicy } from '../group-policy-record.ts';
import { conversation, operation } from '../operation.ts';

/**
 * Set Constraints (KMIP 2.1 §6.1.52): replaces the conditions that new objects of the client's group must
 * meet; without constraints there are none.
 */
export const SetConstraints = operation({
  name: 'SetConstraints',
  since: '2.1',
  request: struct({ Constraints: maybe(Constraints) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'nothing',
  async handle(request, context) {
    const constraints = request.Constraints?.Constraint ?? [];
    requireValidConstraints(constraints);
    savePolicy({ ...(await loadPolicy(context)), constraints }, context);
    return {};
  },
});
