import { setTimeout as sleep } from 'node:timers/promises';
import { describeOperatorError } from '../cli/failure.ts';
import { storeIdentityOf } from '../cli/state-directory/management.ts';
import { describeFileError } from '../common/regular-file.ts';
import { nodeCrypto } from '../crypto/node/node.ts';
import { ManagementServer } from '../management/server.ts';
import type { Backends } from './backends.ts';
import type { StartContext } from './start-context.ts';

/** How long an answer waits for its change to be in force; it is stored before. */
const maxReloadMilliseconds = 5_000;

/**
 * Serves the commands of this state directory on its socket until the daemon closes. Where there can be no
 * socket, the log says so, and commands open the database themselves.
 * @param reload puts a change of clients in force
 */
export async function openManagementSocket(
  { stateDirectory, config, log, closing }: StartContext,
  { store, vault, clients, snapshot }: Backends,
  reload: () => Promise<void>,
): Promise<void> {
  const { socket: path } = stateDirectory;
  const server = new ManagementServer({
    path,
    backends: {
      ...{ store, vault, clients, crypto: async () => nodeCrypto },
      listObjects: (after) => snapshot((rows) => rows.objects(after)),
    },
    description: { process: process.pid, store: storeIdentityOf(config.store) ?? '' },
    refusal: () => (vault.unsealed ? undefined : `the vault is sealed: ${vault.sealedBecause}`),
    describeError: describeOperatorError,
    changed: () => Promise.race([reload(), sleep(maxReloadMilliseconds, undefined, { ref: false })]),
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
