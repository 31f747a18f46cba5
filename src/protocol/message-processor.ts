import {
  decodeRequest,
  guessVersion,
  type RequestMessage,
  type ResponseItem,
  UnsupportedVersionError,
} from '../../codec/envelope.ts';
import { type RequestOutline, readOutline } from '../../codec/request-outline.ts';
import { closestVersion, type Version } from '../../codec/version.ts';
import { type AuditRecorder, AuditUnavailableError } from '../audit/audit.ts';
import { toChainEntries } from '../audit/entry-text.ts';
import { KmipError, reasonFor } from '../common/errors.ts';
import type { Limits } from '../common/limits.ts';
import { runFor } from '../common/requester.ts';
import { accountOf } from '../identity/principal.ts';
import type { CommitResult } from '../store/store.ts';
import type { RequestObserver } from '../watch/observer.ts';
import { type AuditedMessage, entryOfRefusal, MessageAudit } from './audit/message-audit.ts';
import type { AuthenticatedRequest, Authenticator } from './authentication/authentication.ts';
import { runItems } from './batch/batch.ts';
import type { ContextFactory } from './batch/context-factory.ts';
import { checkHeader } from './batch/header.ts';
import { type Responses, senderOf } from './batch/responses.ts';
import { type TrialOptions, tryForApproval } from './jobs/approval-trial.ts';
import { type ApprovalSubmission, AsynchronousSubmission } from './jobs/asynchronous.ts';
import type { JobQueue } from './jobs/job-queue.ts';
import type { Conversation, MessageService } from './service.ts';
import { ConflictRetry } from './unit-of-work/conflict-retry.ts';
import type { ObjectEvents } from './unit-of-work/object-events.ts';
import { TakenNames } from './unit-of-work/taken-names.ts';
import type { UnitOfWork } from './unit-of-work/unit-of-work.ts';

export interface MessageProcessorOptions {
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly beginUnit: () => UnitOfWork;
  readonly authenticator: Authenticator;
  readonly contexts: ContextFactory;
  readonly queue: JobQueue;
  readonly responses: Responses;
  readonly events: ObjectEvents | undefined;
  /** Records every message before it is answered; nothing is recorded without it. */
  readonly audit: AuditRecorder | undefined;
  /** How long a request of a client waits for an approval. */
  readonly approvalSeconds: number;
  readonly observer: Pick<RequestObserver, 'approvalAsked'>;
}

/** The outline of bytes that are no message. */
const unreadOutline: RequestOutline = { clientCorrelationValue: undefined, items: [] };

/** The result of one attempt to execute a message. */
interface Attempt {
  /** Group whose objects the message is about. */
  readonly group: string;
  /** Undefined when nothing was written. */
  readonly result: AttemptResult | undefined;
  readonly commit: CommitResult;
}

interface AttemptResult {
  readonly items: readonly ResponseItem[];
  readonly serverHashedPassword: Uint8Array | undefined;
}

/**
 * Answers framed requests: reads the message, checks its header, executes the batch, commits and encodes the
 * response.
 */
export class MessageProcessor {
  readonly #options: MessageProcessorOptions;
  readonly #submission: AsynchronousSubmission;
  readonly #conflictRetry = new ConflictRetry();

  constructor(options: MessageProcessorOptions) {
    const { queue, limits, clock, approvalSeconds, observer } = options;
    this.#options = options;
    this.#submission = new AsynchronousSubmission({ queue, limits, clock, approvalSeconds, observer });
  }

  /** Answers one whole message; see `MessageService`. */
  async respond(bytes: Uint8Array, conversation: Conversation): ReturnType<MessageService['respond']> {
    const { limits, responses, audit } = this.#options;
    let version = guessVersion(bytes);
    try {
      if (audit?.refusal !== undefined) throw new AuditUnavailableError(audit.refusal);
      const request = decodeRequest(bytes, limits);
      version = request.version;
      checkHeader(request, limits);
      return { response: await this.#answer(request, conversation), close: false };
    } catch (error) {
      if (error instanceof UnsupportedVersionError) version = closestVersion(error.major);
      const refusal = responses.asKmipError(error, conversation);
      const outline = readOutline(bytes, limits);
      const items = outline.items.slice(0, limits.batchItems);
      this.#recordRefusal(version, refusal, conversation, { ...outline, items });
      return {
        response: responses.refusal(version, refusal, conversation, { ...outline, items }),
        close: false,
      };
    }
  }

  /** Returns the response to bytes that are no message; see `MessageService`. */
  refuseFraming(reason: string, conversation: Conversation, version: Version): Uint8Array {
    const refusal = new KmipError('InvalidMessage', reason);
    this.#recordRefusal(version, refusal, conversation);
    return this.#options.responses.refusal(version, refusal, conversation);
  }

  /** Records a message that was refused as a whole. */
  #recordRefusal(
    version: Version,
    error: KmipError,
    conversation: Conversation,
    { items, clientCorrelationValue: clientCorrelation }: RequestOutline = unreadOutline,
  ): void {
    const { audit } = this.#options;
    if (audit === undefined) return;
    const { principal } = conversation;
    const message = { kind: 'message', principal, conversation, version, clientCorrelation } as const;
    const reason = reasonFor(error, version);
    const heads = items.length === 0 ? [{}] : items;
    const answers = heads.map((head) => ({ ...head, status: 'OperationFailed', reason }) as const);
    audit.report(entryOfRefusal(message, audit.node, answers));
  }

