import { randomUUID } from 'node:crypto';
import {
  decodeRequest,
  guessVersion,
  type RequestMessage,
  type ResponseItem,
  UnsupportedVersionError,
} from '../../codec/envelope.ts';
import { closestVersion, oldestVersion } from '../../codec/version.ts';
import { KmipError } from '../common/errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Store } from '../store/store.ts';
import { Authenticator } from './authentication/authentication.ts';
import { runBatch, runItems } from './batch/batch.ts';
import { ContextFactory, type ContextFactoryOptions } from './batch/context-factory.ts';
import { checkHeader } from './batch/header.ts';
import { jobSender, Responses, senderOf } from './batch/responses.ts';
import { submitIfAsynchronous } from './jobs/asynchronous.ts';
import { isTransient, JobQueue } from './jobs/job-queue.ts';
import { Maintenance } from './jobs/maintenance.ts';
import type { Conversation, Service } from './service.ts';
import { ConflictRetry } from './unit-of-work/conflict-retry.ts';
import type { ObjectEvents } from './unit-of-work/object-events.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

export interface ServiceOptions extends ContextFactoryOptions {
  readonly store: Store;
  /** Hears of every commit; nobody is told when left out. */
  readonly events?: ObjectEvents;
  /** The enrolled client of that name, for what is done in its place; undefined when it may not speak now. */
  readonly principal?: (client: string) => Promise<Principal | undefined>;
}

/** What playing a message once came to. */
interface AttemptResult {
  /** Whose objects it was about. */
  readonly group: string;
  /** Undefined: others changed what it read, nothing was written. */
  readonly outcome: Outcome | undefined;
}

interface Outcome {
  readonly items: readonly ResponseItem[];
  readonly serverHashedPassword: Uint8Array | undefined;
}

/** Answers framed requests: reading, header, batch, commit, response (DESIGN §5). */
export function createService(options: ServiceOptions): Service {
  const { limits, clock, observer, server, store, vault } = options;
  const seconds = (): number => Math.floor(clock() / 1000);
  const principal = options.principal ?? (() => Promise.resolve(undefined));
  const authenticator = new Authenticator({ ...options, interop: server.interop, principal });
  const environments = new ContextFactory(options, (speaker, inJob) => queue.portFor(speaker, inJob));
  const responses = new Responses(observer, seconds);
  const replays = new ConflictRetry();
  const queue = new JobQueue({
    limits,
    clock,
    begin,
    unsealed: () => vault.unsealed,
    principal,
    run(request, unit, speaker, isCancelled) {
      const unexpected = (error: unknown) => responses.unexpected(error, jobSender(speaker.principal.client));
      const environment = environments.for({ request, unit, sender: speaker, unexpected });
      return runItems(request, { ...environment, isRetryable: isTransient, isCancelled });
    },
    done(client, version, items, milliseconds, unit) {
      responses.observe(version, items, jobSender(client), milliseconds);
      options.events?.committed(unit.written, unit.now);
    },
    failed: (error, client) => observer.requestFailed({ error, reference: randomUUID(), ...jobSender(client) }),
  });
  const chores = new Maintenance(store, queue, seconds);

  function begin(): UnitOfWork {
    return new UnitOfWork(store, vault, { uniqueNames: server.uniqueNames, now: seconds() });
  }

  /** `first`: not played again, so it waits for those that keep losing. */
  async function executeBatch(
    request: RequestMessage,
    conversation: Conversation,
    first: boolean,
  ): Promise<AttemptResult> {
    const unit = begin();
    const speaker = await authenticator.authenticate(request.header, conversation, unit, unit.now);
    const { group } = speaker.principal;
    unit.actFor(group);
    const unexpected = (error: unknown) => responses.unexpected(error, senderOf(conversation));
    const environment = environments.for({ request, unit, sender: speaker, conversation, unexpected });
    const items =
      (await submitIfAsynchronous(request, () => ({
        ...environment,
        principal: speaker.principal,
        queue,
        limits,
        clock,
      }))) ?? (await runBatch(request, environment));
    if (first && unit.changed) await replays.exclusiveBarrier(group);
    if ((await unit.commit()) !== 'committed') return { group, outcome: undefined };
    options.events?.committed(unit.written, unit.now);
    return { group, outcome: { items, serverHashedPassword: speaker.serverHashedPassword } };
  }

  async function answer(request: RequestMessage, conversation: Conversation): Promise<Uint8Array> {
    const started = performance.now();
    const { group, outcome } = await executeBatch(request, conversation, true);
    const again = async () => (await executeBatch(request, conversation, false)).outcome;
    const { items, serverHashedPassword } = outcome ?? (await replays.run(group, again));
    const milliseconds = performance.now() - started;
    responses.observe(request.version, items, senderOf(conversation), milliseconds);
    return responses.answer(request, items, serverHashedPassword);
  }

  return {
    async respond(bytes, conversation) {
      let version = guessVersion(bytes);
      try {
        const request = decodeRequest(bytes, limits);
        version = request.version;
        checkHeader(request, limits);
        return { response: await answer(request, conversation), close: false };
      } catch (error) {
        if (error instanceof UnsupportedVersionError) version = closestVersion(error.major);
        return {
          response: responses.refusal(version, responses.understood(error, conversation), conversation),
          close: false,
        };
      }
    },
    refuseFraming(reason, version = oldestVersion, conversation) {
      return responses.refusal(version, new KmipError('InvalidMessage', reason), conversation);
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
}
