import type { ResponseItem } from '../../../codec/envelope.ts';
import type { ApprovableOperation } from '../../common/client-approvals.ts';
import type { KmipError } from '../../common/errors.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { Authorisation, Bearer, DelegatedRight, Enrolment } from '../../identity/principal.ts';
import type { Context, OperationName } from '../context.ts';
import { authorityOf } from '../enrolment.ts';

/**
 * Kinds of the records of jobs: messages that are answered before they are done (KMIP 2.1 §8.1.2
 * "Asynchronous Indicator"). A job is one message. While the job is pending, its `pending` and `message`
 * records exist under its id (`waiting` in the place of `pending` until it is approved), afterwards `done`
 * and `answers`. The first of each pair is small, so that a search does not load payloads.
 */
export const jobKinds = {
  /** Job as JSON that waits for the approval of an administrator, in the place of `pending`. */
  waiting: 'job-waiting',
  /** Job as JSON. */
  pending: 'job',
  /** The bytes of the request. */
  message: 'job-message',
  /** DoneJob as JSON. */
  done: 'job-done',
  /** The payloads of all answers and the objects of all items, concatenated. */
  answers: 'job-answers',
} as const;

/**
 * Fields of pending and done jobs. Only the client of that enrolment may poll or cancel the job, and only
 * while the ticket that authenticated the request has not ended.
 */
interface JobRecord extends Authorisation {
  /** POSIX microseconds. */
  readonly submitted: number;
}

/** A pending job. */
export interface Job extends JobRecord, Bearer {
  /** Rights of the ticket that restricted the client beyond its role. */
  readonly rights?: readonly DelegatedRight[];
  readonly items: readonly JobItem[];
  /** How often the job was resumed after another process, or this one before a restart, had abandoned it. */
  readonly resumed: number;
  /** Absent where the job needs no approval. */
  readonly approval?: JobApproval;
}

/** Something under the two-person rule that an item of a job does. */
export interface ApprovedAct {
  readonly operation: ApprovableOperation;
  /** Unique Identifier; null: an object that the job makes. */
  readonly object: string | null;
  /** SHA-256 of the value that leaves, in hexadecimal: another one under the identifier does not. */
  readonly value?: string;
}

/** A request of a client for the approval of an administrator, and the approval. */
export interface JobApproval {
  /** The number of the request, by which administrators name it. */
  readonly request: string;
  /** Role of the client when it asked. */
  readonly role: string | undefined;
  /** POSIX seconds: until when it may be approved, and until when its client may ask what became of it. */
  readonly expiresAt: number;
  readonly keptUntil: number;
  /** The administrator who has approved it, and when: POSIX seconds. */
  readonly approvedBy?: string;
  readonly approvedAt?: number;
}

/** A job that waits for its approval. */
export type WaitingJob = Job & Required<Pick<Job, 'approval'>>;

/** One asynchronous batch item of a pending job. */
export interface JobItem {
  readonly operation: OperationName;
  /** Index of the batch item in the message. */
  readonly at: number;
  readonly cancelled?: boolean;
  /** What it may do of what is under the two-person rule, once that is approved; nothing when left out. */
  readonly acts?: readonly ApprovedAct[];
}

/** A finished job. */
export interface DoneJob extends JobRecord {
  /** POSIX seconds. */
  readonly expires: number;
  /** `RoleRestrictions.text` of the client's role when the job ran; absent without restrictions. */
  readonly restrictions?: string;
  readonly items: readonly DoneItem[];
}

/** One batch item of a finished job. */
export interface DoneItem {
  readonly operation: OperationName;
  readonly cancelled?: boolean;
  /** The client has polled the answer. */
  readonly fetched?: boolean;
  /** Several when the item referred to several objects of earlier answers. */
  readonly answers: readonly DoneAnswer[];
  /**
   * Range of its AnsweredObjects as JSON in the `answers` record. Jobs of kmipd before that list have none.
   */
  readonly objects?: readonly [from: number, to: number];
}

/** One answer of a batch item. */
export interface DoneAnswer {
  readonly status: ResponseItem['status'];
  readonly reason?: ResponseItem['reason'];
  readonly message?: string;
  /** Range of its payload in the `answers` record: first byte and one past the last. */
  readonly payload?: readonly [from: number, to: number];
}

/** An item found by its Asynchronous Correlation Value. */
export type FoundItem =
  | { readonly id: string; readonly index: number; readonly job: Job; readonly item: JobItem }
  | { readonly id: string; readonly index: number; readonly waiting: WaitingJob; readonly item: JobItem }
  | { readonly id: string; readonly index: number; readonly done: DoneJob; readonly item: DoneItem };

