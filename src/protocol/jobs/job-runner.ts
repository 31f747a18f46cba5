import {
  decodeRequest,
  guessVersion,
  type RequestItem,
  type RequestMessage,
  type ResponseItem,
} from '../../../codec/envelope.ts';
import type { AuditRecorder } from '../../audit/audit.ts';
import { toChainEntries } from '../../audit/entry-text.ts';
import { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { runFor } from '../../common/requester.ts';
import { accountOf, type Principal } from '../../identity/principal.ts';
import {
  authorityOfJob,
  correlationValue,
  type Job,
  jobKinds,
  readJobRecord,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { Jobs } from '../../operations/context.ts';
import { bearerOf, isOfEnrolment, ticketKind } from '../../operations/enrolment.ts';
import { type AuditedMessage, MessageAudit } from '../audit/message-audit.ts';
import { type AuthenticatedRequest, noOperations } from '../authentication/authentication.ts';
import { runItems } from '../batch/batch.ts';
import type { ContextFactory } from '../batch/context-factory.ts';
import { asRefusal, isTransient } from '../batch/failure.ts';
import { approvalOf } from '../batch/item-approvals.ts';
import { jobSender, type Responses } from '../batch/responses.ts';
import type { ObjectEvents } from '../unit-of-work/object-events.ts';
import { TakenNames } from '../unit-of-work/taken-names.ts';
import type { ItemObjects } from '../unit-of-work/unit-objects.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { type FinishedJob, storeJobAnswers } from './job-answers.ts';

export interface JobRunnerOptions {
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly beginUnit: () => UnitOfWork;
  /** Finds the client as it is enrolled now; undefined when it is not authorised. */
  readonly principal: (client: string) => Promise<Principal | undefined>;
  readonly contexts: ContextFactory;
  readonly responses: Responses;
  readonly events: ObjectEvents | undefined;
  /** Records the end of each job; nothing is recorded without it. */
  readonly audit: AuditRecorder | undefined;
}

/** Circumstances of one run of a job. */
export interface JobRun {
  /** Whether another process, or this one before a restart, may have begun the job. */
  readonly isLeftBehind: boolean;
  /** Makes the port to asynchronous work for the job's own operations. */
  portFor(principal: Principal): Jobs;
}

/** A job is executed so often when others keep changing what it reads; then it fails. */
const maxAttempts = 32;
/** A job that has been resumed so often probably ends the process each time; then it fails. */
const maxResumed = 8;

/** The answers to each item of a job. */
type JobAnswers = readonly (readonly ResponseItem[])[];

/** What a job has come to. */
interface ExecutedJob extends Pick<FinishedJob, 'answers' | 'objects' | 'restrictions'> {
  readonly principal: AuditedMessage['principal'];
  /** The items of `answers`, as far as they could be read. */
  readonly items: readonly RequestItem[];
}

function refuseJob({ client, items }: Job, group: string, refusal: KmipError): ExecutedJob {
  const answers = items.map(({ operation }) => [failedAnswer(operation, refusal)]);
  return { answers, objects: [], principal: { client, group }, items: [] };
}

/** Executes the message of a job, and commits its objects, its answers and its end together. */
export class JobRunner {
  readonly #options: JobRunnerOptions;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /**
   * Executes one job; does nothing when another process has finished it. Rejects after a transient failure or
   * a bug, and the job stays pending then.
   */
  async run(id: string, jobRun: JobRun): Promise<void> {
    const started = performance.now();
    if (jobRun.isLeftBehind) await this.#countResumption(id);
    let request: RequestMessage | KmipError | undefined;
    const takenNames = new TakenNames();
    try {
      for (let attempt = 1; ; attempt++) {
        const unit = this.#options.beginUnit();
        const found = await unit.record(jobKinds.pending, id);
        const message = await unit.record(jobKinds.message, id);
        if (found === undefined || message === undefined) return;
        const { group } = found;
        unit.actFor(group);
        const job = readJobRecord<Job>(found.content);
        // Read once: multi-part operations recognise an item by its object in every attempt.
        request ??= this.#read(message.content);
        const failure = request instanceof KmipError ? request : undefined;
        const refusal = reasonToGiveUp(job, attempt) ?? takenNames.refusal ?? failure;
        const audit = this.#options.audit && new MessageAudit(this.#options.audit, unit.now);
        const executed =
          refusal === undefined
            ? await this.#execute(job, request as RequestMessage, { unit, group, audit }, jobRun)
            : refuseJob(job, group, refusal);
        const version = guessVersion(message.content);
        const correlations = job.items.map((_, at) => correlationValue(id, at));
        const { answers, principal, items } = executed;
        const described = { kind: 'job', principal, version, correlations, approval: job.approval } as const;
        const entry = audit?.entryOf(described, items, answers);
        if (entry !== undefined) unit.audit(toChainEntries(entry));
        const expires = Math.floor(this.#options.clock() / 1000) + this.#options.limits.jobAnswerSeconds;
        await storeJobAnswers(unit, { id, group, job, ...executed, expires });
        const commit = await unit.commit();
        takenNames.note(commit);
        if (commit !== 'committed') continue;
        this.#notify(job, message.content, answers, performance.now() - started, unit);
        return;
      }
    } finally {
      if (request !== undefined && !(request instanceof KmipError)) this.#options.contexts.settle(request);
    }
  }

  #notify(
    { client }: Job,
    message: Uint8Array,
    answers: JobAnswers,
    milliseconds: number,
    unit: UnitOfWork,
  ): void {
    const { responses, events } = this.#options;
    responses.observe(guessVersion(message), answers.flat(), jobSender(client), milliseconds);
    events?.committed(unit.written, unit.now);
  }

  /** Counts the resumption durably before the work begins, because the work may end the process again. */
  async #countResumption(id: string): Promise<void> {
    const unit = this.#options.beginUnit();
    const found = await unit.record(jobKinds.pending, id);
    if (found === undefined) return;
    const job = readJobRecord<Job>(found.content);
    const content = writeJobRecord({ ...job, resumed: job.resumed + 1 });
    unit.putRecord(jobKinds.pending, id, found.group, content);
    await unit.commit();
  }

  #read(message: Uint8Array): RequestMessage | KmipError {
    try {
      return decodeRequest(message, this.#options.limits);
    } catch (error) {
      return asRefusal(error) ?? new KmipError('GeneralFailure', 'the request cannot be read any more');
    }
  }

  async #execute(
    job: Job,
    request: RequestMessage,
    { unit, group, audit }: { unit: UnitOfWork; group: string; audit: MessageAudit | undefined },
    jobRun: JobRun,
  ): Promise<ExecutedJob> {
    const { contexts, responses } = this.#options;
    const chosen = job.items.flatMap((item) => {
      const requestItem = request.items[item.at];
      return requestItem === undefined ? [] : [{ requestItem, item }];
    });
    const cancelled = new Set(
      chosen.filter(({ item }) => item.cancelled).map(({ requestItem }) => requestItem),
    );
    const batch = { ...request, items: chosen.map(({ requestItem }) => requestItem) };
    const sender = await this.#senderOf(job, group, unit);
    const restrictions = sender.principal.restrictions?.()?.text;
    const objects = new Map<RequestItem, ItemObjects>();
    const environment = contexts.createEnvironment({
      request: batch,
      unit,
      sender,
      openJobs: () => jobRun.portFor(sender.principal),
      unexpected: (error) => responses.unexpected(error, jobSender(sender.principal.client)),
      isRetryable: isTransient,
      isCancelled: (item) => cancelled.has(item),
      ...(job.approval?.approvedBy !== undefined && { approval: approvalOf(chosen) }),
      succeeded: (item, each) => objects.set(item, each),
      ...(audit && { traced: (item, trace) => audit.trace(item, trace) }),
    });
    // A job has no connection: its client asks for the answers later.
    const requester = { account: accountOf(sender.principal), isWaiting: () => true };
    const answers = await runFor(requester, () => runItems(batch, environment));
    return {
      answers: job.items.map(({ operation, cancelled: isCancelled }, at) => {
        return answers[at] ?? [failedAnswer(operation, isCancelled === true ? cancellation : notRun)];
      }),
      objects: batch.items.map((item) => objects.get(item)),
      principal: sender.principal,
      items: batch.items,
      restrictions,
    };
  }

  /**
   * Returns the client with the role that it has now and the Rights that it had when it sent the message;
   * with a refusal when the client or its ticket is not valid any more.
   */
  async #senderOf(job: Job, group: string, unit: UnitOfWork): Promise<AuthenticatedRequest> {
    const { client, rights, ticket } = job;
    const enrolled = await this.#options.principal(client);
    const isGone =
      enrolled?.group !== group ||
      !(await this.#isStillOf(job, enrolled, unit)) ||
      !(await this.#hasBearer(job));
    const principal = isGone ? { client, group, may: () => false } : enrolled;
    const hasEnded = ticket !== undefined && (await unit.record(ticketKind, ticket)) === undefined;
    const subject = isGone ? 'client is not authorised any more' : 'ticket of the request has ended';
    const error = new KmipError('NotAuthorised', `the ${subject}`);
    return {
      principal: {
        ...principal,
        may: (operation) => principal.may(operation),
        ...(rights !== undefined && { rights }),
        ...(ticket !== undefined && { ticket }),
        ...bearerOf(job),
      },
      ...((isGone || hasEnded) && { refusal: { error, open: noOperations } }),
    };
  }

  /** Whether the client is enrolled as it was when it sent the message of the job. */
  #isStillOf(job: Job, enrolled: Principal, unit: UnitOfWork): Promise<boolean> {
    const load = async (kind: string, id: string) => (await unit.record(kind, id))?.content;
    return isOfEnrolment(authorityOfJob(job, enrolled), enrolled, load);
  }

  /** Whether the client that showed a ticket of another one is enrolled as it was then; true without one. */
  async #hasBearer({ bearer, bearerEnrolledAt }: Job): Promise<boolean> {
    if (bearer === undefined) return true;
    const enrolled = await this.#options.principal(bearer);
    return (
      enrolled !== undefined && (bearerEnrolledAt === undefined || bearerEnrolledAt === enrolled.enrolledAt)
    );
  }
}

const cancellation = new KmipError('OperationCanceledByRequester', 'the request was cancelled');
const notRun = new KmipError('GeneralFailure', 'not done: an earlier item of the batch has failed');

/** Returns why a job is not executed any more; undefined when it is. */
function reasonToGiveUp({ resumed }: Job, attempt: number): KmipError | undefined {
  if (resumed > maxResumed)
    return new KmipError('GeneralFailure', `given up: the work was begun ${resumed} times and never ended`);
  if (attempt > maxAttempts)
    return new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
  return undefined;
}

function failedAnswer(operation: ResponseItem['operation'], { reason, message }: KmipError): ResponseItem {
  return { operation, status: 'OperationFailed', reason, message };
}
