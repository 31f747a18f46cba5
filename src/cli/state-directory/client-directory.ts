import { didYouMean } from '../../common/suggest.ts';
import type { Client, ClientDirectory } from '../../identity/principal.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import { print } from '../command.ts';
import { CommandError } from '../failure.ts';
import { runningDaemonPid } from './lock.ts';
import type { StateDirectory } from './state-directory.ts';

/** Opens the database for the length of one command; the daemon may have it open as well. */
export async function withClientDirectory<T>(
  store: string,
  work: (directory: ClientDirectory, opened: OpenStore) => Promise<T>,
): Promise<T> {
  const opened = await openStore(store);
  try {
    return await work(opened.clients, opened);
  } finally {
    await opened.close();
  }
}

/** The enrolled client of that name. Throws CommandError when there is none. */
export async function requireClient(directory: ClientDirectory, name: string): Promise<Client> {
  const client = await directory.byName(name);
  if (client !== undefined) return client;
  const names = (await directory.list()).map((each) => each.name);
  throw new CommandError(`no client "${name}" is enrolled${didYouMean(name, names)}`);
}

/**
 * Has the daemon of a home look at certificates and connections again. It looks up every new connection by itself; this
 * is for the certificates that its TLS layer trusts, and for the connections that are open.
 */
export function notifyDaemon(stateDirectory: StateDirectory): void {
  const pid = runningDaemonPid(stateDirectory);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGHUP');
    print(`the running kmipd (process ${pid}) was told`);
  } catch {
    print(`the running kmipd (process ${pid}) could not be told; send it SIGHUP`);
  }
}
