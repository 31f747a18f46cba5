import {
  decodeRequest,
  guessVersion,
  type RequestItem,
  type RequestMessage,
  type ResponseItem,
} from '../../../codec/envelope.ts';
import type { Version } from '../../../codec/version.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { concatBytes } from '../../common/bytes.ts';
import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { CryptographyBusyError } from '../../crypto/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import {
  type DoneItem,
  type Job,
  jobKinds,
  readJobRecord,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { Jobs } from '../../operations/context.ts';
import { StoreUnavailableError } from '../../store/store.ts';
import { VaultUnavailableError } from '../../vault/vault.ts';
import type { AuthenticatedRequest } from '../authentication/authentication.ts';
import { asRefusal } from '../batch/failure.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

export interface JobQueueOptions {
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly begin: () => UnitOfWork;
  readonly unsealed: () => boolean;
  /** The client as it is enrolled now; undefined when it may not speak. */
  readonly principal: (client: string) => Promise<Principal | undefined>;
  /** Runs the items in the unit as a batch: the answers to each, fewer when one of them ended it. Rejects in bad weather. */
  run(
    request: RequestMessage,
    unit: UnitOfWork,
    speaker: AuthenticatedRequest,
    isCancelled: (item: RequestItem) => boolean,
  ): Promise<readonly (readonly ResponseItem[])[]>;
  /** The job is done, durably. */
  done(
    client: string,
    version: Version,
    answers: readonly ResponseItem[],
    milliseconds: number,
    unit: UnitOfWork,
  ): void;
  /** The job stays pending. */
  failed(error: unknown, client: string): void;
}

interface Waiting {
  readonly id: string;
  readonly group: string;
  readonly client: string;
  /** Somebody else, or this process before a restart, had it first. */
  readonly left?: boolean;
}

/** Jobs at work at one time: what takes long waits for the few searches for primes that run at once anyway. */
const atOnce = 2;
/** A job is played again when others change what it reads, as every message is; then it fails. */
const maxPlays = 32;
/** A job that is taken up so often ends the process each time. */
const maxResumed = 8;
/** What another process left is taken up after this time: while it lives it is at it itself. */
const leftAfterMilliseconds = 300_000;

