import { bytes, one, struct } from '../../../codec/schema.ts';
import { fail } from '../../common/errors.ts';
import { conversation, operation } from '../operation.ts';
import { findJob } from './jobs.ts';

/**
 * Process (KMIP 2.1 §6.1.39): executes a pending request before answering, so that the next Poll finds it
 * done.
 */
export const Process = operation({
  name: 'Process',
  since: '2.1',
  request: struct({ AsynchronousCorrelationValue: one(bytes) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'own-jobs',
  values: 'unused',
  async handle({ AsynchronousCorrelationValue }, context) {
    const found = await findJob(AsynchronousCorrelationValue, context);
    if (found === undefined)
      fail(
        'InvalidAsynchronousCorrelationValue',
        'no request of yours is known under that correlation value',
      );
    if ('job' in found) await context.jobs.finish(found.id);
    return {};
  },
});
