import type { ResponseItem } from '../../../codec/envelope.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { Principal, Right } from '../../identity/principal.ts';
import type { Context, OperationName } from '../context.ts';

/**
 * Messages that are answered before they are done (KMIP 2.1 §8.1.2 "Asynchronous Indicator"), as they rest in records.
 * A job is one message; while it is pending there are `job` and `jobMessage` under its id, afterwards `jobDone` and
 * `jobAnswers`. Facts are small, so that looking for a job does not load what it carries.
 */
export const jobKinds = {
  /** Job as JSON. */
  pending: 'job',
  /** The bytes of the request. */
  message: 'job-message',
  /** DoneJob as JSON. */
  done: 'job-done',
  /** The payloads of all answers, one after the other. */
  answers: 'job-answers',
} as const;

interface JobRecord {
  /** Only this client may ask about it. */
  readonly client: string;
  /** It was asked for by this ticket. */
  readonly ticket?: string;
  /** POSIX microseconds. */
  readonly submitted: number;
}

export interface Job extends JobRecord {
  /** What the client was held to when it asked, beyond its role. */
  readonly rights?: readonly Right[];
  readonly items: readonly JobItem[];
  /** How often work was taken up that another process, or this one before a restart, had left. */
  readonly resumed: number;
}

export interface JobItem {
  readonly operation: OperationName;
  /** Its place in the message. */
  readonly at: number;
  readonly cancelled?: boolean;
}

export interface DoneJob extends JobRecord {
  /** POSIX seconds. */
  readonly expires: number;
  readonly items: readonly DoneItem[];
}

export interface DoneItem {
  readonly operation: OperationName;
  readonly cancelled?: boolean;
  /** Its answer has been fetched. */
  readonly fetched?: boolean;
  /** More than one where the item referred to several objects of earlier answers. */
  readonly answers: readonly DoneAnswer[];
}

export interface DoneAnswer {
  readonly status: ResponseItem['status'];
  readonly reason?: ResponseItem['reason'];
  readonly message?: string;
  /** Where its payload stands among all: first byte and one past the last. */
  readonly payload?: readonly [from: number, to: number];
}

/** An item as a client asks about it. */
export type Found =
  | { readonly id: string; readonly index: number; readonly job: Job; readonly item: JobItem }
  | { readonly id: string; readonly index: number; readonly done: DoneJob; readonly item: DoneItem };

const idBytes = 16;
const valueBytes = idBytes + 4;

/** Asynchronous Correlation Value of one item: the job's random id, then its number in the job. */
export function correlationValue(id: string, index: number): Uint8Array {
  const value = new Uint8Array(valueBytes);
  value.setFromHex(id);
  new DataView(value.buffer).setUint32(idBytes, index);
  return value;
}

/** A client may ask about all it has asked for; who acts within Rights of it, about what that ticket was shown with. */
export function mayAsk({ client, rights, ticket }: Principal, job: JobRecord): boolean {
  return job.client === client && (rights === undefined || job.ticket === ticket);
}

/** The item a value was given out for; undefined when it was not, is too long ago, or was another client's. */
export async function findJob(
  value: Uint8Array,
  { work: { records }, principal }: Pick<Context, 'work' | 'principal'>,
): Promise<Found | undefined> {
  if (value.length !== valueBytes) return undefined;
  const id = value.subarray(0, idBytes).toHex();
  const index = new DataView(value.buffer, value.byteOffset).getUint32(idBytes);
  const job = readJobRecord<Job>(await records.load(jobKinds.pending, id));
  if (job !== undefined) {
    const item = mayAsk(principal, job) ? job.items[index] : undefined;
    return item && { id, index, job, item };
  }
  const done = readJobRecord<DoneJob>(await records.load(jobKinds.done, id));
  const item = done && mayAsk(principal, done) ? done.items[index] : undefined;
  return done && item && { id, index, done, item };
}

export function readJobRecord<T extends JobRecord>(content: Uint8Array): T;
export function readJobRecord<T extends JobRecord>(content: Uint8Array | undefined): T | undefined;
export function readJobRecord<T extends JobRecord>(content: Uint8Array | undefined): T | undefined {
  return content && readJson<T>(content);
}

export function writeJobRecord(record: Job | DoneJob): Uint8Array {
  return writeJson(record);
}

/** The list with one of its items changed. */
export function changed<T>(items: readonly T[], index: number, change: Partial<T>): readonly T[] {
  return items.map((item, at) => (at === index ? { ...item, ...change } : item));
}