const microsecondsPerSecond = 1_000_000;
const idBytes = 16;
const valueBytes = idBytes + 4;

/** Asynchronous Correlation Value of one item: the job's random id, then its number in the job. */
export function correlationValue(id: string, index: number): Uint8Array {
  const value = new Uint8Array(valueBytes);
  value.setFromHex(id);
  new DataView(value.buffer).setUint32(idBytes, index);
  return value;
}

/**
 * Whether the principal may poll or cancel the job. Within Rights of a ticket, only jobs of that ticket are
 * allowed.
 */
export async function mayAsk(
  job: JobRecord,
  { principal, renewedAccess }: Pick<Context, 'principal' | 'renewedAccess'>,
): Promise<boolean> {
  if (job.client !== principal.client) return false;
  if (principal.rights !== undefined && job.ticket !== principal.ticket) return false;
  return renewedAccess.isInForce(authorityOfJob(job, principal));
}

/**
 * Returns what authorised a job, to be compared with its client as it is now. Jobs of older kmipds do not
 * name their enrolment: they are of the present one when they were submitted since.
 */
export function authorityOfJob(job: JobRecord, client: Enrolment): Authorisation {
  const isNamed = job.fingerprint !== undefined || job.enrolledAt !== undefined;
  if (isNamed || job.submitted < (client.enrolledAt ?? 0) * microsecondsPerSecond) return job;
  const { fingerprint, enrolledAt } = client;
  return {
    ...job,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(enrolledAt !== undefined && { enrolledAt }),
  };
}

/**
 * Finds the item of a correlation value; undefined when the value is unknown, expired or another client's.
 */
export async function findJob(
  value: Uint8Array,
  context: Pick<Context, 'work' | 'principal' | 'renewedAccess'>,
): Promise<FoundItem | undefined> {
  if (value.length !== valueBytes) return undefined;
  const id = value.subarray(0, idBytes).toHex();
  const index = new DataView(value.buffer, value.byteOffset).getUint32(idBytes);
  const { records } = context.work;
  const job = readJobRecord<Job>(await records.load(jobKinds.pending, id));
  if (job !== undefined) {
    const item = (await mayAsk(job, context)) ? job.items[index] : undefined;
    return item && { id, index, job, item };
  }
  const waiting = readJobRecord<WaitingJob>(await records.load(jobKinds.waiting, id));
  if (waiting !== undefined) {
    const item = (await mayAsk(waiting, context)) ? waiting.items[index] : undefined;
    return item && { id, index, waiting, item };
  }
  const done = readJobRecord<DoneJob>(await records.load(jobKinds.done, id));
  const item = done && (await mayAsk(done, context)) ? done.items[index] : undefined;
  return done && item && { id, index, done, item };
}

/** Decodes a `pending` or `done` record. */
export function readJobRecord<T extends JobRecord>(content: Uint8Array): T;
export function readJobRecord<T extends JobRecord>(content: Uint8Array | undefined): T | undefined;
export function readJobRecord<T extends JobRecord>(content: Uint8Array | undefined): T | undefined {
  return content && readJson<T>(content);
}

/** Encodes a `pending` or `done` record. */
export function writeJobRecord(record: Job | DoneJob): Uint8Array {
  return writeJson(record);
}

/**
 * Returns the record of a job that ends without having been run, in which each item has failed.
 * @param expires POSIX seconds
 */
export function endUnrun(
  { items, submitted, ...job }: Job,
  { reason, message }: KmipError,
  expires: number,
): DoneJob {
  const answers = [{ status: 'OperationFailed', reason, message }] as const;
  return {
    ...authorityOf(job),
    ...{ submitted, expires },
    items: items.map(({ operation, cancelled }) => ({
      ...{ operation, answers },
      ...(cancelled === true && { cancelled }),
    })),
  };
}

/** What a job does of what is under the two-person rule, without items that were cancelled. */
export function actsOf({ items }: Pick<Job, 'items'>): readonly ApprovedAct[] {
  return items.flatMap(({ acts = [], cancelled }) => (cancelled === true ? [] : acts));
}

/** Returns a copy of the list with `change` applied to one item. */
export function changeItem<T>(items: readonly T[], index: number, change: Partial<T>): readonly T[] {
  return items.map((item, at) => (at === index ? { ...item, ...change } : item));
}