/**
 * Does what was answered as pending, in the order it came within each group. The records are the truth: objects, answers
 * and the end of the job are one commit, so a job is done once, whoever does it and whatever is killed meanwhile. This
 * queue only remembers which jobs there are.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #known = new Map<string, Waiting>();
  readonly #running = new Map<string, Promise<void>>();
  #waiting: Waiting[] = [];
  /** What was there before this process has been found. */
  #started = false;
  /** Begun in bad weather. */
  #postponed: Waiting[] = [];
  #lookedAt = 0;
  #closed = false;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#known.size;
  }

  pendingOf(client: string): number {
    return [...this.#known.values()].filter((job) => job.client === client).length;
  }

  add(job: Waiting): void {
    if (this.#known.has(job.id)) return;
    this.#known.set(job.id, job);
    this.#waiting.push(job);
    this.#startSome();
  }

  /** As an operation sees it; `inJob`: it is itself part of a job, which must not wait for another. */
  portFor({ client, group }: Principal, inJob: boolean): Jobs {
    return {
      isRunning: (id) => this.#running.has(id),
      finish: async (id) => {
        const job = this.#known.get(id) ?? { id, client, group };
        const isOther = (waiting: Waiting): boolean => waiting.id !== id;
        this.#waiting = this.#waiting.filter(isOther);
        this.#postponed = this.#postponed.filter(isOther);
        if (!inJob) await (this.#running.get(id) ?? this.#start(job));
        else if (this.#known.has(id) && !this.#running.has(id)) this.#waiting.unshift(job);
      },
    };
  }

  /** Finds what a restart, another process or bad weather has left; to be called every few seconds. */
  async look(): Promise<void> {
    const { clock, limits, begin, unsealed } = this.#options;
    if (this.#closed || !unsealed()) return;
    this.#waiting.unshift(...this.#postponed.splice(0));
    this.#startSome();
    if (this.#started && clock() - this.#lookedAt < leftAfterMilliseconds) return;
    this.#lookedAt = clock();
    for (const { id, group, content } of await begin().everyRecord(jobKinds.pending, limits.jobs)) {
      const { client, submitted } = readJobRecord<Job>(content);
      if (!this.#started || submitted / 1000 <= clock() - leftAfterMilliseconds)
        this.add({ id, group, client, left: true });
    }
    this.#started = true;
  }

  /** Starts nothing more, and waits a while for what is at work; what is not done then stays pending. */
  async close(): Promise<void> {
    this.#closed = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.limits.drainMilliseconds);
    await Promise.race([late, Promise.allSettled(this.#running.values())]);
    clearTimeout(timer);
  }

  #startSome(): void {
    while (!this.#closed && this.#running.size < atOnce) {
      const busy = new Set([...this.#running.keys()].map((id) => this.#known.get(id)?.group));
      const next = this.#waiting.find(({ group }) => !busy.has(group));
      if (next === undefined) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      this.#start(next).catch(() => {});
    }
  }

  #start(job: Waiting): Promise<void> {
    this.#known.set(job.id, job);
    const end = this.#do(job)
      .finally(() => {
        this.#running.delete(job.id);
        this.#known.delete(job.id);
      })
      .catch((error: unknown) => {
        if (!this.#closed) this.#options.failed(error, job.client);
        if (isTransient(error)) {
          this.#known.set(job.id, job);
          this.#postponed.push(job);
        }
        throw error;
      })
      .finally(() => this.#startSome());
    this.#running.set(job.id, end);
    return end;
  }

  async #do({ id, left }: Waiting): Promise<void> {
    const started = performance.now();
    if (left === true) await this.#takeUp(id);
    let request: RequestMessage | KmipError | undefined;
    for (let play = 1; ; play++) {
      const unit = this.#options.begin();
      const found = await unit.record(jobKinds.pending, id);
      const message = await unit.record(jobKinds.message, id);
      // Done by another process.
      if (found === undefined || message === undefined) return;
      unit.actFor(found.group);
      const job = readJobRecord<Job>(found.content);
      // Read once: data in parts must know its item again.
      request ??= this.#read(message.content);
      const ended = endOf(job, play);
      const answers =
        request instanceof KmipError || ended !== undefined
          ? job.items.map(({ operation }) => [failed(operation, ended ?? (request as KmipError))])
          : await this.#answers(job, request, unit, found.group);
      this.#finish(unit, id, found.group, job, answers);
      if ((await unit.commit()) !== 'committed') continue;
      const version = guessVersion(message.content);
      this.#options.done(job.client, version, answers.flat(), performance.now() - started, unit);
      return;
    }
  }

  /** Notes that work was taken up again, before it can end the process again. */
  async #takeUp(id: string): Promise<void> {
    const unit = this.#options.begin();
    const found = await unit.record(jobKinds.pending, id);
    if (found === undefined) return;
    const job = readJobRecord<Job>(found.content);
    const facts = writeJobRecord({ ...job, resumed: job.resumed + 1 });
    unit.putRecord(jobKinds.pending, id, found.group, facts);
    await unit.commit();
  }

  #read(message: Uint8Array): RequestMessage | KmipError {
    try {
      return decodeRequest(message, this.#options.limits);
    } catch (error) {
      return asRefusal(error) ?? new KmipError('GeneralFailure', 'the request cannot be read any more');
    }
  }

  async #answers(
    job: Job,
    request: RequestMessage,
    unit: UnitOfWork,
    group: string,
  ): Promise<readonly (readonly ResponseItem[])[]> {
    const chosen = job.items.flatMap((item) => {
      const asked = request.items[item.at];
      return asked === undefined ? [] : [{ asked, item }];
    });
    const cancelled = new Set(chosen.filter(({ item }) => item.cancelled).map(({ asked }) => asked));
    const items = chosen.map(({ asked }) => asked);
    const speaker = await this.#sender(job, group);
    const answers = await this.#options.run({ ...request, items }, unit, speaker, (item) =>
      cancelled.has(item),
    );
    const undone = new KmipError('GeneralFailure', 'not done: an earlier item of the batch has failed');
    return job.items.map(({ operation, cancelled: gone }, at) => {
      return answers[at] ?? [failed(operation, gone === true ? cancellation : undone)];
    });
  }

  /** Who asked, with the role it has now and the Rights it had then. */
  async #sender({ client, rights, ticket }: Job, group: string): Promise<AuthenticatedRequest> {
    const now = await this.#options.principal(client);
    const gone = now === undefined || now.group !== group;
    const principal = gone ? { client, group, may: () => false } : now;
    const error = new KmipError('NotAuthorised', 'the client may not speak any more');
    return {
      principal: {
        ...principal,
        may: (operation) => principal.may(operation),
        ...(rights !== undefined && { rights }),
        ...(ticket !== undefined && { ticket }),
      },
      ...(gone && { refusal: { error, open: false } }),
    };
  }

  #finish(
    unit: UnitOfWork,
    id: string,
    group: string,
    { client, ticket, submitted, items: asked }: Job,
    answers: readonly (readonly ResponseItem[])[],
  ): void {
    const { clock, limits } = this.#options;
    const expires = Math.floor(clock() / 1000) + limits.jobAnswerSeconds;
    const payloads = answers.map((each) => each.map(({ payload }) => payload && encodeMessage(payload)));
    let at = 0;
    const items = asked.map(({ operation, cancelled }, index): DoneItem => {
      const given = (answers[index] ?? []).map(({ status, reason, message }, which) => {
        const from = at;
        at += payloads[index]?.[which]?.length ?? 0;
        return {
          status,
          ...(reason !== undefined && { reason }),
          ...(message !== undefined && { message }),
          ...(payloads[index]?.[which] !== undefined && { payload: [from, at] as const }),
        };
      });
      return { operation, ...(cancelled === true && { cancelled }), answers: given };
    });
    const all = concatBytes(payloads.flat().filter((payload) => payload !== undefined));
    unit.removeRecord(jobKinds.pending, id);
    unit.removeRecord(jobKinds.message, id);
    const by = { client, ...(ticket !== undefined && { ticket }) };
    unit.putRecord(jobKinds.done, id, group, writeJobRecord({ ...by, submitted, expires, items }), expires);
    unit.putRecord(jobKinds.answers, id, group, all, expires);
    all.fill(0);
  }
}

/** The database or the root key is away: what failed may be right the next time. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    error instanceof VaultUnavailableError ||
    error instanceof CryptographyBusyError
  );
}

const cancellation = new KmipError('OperationCanceledByRequester', 'the request was cancelled');

/** Why a job is not tried again. */
function endOf({ resumed }: Job, play: number): KmipError | undefined {
  if (resumed > maxResumed)
    return new KmipError('GeneralFailure', `given up: the work was begun ${resumed} times and never ended`);
  if (play > maxPlays)
    return new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
  return undefined;
}

function failed(operation: ResponseItem['operation'], { reason, message }: KmipError): ResponseItem {
  return { operation, status: 'OperationFailed', reason, message };
}
