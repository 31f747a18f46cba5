import {
  decodeRequest,
  guessVersion,
  type RequestMessage,
  type ResponseItem,
  UnsupportedVersionError,
} from '../../codec/envelope.ts';
import { readOutline } from '../../codec/request-outline.ts';
import { closestVersion } from '../../codec/version.ts';
import type { Limits } from '../common/limits.ts';
import { runFor } from '../common/requester.ts';
import { accountOf } from '../identity/principal.ts';
import type { CommitResult } from '../store/store.ts';
import type { Authenticator } from './authentication/authentication.ts';
import { runBatch } from './batch/batch.ts';
import type { ContextFactory } from './batch/context-factory.ts';
import { checkHeader } from './batch/header.ts';
import { type Responses, senderOf } from './batch/responses.ts';
import { AsynchronousSubmission } from './jobs/asynchronous.ts';
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
}

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
    const { queue, limits, clock } = options;
    this.#options = options;
    this.#submission = new AsynchronousSubmission({ queue, limits, clock });
  }

  /** Answers one whole message; see `MessageService`. */
  async respond(bytes: Uint8Array, conversation: Conversation): ReturnType<MessageService['respond']> {
    const { limits, responses } = this.#options;
    let version = guessVersion(bytes);
    try {
      const request = decodeRequest(bytes, limits);
      version = request.version;
      checkHeader(request, limits);
      return { response: await this.#answer(request, conversation), close: false };
    } catch (error) {
      if (error instanceof UnsupportedVersionError) version = closestVersion(error.major);
      const refusal = responses.asKmipError(error, conversation);
      const outline = readOutline(bytes, limits);
      const items = outline.items.slice(0, limits.batchItems);
      return {
        response: responses.refusal(version, refusal, conversation, { ...outline, items }),
        close: false,
      };
    }
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

  /**
   * Executes the batch in a unit of work of its own and commits. It lets messages of the group that keep
   * losing conflicts commit before it, unless it is such a message that has its turn.
   */
  async #executeBatch(
    request: RequestMessage,
    conversation: Conversation,
    hasTurn: boolean,
  ): Promise<Attempt> {
    const { authenticator, beginUnit, contexts, events, queue, responses } = this.#options;
    const unit = beginUnit();
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
    });
    const requester = {
      account: accountOf(sender.principal),
      isWaiting: () => conversation.isOpen?.() ?? true,
      hasEnded: () => conversation.hasClientEnded?.() ?? false,
    };
    const items =
      (await this.#submission.submitIfAsynchronous(request, environment)) ??
      (await runFor(requester, () => runBatch(request, environment)));
    if (!hasTurn && unit.changed) await this.#conflictRetry.exclusiveBarrier(group);
    // What the last item has begun is committed although nobody may wait for the answer any more.
    const commit = await runFor({ account: requester.account, isWaiting: () => true }, () => unit.commit());
    if (commit !== 'committed') return { group, commit, result: undefined };
    events?.committed(unit.written, unit.now);
    return { group, commit, result: { items, serverHashedPassword: sender.serverHashedPassword } };
  }
}
