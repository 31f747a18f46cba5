import { didYouMean } from '../../common/suggest.ts';
import type { Client, ClientDirectory } from '../../identity/principal.ts';
import { ManagementError } from '../errors.ts';

/** Names among which one is suggested: 1,000 of 64 characters hold the event loop for 120 ms. */
const maxCompared = 1_000;

/**
 * Looks up an enrolled client.
 * @throws {ManagementError} when there is none of that name.
 */
export async function requireClient(directory: ClientDirectory, name: string): Promise<Client> {
  const client = await directory.byName(name);
  if (client !== undefined) return client;
  const names = (await directory.list()).map((each) => each.name);
  const suggestion = names.length > maxCompared ? '' : didYouMean(name, names);
  throw new ManagementError(`no client "${name}" is enrolled${suggestion}`);
}
