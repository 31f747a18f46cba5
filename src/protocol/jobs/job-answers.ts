import type { ResponseItem } from '../../../codec/envelope.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { concatBytes } from '../../common/bytes.ts';
import { writeJson } from '../../common/json.ts';
import { barsOf } from '../../object/bars.ts';
import { addHolder, disclosingOperations, holdersKind } from '../../operations/asynchronous/held-objects.ts';
import { type DoneItem, type Job, jobKinds, writeJobRecord } from '../../operations/asynchronous/jobs.ts';
import type { AnsweredObject } from '../../operations/context.ts';
import { authorityOf } from '../../operations/enrolment.ts';
import type { ItemObjects } from '../unit-of-work/unit-objects.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** A job that was executed. */
export interface FinishedJob {
  readonly id: string;
  readonly group: string;
  readonly job: Job;
  /** The answers to each item of the job. */
  readonly answers: readonly (readonly ResponseItem[])[];
  /** The objects of each item of the job; none of one that has failed. */
  readonly objects: readonly (ItemObjects | undefined)[];
  /** POSIX seconds from which on the answers can no longer be fetched. */
  readonly expires: number;
  /** As in `DoneJob`. */
  readonly restrictions?: string | undefined;
}

/**
 * Replaces the records of a pending job by those of a finished one, within the unit of work. All payloads
 * become one record with the objects that they are about, and the items refer to their parts of it by offset.
 */
export async function storeJobAnswers(unit: UnitOfWork, finished: FinishedJob): Promise<void> {
  const { id, group, job, answers, objects, expires, restrictions } = finished;
  const payloads = answers.map((each) => each.map(({ payload }) => payload && encodeMessage(payload)));
  const parts = payloads.flat().filter((payload) => payload !== undefined);
  let offset = parts.reduce((sum, { length }) => sum + length, 0);
  const items: DoneItem[] = [];
  const held = new Set<string>();
  for (const [index, item] of doneItems(job, answers, payloads).entries()) {
    const described = await describeObjects(objects[index], unit);
    if (disclosingOperations.has(item.operation)) for (const each of described) held.add(each.id);
    const list = writeJson(described);
    items.push({ ...item, objects: [offset, offset + list.length] });
    parts.push(list);
    offset += list.length;
  }
  for (const object of held) {
    const known = (await unit.record(holdersKind, object))?.content;
    const holders = addHolder(known, { job: id, expires }, unit.now);
    unit.putRecord(holdersKind, object, group, holders, expires);
  }
  const content = concatBytes(parts);
  unit.removeRecord(jobKinds.pending, id);
  unit.removeRecord(jobKinds.message, id);
  const ran = { submitted: job.submitted, expires, ...(restrictions !== undefined && { restrictions }) };
  const done = writeJobRecord({ ...authorityOf(job), ...ran, items });
  unit.putRecord(jobKinds.done, id, group, done, expires);
  unit.putRecord(jobKinds.answers, id, group, content, expires);
  content.fill(0);
}

/** Describes objects as the job leaves them; what it has not made in the end is left out. */
async function describeObjects(
  objects: ItemObjects | undefined,
  unit: UnitOfWork,
): Promise<AnsweredObject[]> {
  const { read, found } = objects ?? { read: [], found: [] };
  const described = new Map<string, AnsweredObject>(found.map((id) => [id, { id }]));
  for (const id of read) {
    const object = await unit.load(id);
    if (object === undefined) described.delete(id);
    else described.set(id, { id, bars: barsOf(object) });
  }
  return [...described.values()];
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