  async #answer(request: RequestMessage, conversation: Conversation): Promise<Uint8Array> {
    const { contexts, responses } = this.#options;
    const started = performance.now();
    const { items, serverHashedPassword } = await this.#executeUntilCommitted(request, conversation).finally(
      () => contexts.settle(request),
    );
    const milliseconds = performance.now() - started;
    responses.observe(request.version, items, senderOf(conversation), milliseconds);
    return responses.encode(request, items, serverHashedPassword);
  }

  async #executeUntilCommitted(request: RequestMessage, conversation: Conversation): Promise<AttemptResult> {
    const takenNames = new TakenNames();
    const attempt = async (hasTurn: boolean): Promise<Attempt> => {
      const made = await this.#executeBatch(request, conversation, hasTurn);
      takenNames.note(made.commit);
      if (takenNames.refusal !== undefined) throw takenNames.refusal;
      return made;
    };
    const first = await attempt(false);
    const retry = async (hasTurn: boolean) => (await attempt(hasTurn)).result;
    return first.result ?? this.#conflictRetry.run(first.group, retry);
  }

  #trialOptions(conversation: Conversation): TrialOptions {
    const { contexts, beginUnit, responses } = this.#options;
    const unexpected = (error: unknown) => responses.unexpected(error, senderOf(conversation));
    return { contexts, beginUnit, unexpected };
  }

  /**
   * Executes the batch in a unit of work of its own and commits. It lets messages that keep losing conflicts
   * commit before it, those of the group and of groups whose objects it uses by grants, unless it is such a
   * message that has its turn.
   */
  async #executeBatch(
    request: RequestMessage,
    conversation: Conversation,
    hasTurn: boolean,
  ): Promise<Attempt> {
    const { authenticator, beginUnit, contexts, events, queue, responses, audit: recorder } = this.#options;
    const unit = beginUnit();
    const audit = recorder && new MessageAudit(recorder, unit.now);
    const sender = await authenticator.authenticate(request.header, conversation, unit, unit.now);
    const { group } = sender.principal;
    unit.actFor(group);
    const environment = contexts.createEnvironment({
      request,
      unit,
      sender,
      conversation,
      openJobs: () => queue.portFor(sender.principal, false),
      unexpected: (error) => responses.unexpected(error, senderOf(conversation)),
      ...(audit && { traced: (item, trace) => audit.trace(item, trace) }),
    });
    const requester = {
      account: accountOf(sender.principal),
      isWaiting: () => conversation.isOpen?.() ?? true,
      hasEnded: () => conversation.hasClientEnded?.() ?? false,
    };
    const approvals: ApprovalSubmission = {
      tryOut: (items) =>
        runFor(requester, () => tryForApproval(request, items, sender, this.#trialOptions(conversation))),
      waits: (item, asked, acts) => audit?.traceWaiting(item, asked, acts),
    };
    const pending = await this.#submission.submitIfAsynchronous(request, environment, approvals);
    const answers =
      pending?.map((answer) => [answer]) ?? (await runFor(requester, () => runItems(request, environment)));
    const entry = audit?.entryOf(messageOf(request, sender, conversation), request.items, answers);
    // Changes and their entry are durable together; the journal takes what changes nothing.
    const isWritten = unit.changed;
    if (isWritten && entry !== undefined) unit.audit(toChainEntries(entry));
    if (!hasTurn && isWritten)
      for (const each of [group, ...unit.grantedGroups]) await this.#conflictRetry.exclusiveBarrier(each);
    // What the last item has begun is committed although nobody may wait for the answer any more.
    const commit = await runFor({ account: requester.account, isWaiting: () => true }, () => unit.commit());
    if (commit !== 'committed') return { group, commit, result: undefined };
    events?.committed(unit.written, unit.now);
    if (!isWritten && entry !== undefined) await recorder?.append(entry);
    const items = answers.flat();
    return { group, commit, result: { items, serverHashedPassword: sender.serverHashedPassword } };
  }
}

/** What an entry says of the message itself. */
function messageOf(
  { version, header }: RequestMessage,
  { principal }: AuthenticatedRequest,
  conversation: Conversation,
): AuditedMessage {
  const { ClientCorrelationValue: clientCorrelation, ServerCorrelationValue: serverCorrelation } = header;
  return { kind: 'message', principal, conversation, version, clientCorrelation, serverCorrelation };
}
