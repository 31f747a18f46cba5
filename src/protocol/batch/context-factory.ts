import type { RequestItem, RequestMessage } from '../../../codec/envelope.ts';
import { type CertificationRules, defaultCertificationRules } from '../../common/certification-rules.ts';
import {
  type KmipError,
  MissingPermissionError,
  QuotaExhaustedError,
  RoleRestrictionError,
} from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { Protection } from '../../common/protection.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Enrolments } from '../../identity/enrolment.ts';
import type { Principal } from '../../identity/principal.ts';
import { findListedKeys } from '../../operations/authority-records.ts';
import type { Jobs, ServerDescription } from '../../operations/context.ts';
import type { Vault } from '../../vault/vault.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { ItemTrace } from '../audit/item-trace.ts';
import type { AuthenticatedRequest } from '../authentication/authentication.ts';
import type { Conversation } from '../service.ts';
import type { ItemObjects } from '../unit-of-work/unit-objects.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { FailedAttempts } from './attempts.ts';
import type { BatchEnvironment } from './batch.ts';
import { GrantedItems } from './granted-items.ts';
import { BatchIdentifiers } from './identifiers.ts';
import { type ExecutionApproval, ItemApprovals } from './item-approvals.ts';
import { ItemContext, ItemPorts, type ProcessState } from './item-context.ts';
import { MessageContext, MessageItem } from './message-context.ts';
import { MultiPartOperations } from './multi-part.ts';
import { BatchOutputs } from './payload-withholding.ts';
import { RandomIvUseCounter } from './random-iv-uses.ts';
import { ReferenceBudget } from './reference-budget.ts';
import { ReleasedTokenKeys, type TokenKeyPolicy } from './released-token-keys.ts';
import { type AccessOptions, createRenewedAccess } from './renewed-access.ts';
import { EncodedAnswers } from './response-size.ts';

/** The parts of the server that operations use; all of them last as long as the process. */
export interface ContextFactoryOptions extends AccessOptions {
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  readonly limits: Limits;
  readonly server: ServerDescription;
  /** Asked once for each message, because a reload may change it; always `strict` when left out. */
  readonly protection?: () => Protection;
  /** Asked likewise; the defaults when left out. */
  readonly certification?: () => CertificationRules;
  readonly observer: RequestObserver;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** How clients replace their certificates; no client can when left out. */
  readonly enrolments?: Enrolments;
  /** The latest time that lanes of the database have stated, in POSIX seconds; 0 when left out. */
  readonly latestTime?: () => number;
  /**
   * For how many seconds objects that a client destroys are kept, asked once for each message; 0 when left
   * out.
   */
  readonly waitingSeconds?: (client: Principal) => number;
  /** Keys in a token; none, and none demanded, when left out. */
  readonly tokenKeys?: TokenKeyPolicy;
}

/** One attempt to execute the items of a message. */
export interface BatchExecution {
  readonly request: RequestMessage;
  readonly unit: UnitOfWork;
  readonly sender: AuthenticatedRequest;
  /** Absent in a job, whose client does not wait on its connection for the answer. */
  readonly conversation?: Conversation | undefined;
  /** What of it an administrator has approved; nothing when left out. */
  readonly approval?: ExecutionApproval | undefined;
  /** Makes the port to asynchronous work, when a handler asks for it. */
  openJobs(): Jobs;
  /** Logs a transient failure or a bug, and returns what the client is told. */
  unexpected(error: unknown): KmipError;
  /**
   * Whether the whole batch is executed again after that error; then the error is rethrown. Never when left
   * out.
   */
  isRetryable?(error: unknown): boolean;
  /** Whether the client has cancelled that item of a job. None is when left out. */
  isCancelled?(item: RequestItem): boolean;
  /** Is told the objects of an item that has succeeded. */
  succeeded?(item: RequestItem, objects: ItemObjects): void;
  /** Is told what each item that was run had to do with objects. */
  traced?(item: RequestItem, trace: ItemTrace): void;
}

/** Makes the environment of a batch, with the handler context of each item. */
export class ContextFactory {
  readonly #options: ContextFactoryOptions;
  readonly #beginUnit: () => UnitOfWork;
  readonly #state: ProcessState;
  readonly #randomIvUses: RandomIvUseCounter;
  readonly #tokenKeys: ReleasedTokenKeys | undefined;
  /** Stands for a message, by its bytes, in what outlives it; made when something does. */
  readonly #tokens = new WeakMap<Uint8Array, object>();

