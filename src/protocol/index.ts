import { randomUUID, randomUUIDv7 } from 'node:crypto';
import {
  guessVersion,
  type RequestMessage,
  type ResponseItem,
  readRequest,
  UnsupportedVersion,
  writeResponse,
} from '../../codec/envelope.ts';
import { closestVersion, oldestVersion, type Version } from '../../codec/version.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { KmipError, reasonFor } from '../errors.ts';
import type { Enrolments } from '../identity/enrolment.ts';
import type { Principal } from '../identity/principal.ts';
import type { Limits } from '../limits.ts';
import type { AnyOperation, Context, ServerDescription } from '../operations/operation.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import type { RequestObserver } from '../watch/observer.ts';
import { submitted } from './asynchronous.ts';
import { FailedAttempts } from './attempts.ts';
import { Authenticator, type Speaker } from './authentication.ts';
import { type BatchEnvironment, runBatch, runItems } from './batch.ts';
import { Chores } from './chores.ts';
import { checkHeader } from './header.ts';
import { BatchIdentifiers } from './identifiers.ts';
import { isWeather, JobQueue } from './job-queue.ts';
import type { ObjectEvents } from './object-events.ts';
import { BatchOutputs } from './outputs.ts';
import { PartsInProgress } from './parts.ts';
import type { Conversation, Service } from './service.ts';
import { Turns } from './turns.ts';
import { UnitOfWork } from './unit-of-work.ts';

export interface ServiceOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  readonly limits: Limits;
  readonly operations: ReadonlyMap<unknown, AnyOperation>;
  readonly server: ServerDescription;
  readonly observer: RequestObserver;
  /** Hears of every commit; nobody is told when left out. */
  readonly events?: ObjectEvents;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** The enrolled client of that name, for what is done in its place; undefined when it may not speak now. */
  readonly principal?: (client: string) => Promise<Principal | undefined>;
  /** How clients replace their certificates; none can when left out. */
  readonly enrolments?: Enrolments;
}

/** What playing a message once came to. */
interface Played {
  /** Whose objects it was about. */
  readonly group: string;
  /** Undefined: others changed what it read, nothing was written. */
  readonly items: readonly ResponseItem[] | undefined;
  readonly serverHashedPassword?: Uint8Array | undefined;
}

/** What the log calls the connection of work that is done after its answer. */
const jobConnection = 'job';

/** Times a message is played again when others keep changing the objects it reads; then it is refused. */
const replaysAtMost = 128;
/** Times it competes with the others; then those who come new wait with their commits, or it might lose for ever. */
const replaysAmongOthers = 4;

