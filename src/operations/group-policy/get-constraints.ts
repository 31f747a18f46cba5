import { one, struct } from '../../../codec/schema.ts';
import { Constraints } from '../../../codec/structures/query.ts';
import { loadPolicy } from '../group-policy-record.ts';
import { conversation, operation } from '../operation.ts';

/** Get Constraints (KMIP 2.1 §6.1.22): the constraints of the client's group, in their order. */
export const GetConstraints = operation({
  name: 'GetConstraints',
  since: '2.1',
  request: struct({}),
  response: struct({ Constraints: one(Constraints) }),
  target: conversation(),
  limitedRight: 'nothing',
  async handle(_request, context) {
    const { constraints } = await loadPolicy(context);
    return { Constraints: { Constraint: [...constraints] } };
  },
});
