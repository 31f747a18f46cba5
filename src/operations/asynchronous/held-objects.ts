import { readJson, writeJson } from '../../common/json.ts';
import type { AnsweredObject, OperationName } from '../context.ts';
import type { Records } from '../work.ts';
import { type DoneJob, jobKinds, readJobRecord } from './jobs.ts';

/** Operations whose answers hold values of objects. */
export const disclosingOperations: ReadonlySet<string> = new Set<OperationName>(['Get', 'Export']);

/** Kind of the records that name the jobs whose answers hold the value of an object, by its identifier. */
export const holdersKind = 'job-holders';

/** Jobs that are named for one object. Further ones take the place of the oldest, which expire soon. */
const maxHolders = 1_000;

/** A finished job whose answers hold the value of an object. */
interface Holder {
  /** Id of the job's records. */
  readonly job: string;
  /** POSIX seconds. */
  readonly expires: number;
}

/**
 * Adds a job to the content of such a record, which may be absent; leaves out jobs that have expired by `now`
 * (POSIX seconds).
 */
export function addHolder(content: Uint8Array | undefined, holder: Holder, now: number): Uint8Array {
  const known = content === undefined ? [] : readJson<readonly Holder[]>(content);
  const kept = known.filter(({ expires }) => expires > now);
  return writeJson([...kept, holder].slice(-maxHolders));
}

/** Overwrites what finished jobs would answer with the value of an object that is destroyed or replaced. */
export async function eraseAnswersWith(id: string, records: Records): Promise<void> {
  const content = await records.load(holdersKind, id);
  if (content === undefined) return;
  for (const { job } of readJson<readonly Holder[]>(content)) {
    const done = readJobRecord<DoneJob>(await records.load(jobKinds.done, job));
    const answers = await records.load(jobKinds.answers, job);
    if (done === undefined || answers === undefined) continue;
    for (const item of done.items) {
      if (!disclosingOperations.has(item.operation) || item.objects === undefined) continue;
      const objects = readJson<readonly AnsweredObject[]>(answers.subarray(...item.objects));
      if (!objects.some((object) => object.id === id)) continue;
      for (const { payload } of item.answers) if (payload !== undefined) answers.fill(0, ...payload);
    }
    records.put(jobKinds.answers, job, answers, done.expires);
  }
  records.remove(holdersKind, id);
}

/** Whether an answer's payload has been overwritten: no payload begins with 0. */
export function isErased(payload: Uint8Array | undefined): boolean {
  return payload?.[0] === 0;
}
