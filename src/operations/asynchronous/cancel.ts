import { CancellationResult } from '../../../codec/enums.ts';
import { bytes, one, struct } from '../../../codec/schema.ts';
import { KmipError } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import { changeItem, endUnrun, type FoundItem, findJob, jobKinds, writeJobRecord } from './jobs.ts';

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
      CancellationResult: found === undefined ? ('Unavailable' as const) : await cancel(found, context),
    };
  },
});

async function cancel(found: FoundItem, context: Context): Promise<CancellationResult> {
  const { records } = context.work;
  // A repeated request, after a lost answer, gets the same answer.
  if (found.item.cancelled === true) return 'Canceled';
  if ('done' in found) {
    return found.item.answers.every(({ status }) => status === 'Success') ? 'Completed' : 'Failed';
  }
  if ('waiting' in found) {
    await withdraw(found, context);
    return 'Canceled';
  }
  const items = changeItem(found.job.items, found.index, { cancelled: true });
  records.put(jobKinds.pending, found.id, writeJobRecord({ ...found.job, items }));
  return 'Canceled';
}

/** Cancels an item of a job that waits for an approval; nobody is asked for one of a job without others. */
async function withdraw(
  { id, index, waiting }: Extract<FoundItem, { waiting: unknown }>,
  { work: { records }, limits, now }: Context,
): Promise<void> {
  const job = { ...waiting, items: changeItem(waiting.items, index, { cancelled: true }) };
  if (!job.items.every(({ cancelled }) => cancelled === true)) {
    records.put(jobKinds.waiting, id, writeJobRecord(job), waiting.approval.keptUntil);
    return;
  }
  const expires = now + limits.jobAnswerSeconds;
  // What is removed has to be read first.
  (await records.load(jobKinds.message, id))?.fill(0);
  for (const kind of [jobKinds.waiting, jobKinds.message]) records.remove(kind, id);
  const refusal = new KmipError('OperationCanceledByRequester', 'the request was cancelled');
  records.put(jobKinds.done, id, writeJobRecord(endUnrun(job, refusal, expires)), expires);
}