  /** `beginUnit`: begins a unit of work apart from those of messages. */
  constructor(options: ContextFactoryOptions, beginUnit: () => UnitOfWork) {
    const { limits, clock, crypto } = options;
    this.#options = options;
    this.#beginUnit = beginUnit;
    this.#randomIvUses = new RandomIvUseCounter(beginUnit);
    const keys = options.tokenKeys?.keys;
    this.#tokenKeys = keys && new ReleasedTokenKeys(keys, beginUnit);
    this.#state = {
      multiPart: new MultiPartOperations({ limits, random: crypto.random, clock }),
      attempts: new FailedAttempts(options),
    };
  }

  /**
   * Returns the environment for one attempt to execute a batch; nothing of it may be used for another
   * attempt.
   */
  createEnvironment(execution: BatchExecution): BatchEnvironment {
    const options = this.#options;
    const { operations, server, vault, limits } = options;
    const { request, unit, sender, unexpected, isRetryable, isCancelled, succeeded, traced } = execution;
    const { principal, refusal } = sender;
    const identifiers = new BatchIdentifiers();
    const batch = this.#batchContext(execution, identifiers);
    const granted = this.#grantedItems(execution, batch);
    return {
      operations,
      identifiers,
      outputs: new BatchOutputs(limits.referenceBytes),
      references: new ReferenceBudget(limits),
      encodedAnswers: new EncodedAnswers(limits.responseBytes),
      unsealed: vault.unsealed,
      principal,
      refusal,
      unit,
      responseBytes: this.#responseBytes(execution),
      createContext: (item, work) => {
        const afterCommit = (effect: () => void) => work.afterCommit(effect);
        const part = new MessageItem(
          { item, principal, afterCommit },
          {
            message: () => this.#tokenOf(request),
            access: () => createRenewedAccess({ principal, work, server, now: unit.now }, options),
          },
        );
        const approvals = new ItemApprovals(item, principal, execution.approval);
        const ports = new ItemPorts(part, this.#state, approvals);
        return new ItemContext(batch, ports, { work, server });
      },
      unexpected,
      observeRefusal: (error) => this.#observeRefusal(error, execution),
      ...(isRetryable && { isRetryable }),
      ...(isCancelled && { isCancelled }),
      ...(succeeded && { succeeded }),
      ...(traced && { traced }),
      ...(granted && { openGranted: (id, operation, work) => granted.open(id, operation, work) }),
    };
  }

  /** A job has no grants: its answers are stored with the records of the group that asks for them. */
  #grantedItems(
    { unit, sender: { principal }, conversation }: BatchExecution,
    batch: MessageContext,
  ): GrantedItems | undefined {
    if (conversation === undefined) return undefined;
    const time = Math.max(unit.now, this.#options.latestTime?.() ?? 0);
    const countRandomIvUse = (group: string, key: string) => this.#randomIvUses.count(group, key);
    return new GrantedItems({ unit, principal, batch, time, countRandomIvUse });
  }

  /**
   * Ends what the message has begun in this process and has not committed; to be called once when no further
   * attempt at the message follows.
   */
  settle(request: Pick<RequestMessage, 'bytes'>): void {
    const message = this.#tokens.get(request.bytes);
    if (message === undefined) return;
    this.#state.multiPart.settle(message);
    void this.#tokenKeys?.settle(message);
  }

  /** Ends what clients have begun in this process and whose time is over; to be called every few seconds. */
  dropExpired(): void {
    this.#state.multiPart.dropExpired();
  }

  /**
   * Removes keys of no object from their token; to be called every few seconds. Rejects as store, vault and
   * token do.
   */
  async removeTokenKeys(): Promise<void> {
    await this.#tokenKeys?.removeDue();
  }

  /** Ends everything that clients have begun in this process. */
  close(): void {
    this.#state.multiPart.close();
  }

  #tokenOf({ bytes }: Pick<RequestMessage, 'bytes'>): object {
    const known = this.#tokens.get(bytes);
    if (known !== undefined) return known;
    const token = {};
    this.#tokens.set(bytes, token);
    return token;
  }

  #observeRefusal(error: KmipError, { sender: { principal }, conversation }: BatchExecution): void {
    if (error instanceof QuotaExhaustedError)
      return this.#options.observer.quotaExhausted({ client: principal.client });
    const refused =
      error instanceof MissingPermissionError
        ? error.permission
        : error instanceof RoleRestrictionError && error.rule;
    if (refused === false) return;
    const { client, role } = principal;
    const connection = conversation?.connection ?? 'job';
    this.#options.observer.permissionRefused({ client, role, operation: refused, connection });
  }

  #batchContext(execution: BatchExecution, identifiers: BatchIdentifiers): MessageContext {
    const { crypto, enrolments, limits, server, protection, certification } = this.#options;
    const { request, unit, sender, conversation } = execution;
    const { principal } = sender;
    const rules = certification?.() ?? defaultCertificationRules;
    return new MessageContext({
      principal,
      conversation,
      enrolments,
      identifiers,
      version: request.version,
      now: unit.now,
      crypto,
      isTokenRequired: this.#options.tokenKeys?.isRequiredFor(principal.group) === true,
      server,
      limits,
      protection: protection?.() ?? 'strict',
      certification: rules,
      listedKeys: () => this.#findListedKeys(rules, principal.group),
      randomIvUses: { count: (key) => this.#randomIvUses.count(principal.group, key) },
      hiddenAttributes: undefined,
      restorableUntil: this.#restorableUntil(principal, unit.now),
      openJobs: () => execution.openJobs(),
      openTokenKeys: () => this.#tokenKeys?.storageFor(principal.group, this.#tokenOf(request)),
    });
  }

  #restorableUntil(principal: Principal, now: number): number | undefined {
    const seconds = this.#options.waitingSeconds?.(principal) ?? 0;
    return seconds > 0 ? now + seconds : undefined;
  }

  async #findListedKeys(rules: CertificationRules, group: string) {
    if (rules.authorities.size === 0) return new Map();
    const unit = this.#beginUnit();
    unit.actFor(group);
    return findListedKeys(rules, { work: unit.layer(), crypto: this.#options.crypto });
  }

  /**
   * TTLV bytes for the response: the smaller one of both sides' limits, without the server's proof of
   * identity.
   */
  #responseBytes({ request, sender: { serverHashedPassword } }: BatchExecution): number {
    const { responseBytes } = this.#options.limits;
    const proofBytes = serverHashedPassword === undefined ? 0 : 8 + serverHashedPassword.length;
    return Math.min(responseBytes, (request.header.MaximumResponseSize ?? responseBytes) - proofBytes);
  }
}
