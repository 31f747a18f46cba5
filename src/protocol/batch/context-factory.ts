import { randomUUIDv7 } from 'node:crypto';
import type { RequestMessage } from '../../../codec/envelope.ts';
import type { KmipError } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Enrolments } from '../../identity/enrolment.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Context, Jobs, ServerDescription } from '../../operations/context.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import type { Vault } from '../../vault/vault.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { AuthenticatedRequest } from '../authentication/authentication.ts';
import type { Conversation } from '../service.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { FailedAttempts } from './attempts.ts';
import type { BatchEnvironment } from './batch.ts';
import { BatchIdentifiers } from './identifiers.ts';
import { MultiPartOperations } from './multi-part.ts';
import { BatchOutputs } from './payload-withholding.ts';

/** What operations work with. */
export interface ContextFactoryOptions {
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  readonly limits: Limits;
  readonly operations: ReadonlyMap<unknown, AnyOperation>;
  readonly server: ServerDescription;
  readonly observer: RequestObserver;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** How clients replace their certificates; none can when left out. */
  readonly enrolments?: Enrolments;
}

/** What one play of a message has of its own. */
export interface BatchExecution {
  readonly request: RequestMessage;
  readonly unit: UnitOfWork;
  readonly sender: AuthenticatedRequest;
  /** Absent in a job: that is not the message's first answer. */
  readonly conversation?: Conversation | undefined;
  /** Weather and bugs, as the client is told. */
  unexpected(error: unknown): KmipError;
}

/** Makes what the items of a message run in, out of what lasts as long as the process. */
export class ContextFactory {
  readonly #options: ContextFactoryOptions;
  readonly #jobsOf: (principal: Principal, inJob: boolean) => Jobs;
  readonly #parts: MultiPartOperations;
  readonly #attempts: FailedAttempts;

  constructor(options: ContextFactoryOptions, jobsOf: (principal: Principal, inJob: boolean) => Jobs) {
    const { limits, clock, crypto } = options;
    this.#options = options;
    this.#jobsOf = jobsOf;
    this.#parts = new MultiPartOperations({ limits, random: crypto.random, clock });
    this.#attempts = new FailedAttempts(options);
  }

  for({ request, unit, sender, conversation, unexpected }: BatchExecution): BatchEnvironment {
    const { crypto, enrolments, limits, operations, server, vault } = this.#options;
    const { principal, refusal, serverHashedPassword } = sender;
    const proofBytes = serverHashedPassword === undefined ? 0 : 8 + serverHashedPassword.length;
    const identifiers = new BatchIdentifiers();
    const common = {
      principal,
      channel: conversation?.channel,
      enrolments: conversation && enrolments,
      admission: conversation?.sessionControl,
      version: request.version,
      now: unit.now,
      crypto,
      server,
      limits,
      jobs: this.#jobsOf(principal, conversation === undefined),
      // Ordered by time, so that new rows land at the end of the store's index: half as many pages to write.
      newIdentifier: () => randomUUIDv7(),
      setPlaceholder(id: string | undefined) {
        identifiers.placeholder = id;
      },
      resolve: identifiers.resolve.bind(identifiers),
    };
    return {
      operations,
      identifiers,
      outputs: new BatchOutputs(),
      unsealed: vault.unsealed,
      refusal,
      unit,
      responseBytes: Math.min(
        limits.responseBytes,
        (request.header.MaximumResponseSize ?? limits.responseBytes) - proofBytes,
      ),
      context: (work, item, answerWith): Context => ({
        ...common,
        work,
        multiPart: this.#parts.forItem(item, principal),
        attempts: this.#attempts.forItem(item, principal),
        answerWith,
      }),
      unexpected,
    };
  }
}
