import { CancellationResult } from '../../../codec/enums.ts';
import { bytes, one, struct } from '../../../codec/schema.ts';
import type { Context } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import { changeItem, type FoundItem, findJob, jobKinds, writeJobRecord } from './jobs.ts';

/**
 * Cancel (KMIP 2.1 §6.1.5, 1.4 §4.27): cancels a pending request. Work in progress on a cancelled request
 * fails to commit, so every unfinished request can be cancelled and Unable To Cancel is never answered.
 */
export const Cancel = operation({
  name: 'Cancel',
  since: '1.0',
  request: struct({ AsynchronousCorrelationValue: one(bytes) }),
  response: struct({ AsynchronousCorrelationValue: one(bytes), CancellationResult: one(CancellationResult) }),
  target: conversation(),
  limitedRight: 'own-jobs',
  values: 'unused',
  async handle({ AsynchronousCorrelationValue }, context) {
    const found = await findJob(AsynchronousCorrelationValue, context);
    return {
      AsynchronousCorrelationValue,
      CancellationResult: found === undefined ? ('Unavailable' as const) : cancel(found, context),
    };
  },
});

function cancel(found: FoundItem, { work: { records } }: Context): CancellationResult {
  // A repeated request, after a lost answer, gets the same answer.
  if (found.item.cancelled === true) return 'Canceled';
  if ('done' in found) {
    return found.item.answers.every(({ status }) => status === 'Success') ? 'Completed' : 'Failed';
  }
  const items = changeItem(found.job.items, found.index, { cancelled: true });
  records.put(jobKinds.pending, found.id, writeJobRecord({ ...found.job, items }));
  return 'Canceled';
}
