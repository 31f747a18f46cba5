import type { ResponseItem } from '../../../codec/envelope.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { concatBytes } from '../../common/bytes.ts';
import { type DoneItem, type Job, jobKinds, writeJobRecord } from '../../operations/asynchronous/jobs.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** A job that was executed. */
export interface FinishedJob {
  readonly id: string;
  readonly group: string;
  readonly job: Job;
  /** The answers to each item of the job. */
  readonly answers: readonly (readonly ResponseItem[])[];
  /** POSIX seconds from which on the answers can no longer be fetched. */
  readonly expires: number;
}

/**
 * Replaces the records of a pending job by those of a finished one, within the unit of work. All payloads
 * become one record, and the items refer to their parts of it by offset.
 */
export function storeJobAnswers(unit: UnitOfWork, { id, group, job, answers, expires }: FinishedJob): void {
  const { client, ticket, submitted } = job;
  const payloads = answers.map((each) => each.map(({ payload }) => payload && encodeMessage(payload)));
  const items = doneItems(job, answers, payloads);
  const content = concatBytes(payloads.flat().filter((payload) => payload !== undefined));
  unit.removeRecord(jobKinds.pending, id);
  unit.removeRecord(jobKinds.message, id);
  const owner = { client, ...(ticket !== undefined && { ticket }) };
  unit.putRecord(jobKinds.done, id, group, writeJobRecord({ ...owner, submitted, expires, items }), expires);
  unit.putRecord(jobKinds.answers, id, group, content, expires);
  content.fill(0);
}

function doneItems(
  { items }: Job,
  answers: FinishedJob['answers'],
  payloads: readonly (readonly (Uint8Array | undefined)[])[],
): DoneItem[] {
  let offset = 0;
  return items.map(({ operation, cancelled }, index): DoneItem => {
    const stored = (answers[index] ?? []).map(({ status, reason, message }, which) => {
      const from = offset;
      const payload = payloads[index]?.[which];
      offset += payload?.length ?? 0;
      return {
        status,
        ...(reason !== undefined && { reason }),
        ...(message !== undefined && { message }),
        ...(payload !== undefined && { payload: [from, offset] as const }),
      };
    });
    return { operation, ...(cancelled === true && { cancelled }), answers: stored };
  });
}
