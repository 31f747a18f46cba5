import { setTimeout as sleep } from 'node:timers/promises';
import { describeOperatorError } from '../cli/failure.ts';
import { combineTokens } from '../cli/state-directory/managed-tokens.ts';
import { storeIdentityOf } from '../cli/state-directory/management.ts';
import { verifyDatabase } from '../cli/state-directory/verify-database.ts';
import { describeFileError } from '../common/regular-file.ts';
import { nodeCrypto } from '../crypto/node/node.ts';
import type { RolePolicy } from '../identity/policy.ts';
import { toApprovalRule } from '../management/approval-rule.ts';
import { type CallObserver, type LoginSubject, loginMethod } from '../management/call-observer.ts';
import { isChange } from '../management/changing-methods.ts';
import { ManagementError } from '../management/errors.ts';
import { CallRecorder } from '../management/recorded-calls.ts';
import { ManagementServer } from '../management/server.ts';
import type { Service } from '../protocol/service.ts';
import type { Logger } from '../watch/log.ts';
import type { Backends } from './backends.ts';
import type { Connections } from './connections.ts';
import type { StartContext } from './start-context.ts';

/** How long an answer waits for its change to be in force; it is stored before. */
const maxReloadMilliseconds = 5_000;
/** How long a removal waits for the messages of its client; commands wait for the answer for a minute. */
const maxMessageMilliseconds = 30_000;
const late = 'it is still at work on its reload';

/** What the commands ask of the daemon about clients. */
interface ServedClients {
  readonly connections: Pick<Connections, 'endRemoved'>;
  readonly rolePolicy: Pick<RolePolicy, 'roles'>;
  readonly service: Pick<Service, 'runJob'>;
}

/**
 * Serves the commands of this state directory on its socket until the daemon closes. Where there can be no
 * socket, the log says so, and commands open the database themselves.
 * @param reload puts a change of clients in force, or resolves to why it is not
 */
export async function openManagementSocket(
  { stateDirectory, config, log, closing }: StartContext,
  backends: Backends,
  { connections, rolePolicy, service }: ServedClients,
  reload: () => Promise<string | undefined>,
): Promise<void> {
  const { socket: path } = stateDirectory;
  const { store, vault, clients, nodes, managedAudit, tokens: ofRoots, tokenKeys } = backends;
  const { roots, snapshot, sealedRows, audit, checkpoints } = backends;
  const tokens = combineTokens(ofRoots, tokenKeys);
  const calls = audit && new CallRecorder(audit.node, (entry) => audit.append(entry));
  const server = new ManagementServer({
    path,
    backends: {
      ...{ store, vault, control: vault, clients, nodes, audit: managedAudit, tokens, roots, sealedRows },
      approval: toApprovalRule(config.approval),
      keyDevice: tokenKeys,
      runJob: (job) => service.runJob(job),
      uniqueNames: config.uniqueNames,
      roles: () => rolePolicy.roles,
      crypto: async () => nodeCrypto,
      verify: () => verifyDatabase(stateDirectory, { snapshot, vault }),
      listObjects: (after) => snapshot((rows) => rows.destroyDates(after)),
      ended: async (client) => {
        const ending: Promise<string | undefined> = connections.endRemoved(client).then(
          () => undefined,
          (error: Error) => error.message,
        );
        const tooLate = sleep(maxMessageMilliseconds, 'it takes too long', { ref: false });
        const reason = await Promise.race([ending, tooLate]);
        if (reason !== undefined)
          log.warn(
            { client, reason },
            'records of a removed client may stay: its last messages have not ended',
          );
      },
    },
    description: { process: process.pid, store: storeIdentityOf(config.store) ?? '' },
    ready: async () => {
      if (!vault.unsealed) throw new ManagementError(`the vault is sealed: ${vault.sealedBecause}`);
      // Rejects with the way out when the daemon must not write any more.
      await store.ping();
    },
    describeError: describeOperatorError,
    changed: async () => {
      const problem = await Promise.race([reload(), sleep(maxReloadMilliseconds, late, { ref: false })]);
      return (
        problem && `the change is stored, but the running kmipd (process ${process.pid}) says: ${problem}`
      );
    },
    observe: async (caller, operation, params, outcome) => {
      await calls?.record(caller, operation, params, outcome);
      const mayHaveChanged = outcome.kind === 'done' || outcome.kind === 'failed';
      // Many calls make one rewrap: its pages wait for the checkpoint of the minute.
      if (mayHaveChanged && operation !== 'vault.rewrap' && isChange(operation, params)) checkpoints?.soon();
      logIfRefused(log, caller, operation, params, outcome);
    },
    failed: (operation, error) =>
      log.error({ operation, error: error as Error }, 'a method of the management socket failed'),
  });
  try {
    await server.listen();
    closing.defer(() => server.close());
  } catch (error) {
    const reason = describeFileError(error) ?? (error as Error).message;
    log.warn({ file: path, reason }, 'there is no management socket: commands open the database themselves');
  }
}

/** Logs that an administrator was refused a login or a call, and why. */
function logIfRefused(log: Logger, ...[caller, operation, params, outcome]: Parameters<CallObserver>): void {
  if (outcome.kind !== 'refused') return;
  const reason = outcome.reason ?? outcome.message;
  const { name: by, role } = caller;
  if (operation === loginMethod)
    log.warn({ by: (params as LoginSubject).name, reason }, 'a login of an administrator was refused');
  else log.warn({ by, role, operation, reason }, 'a call of the management service was refused');
}
