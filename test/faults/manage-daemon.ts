import { join } from 'node:path';
import type { ManagementCall } from '../../src/management/api.ts';
import { connectManagement, type ManagementConnection } from '../../src/management/client.ts';
import { CutOffError, type Round } from './maintenance-act.ts';

/** Milliseconds within which the daemon of a slow machine answers. */
const connectDeadline = 60_000;

/**
 * Does an act by the management socket of the daemon, and calls `begin` when the daemon has answered.
 * `isPartlyDone`: see `CutOffError`.
 * @throws {CutOffError} when it was killed meanwhile
 */
export async function manageDaemon(
  { server, isKilled }: Round,
  begin: () => void,
  work: (call: ManagementCall) => Promise<void>,
  isPartlyDone: () => boolean,
): Promise<void> {
  const connection = await connect(join(server.home, 'kmipd.sock'), isKilled);
  begin();
  try {
    await work(connection.call);
  } catch (error) {
    throw isKilled() ? new CutOffError(isPartlyDone) : error;
  } finally {
    connection.close();
  }
}

/** Connects as often as needed: commands wait for two seconds, which a busy daemon may exceed. */
async function connect(path: string, isKilled: () => boolean): Promise<ManagementConnection> {
  const deadline = performance.now() + connectDeadline;
  for (;;) {
    const connection = await connectManagement(path);
    if (connection !== undefined) return connection;
    if (isKilled()) throw new CutOffError();
    if (performance.now() > deadline) throw new Error('no daemon answers at the management socket');
  }
}
