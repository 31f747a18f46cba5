import { didYouMean } from '../../common/suggest.ts';
import type { Client, ClientDirectory } from '../../identity/principal.ts';
import { print } from '../command.ts';
import { CommandError } from '../failure.ts';
import { runningDaemonPid } from './lock.ts';
import type { StateDirectory } from './state-directory.ts';

/**
 * Looks up an enrolled client.
 * @throws {CommandError} when there is none of that name.
 */
export async function requireClient(directory: ClientDirectory, name: string): Promise<Client> {
  const client = await directory.byName(name);
  if (client !== undefined) return client;
  const names = (await directory.list()).map((each) => each.name);
  throw new CommandError(`no client "${name}" is enrolled${didYouMean(name, names)}`);
}

/**
 * Makes the running daemon of a state directory reload, if there is one. It looks up the client of each new
 * connection anyway; the reload updates the certificates that TLS trusts and checks the open connections.
 */
export function notifyDaemon(stateDirectory: StateDirectory): void {
  const pid = runningDaemonPid(stateDirectory);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGHUP');
    print(`the running kmipd (process ${pid}) was notified`);
  } catch {
    print(`the running kmipd (process ${pid}) could not be notified; send it SIGHUP`);
  }
}
