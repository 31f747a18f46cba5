import { didYouMean } from '../../common/suggest.ts';
import { explain, explainedOperations } from '../../protocol/explanation.ts';
import type { MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';
import { readLatestTime } from '../latest-time.ts';

/** The methods about what clients may do. */
export const policyMethods: MethodsOf<'policy'> = {
  async 'policy.explain'(backends, query) {
    const { operation } = query;
    if (!explainedOperations.includes(operation))
      throw new ManagementError(
        `${JSON.stringify(operation)} is no operation of KMIP and no other permission${didYouMean(operation, explainedOperations)}`,
      );
    return explain(query, { ...backends, latestTime: () => readLatestTime(backends.nodes) });
  },
};