/** Answers framed requests: reading, header, batch, commit, response (DESIGN §5). */
export function createService(options: ServiceOptions): Service {
  const { limits, clock } = options;
  const parts = new PartsInProgress({ limits, random: options.crypto.random, clock });
  const attempts = new FailedAttempts(options);
  const seconds = (): number => Math.floor(clock() / 1000);
  const principalOf = options.principal ?? (() => Promise.resolve(undefined));
  const authenticator = new Authenticator({
    ...options,
    interop: options.server.interop,
    principal: principalOf,
  });
  const queue = new JobQueue({
    limits,
    clock,
    begin,
    unsealed: () => options.vault.unsealed,
    principal: principalOf,
    run(request, unit, known, isCancelled) {
      const environment = environmentOf(request, unit, known, undefined);
      const unexpected = (error: unknown) => {
        if (isWeather(error)) throw error;
        return environment.unexpected(error);
      };
      return runItems(request, { ...environment, unexpected, isCancelled });
    },
    done(client, version, items, milliseconds, unit) {
      observe(version, items, { client, connection: jobConnection }, milliseconds);
      options.events?.committed(unit.written, unit.now);
    },
    failed: (error, client) =>
      options.observer.unexpected({ error, reference: randomUUID(), client, connection: jobConnection }),
  });
  const chores = new Chores(options.store, queue, seconds);
  // Messages that lost a race are played again one after the other: then only newcomers can beat them, and many clients
  // on one object all get their turn. A queue for each group, so that none waits for another's long batch.
  const replays = new Map<string, Turns>();

  function encode(
    version: Version,
    items: readonly ResponseItem[],
    request?: RequestMessage,
    serverHashedPassword?: Uint8Array,
  ): Uint8Array {
    const clientCorrelationValue = request?.header.ClientCorrelationValue;
    return writeResponse(
      { version, timeStamp: seconds(), serverHashedPassword, clientCorrelationValue },
      items,
    );
  }

  /** A message that cannot be played at all: one item, without an operation. */
  function refuse(version: Version, error: KmipError, conversation?: Conversation): Uint8Array {
    options.observer.refused({
      version,
      reason: reasonFor(error, version),
      message: error.message,
      ...speaker(conversation),
    });
    return encode(version, [refusal(version, error)]);
  }

  function refusal(version: Version, error: KmipError): ResponseItem {
    return { status: 'OperationFailed', reason: reasonFor(error, version), message: error.message };
  }

  /** Weather and bugs: the client gets a reference, the log gets the rest. */
  function unexpected(error: unknown, conversation: Speaking): KmipError {
    const reference = randomUUID();
    options.observer.unexpected({ error, reference, ...speaker(conversation) });
    return new KmipError('GeneralFailure', `the server could not do this now; reference ${reference}`);
  }

  function begin(): UnitOfWork {
    const { uniqueNames } = options.server;
    return new UnitOfWork(options.store, options.vault, { uniqueNames, now: seconds() });
  }

  /** What the items of one play of a message run in; within a job that is not the message's first answer. */
  function environmentOf(
    request: RequestMessage,
    unit: UnitOfWork,
    { principal, refusal, serverHashedPassword }: Speaker,
    conversation: Conversation | undefined,
  ): BatchEnvironment {
    const proofBytes = serverHashedPassword === undefined ? 0 : 8 + serverHashedPassword.length;
    const identifiers = new BatchIdentifiers();
    const common = {
      principal,
      channel: conversation?.channel,
      enrolments: conversation && options.enrolments,
      admission: conversation?.admission,
      version: request.version,
      now: unit.now,
      crypto: options.crypto,
      server: options.server,
      limits,
      jobs: queue.portFor(principal, conversation === undefined),
      // Ordered by time, so that new rows land at the end of the store's index: half as many pages to write.
      newIdentifier: () => randomUUIDv7(),
      setPlaceholder(id: string | undefined) {
        identifiers.placeholder = id;
      },
      resolve: identifiers.resolve.bind(identifiers),
    };
    return {
      operations: options.operations,
      identifiers,
      outputs: new BatchOutputs(),
      unsealed: options.vault.unsealed,
      refusal,
      unit,
      responseBytes: Math.min(
        limits.responseBytes,
        (request.header.MaximumResponseSize ?? limits.responseBytes) - proofBytes,
      ),
      context: (work, item, answerWith): Context => ({
        ...common,
        work,
        parts: parts.forItem(item, principal),
        attempts: attempts.forItem(item, principal),
        answerWith,
      }),
      unexpected: (error) => unexpected(error, conversation ?? { principal, connection: jobConnection }),
    };
  }

  async function play(request: RequestMessage, conversation: Conversation, again = false): Promise<Played> {
    const unit = begin();
    const known = await authenticator.speaker(request.header, conversation, unit, unit.now);
    const { principal, serverHashedPassword } = known;
    unit.actFor(principal.group);
    const environment = environmentOf(request, unit, known, conversation);
    const items =
      (await submitted(request, () => ({ ...environment, principal, queue, limits, clock }))) ??
      (await runBatch(request, environment));
    const { group } = principal;
    const turns = replays.get(group);
    if (!again && turns?.taken && unit.changed) await turns.free();
    if ((await unit.commit()) !== 'committed') return { group, items: undefined };
    options.events?.committed(unit.written, unit.now);
    return { group, items, serverHashedPassword };
  }

  function observe(
    version: Version,
    items: readonly ResponseItem[],
    who: { readonly client: string; readonly connection: string },
    milliseconds: number,
  ): void {
    for (const { operation, status, reason, message } of items) {
      options.observer.answered({
        operation: typeof operation === 'string' ? operation : 'unknown',
        version,
        result: String(status),
        reason: reason === undefined ? undefined : String(reason),
        message,
        milliseconds,
        ...who,
      });
    }
  }

  async function answer(request: RequestMessage, conversation: Conversation): Promise<Uint8Array> {
    const started = performance.now();
    const first = await play(request, conversation);
    const { items, serverHashedPassword } =
      first.items === undefined
        ? await replay(request, conversation, turnsOf(first.group))
        : { ...first, items: first.items };
    observe(request.version, items, speaker(conversation), performance.now() - started);
    return encode(request.version, items, request, serverHashedPassword);
  }

  function turnsOf(group: string): Turns {
    let turns = replays.get(group);
    if (turns === undefined) replays.set(group, (turns = new Turns()));
    return turns;
  }

  /** One message of a group at a time, in the order in which they lost. */
  function replay(request: RequestMessage, conversation: Conversation, turns: Turns) {
    return turns.run(async () => {
      for (let attempt = 0; attempt < replaysAtMost; attempt++) {
        const once = () => play(request, conversation, true);
        const { items, serverHashedPassword } = await (attempt < replaysAmongOthers
          ? once()
          : turns.alone(once));
        if (items !== undefined) return { items, serverHashedPassword };
      }
      throw new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
    });
  }

  return {
    async respond(bytes, conversation) {
      let version = guessVersion(bytes);
      try {
        const request = readRequest(bytes, limits);
        version = request.version;
        checkHeader(request, limits);
        return { response: await answer(request, conversation), close: false };
      } catch (error) {
        if (error instanceof UnsupportedVersion) version = closestVersion(error.major);
        return { response: refuse(version, asRefusal(error, conversation), conversation), close: false };
      }
    },
    refuseFraming(reason, version = oldestVersion, conversation) {
      return refuse(version, new KmipError('InvalidMessage', reason), conversation);
    },
    get pendingJobs() {
      return queue.pending;
    },
    lookForJobs: () => queue.look(),
    async close() {
      chores.end();
      await queue.close();
    },
  };

  function asRefusal(error: unknown, conversation: Conversation): KmipError {
    if (error instanceof KmipError) return error;
    if (error instanceof UnsupportedVersion)
      return new KmipError('UnsupportedProtocolVersion', error.message);
    if (error instanceof WireError) {
      return new KmipError(error.kind === 'malformed' ? 'CodecError' : 'InvalidMessage', error.message);
    }
    return unexpected(error, conversation);
  }
}

type Speaking = Pick<Conversation, 'principal' | 'connection'>;

function speaker(conversation: Speaking): { client: string; connection: string };
function speaker(conversation: Speaking | undefined): { client?: string; connection?: string };
function speaker(conversation: Speaking | undefined): { client?: string; connection?: string } {
  return conversation === undefined
    ? {}
    : { client: conversation.principal.client, connection: conversation.connection };
}
