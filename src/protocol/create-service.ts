import { oldestVersion } from '../../codec/version.ts';
import type { AuditRecorder } from '../audit/audit.ts';
import type { Limits } from '../common/limits.ts';
import type { Principal } from '../identity/principal.ts';
import type { Store } from '../store/store.ts';
import { Authenticator } from './authentication/authentication.ts';
import { ContextFactory, type ContextFactoryOptions } from './batch/context-factory.ts';
import { jobSender, Responses } from './batch/responses.ts';
import { JobQueue } from './jobs/job-queue.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { Maintenance } from './jobs/maintenance.ts';
import { WaitingPeriodEnd } from './jobs/waiting-period-end.ts';
import { MessageProcessor } from './message-processor.ts';
import { RestorableDirectory } from './restorable-directory.ts';
import type { Service } from './service.ts';
import type { NewObjectLimits } from './unit-of-work/new-objects.ts';
import type { ObjectEvents } from './unit-of-work/object-events.ts';
import { QuotaCounts } from './unit-of-work/quotas.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

export interface ServiceOptions extends ContextFactoryOptions {
  readonly store: Store;
  /** Is notified of every commit of a message; left out where no client is to be notified. */
  readonly events?: ObjectEvents;
  /** Records what clients do; nothing is recorded without it. */
  readonly audit?: AuditRecorder | undefined;
  /** How long a request of a client waits for the approval of an administrator; a day when left out. */
  readonly approvalSeconds?: number;
  /**
   * Finds the enrolled client of a name, for work that is done for it; undefined when it is not authorised
   * now.
   */
  readonly principal?: (client: string) => Promise<Principal | undefined>;
}

/**
 * Composes the message service: authentication, batch execution, asynchronous jobs and maintenance over one
 * store.
 */
export function createService(options: ServiceOptions): Service {
  const { limits, clock, observer, server, store, vault, events, audit } = options;
  const now = (): number => Math.floor(clock() / 1000);
  const principal = options.principal ?? (() => Promise.resolve(undefined));
  const { uniqueNames } = server;
  const { searchMilliseconds } = limits;
  const newObjects = newObjectLimits(limits);
  const quotas = new QuotaCounts(store);
  const beginUnit = (): UnitOfWork =>
    new UnitOfWork(store, vault, { uniqueNames, newObjects, quotas, searchMilliseconds, now: now() });
  const responses = new Responses(observer, now);
  const contexts = new ContextFactory(options, beginUnit);
  const runner = new JobRunner({ limits, clock, beginUnit, principal, contexts, responses, events, audit });
  const queue = new JobQueue({
    limits,
    clock,
    beginUnit,
    runner,
    isUnsealed: () => vault.unsealed,
    failed: (error, client) => void responses.unexpected(error, jobSender(client)),
  });
  const processor = new MessageProcessor({
    limits,
    clock,
    beginUnit,
    authenticator: new Authenticator({ ...options, interop: server.interop, principal }),
    contexts,
    queue,
    responses,
    events,
    audit,
    observer,
    approvalSeconds: options.approvalSeconds ?? 86_400,
  });
  const waitingPeriods = new WaitingPeriodEnd({
    directory: new RestorableDirectory(store, vault, { uniqueNames }),
    ...{ now, node: audit?.node },
    failed: (error) => void responses.unexpected(error, jobSender('none: the end of a waiting period')),
  });
  const maintenance = new Maintenance({ store, vault, queue, contexts, now, waitingPeriods });
  return {
    respond: (bytes, conversation) => processor.respond(bytes, conversation),
    refuseFraming: (reason, conversation, version = oldestVersion) =>
      processor.refuseFraming(reason, conversation, version),
    get pendingJobs() {
      return queue.pending;
    },
    lookForJobs: () => queue.lookForJobs(),
    runJob: (job) => queue.add(job),
    async close() {
      maintenance.stop();
      await queue.close();
      contexts.close();
    },
  };
}

/**
 * Objects that one message may make: both keys of a pair in every item, and one key split into the most parts
 * (255). An item that splits a key has 200 bytes; a thousand of them would make 255,000 objects at once. The
 * attributes may take what a request can state, what the server sets, and what references may add.
 */
function newObjectLimits({ batchItems, requestBytes, referenceBytes }: Limits): NewObjectLimits {
  const objects = 2 * batchItems + 255;
  return { objects, attributeBytes: requestBytes + objects * serverAttributeBytes + referenceBytes };
}

/** Bytes of the attributes that the server sets of an object. */
const serverAttributeBytes = 1_536;
