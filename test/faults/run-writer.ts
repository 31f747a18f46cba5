import type { Client } from '../client.ts';
import type { Daemon } from '../fixture/daemon.ts';

/** A connection that sends messages until the server ends. */
interface RunningWriter {
  /** Rejects when a message is refused; ends when the connection does. */
  run(client: Client): Promise<void>;
}

/** Messages that the server has answered to all of them. */
export const acknowledgedBy = (writers: readonly { readonly acknowledged: number }[]): number =>
  writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);

/** Runs a writer until the server is killed, which may be before the writer has connected. */
export async function write(server: Daemon, writer: RunningWriter, isKilled: () => boolean): Promise<void> {
  let client: Client;
  try {
    client = await server.connect();
  } catch (error) {
    if (!isKilled()) throw error;
    return;
  }
  await writer.run(client);
}
