import { didYouMean } from '../../common/suggest.ts';
import type { Client, ClientDirectory } from '../../identity/principal.ts';
import { ManagementError } from '../errors.ts';

/**
 * Looks up an enrolled client.
 * @throws {ManagementError} when there is none of that name.
 */
export async function requireClient(directory: ClientDirectory, name: string): Promise<Client> {
  const client = await directory.byName(name);
  if (client !== undefined) return client;
  const names = (await directory.list()).map((each) => each.name);
  throw new ManagementError(`no client "${name}" is enrolled${didYouMean(name, names)}`);
}
