import { CommandError } from '../cli/failure.ts';
import { type Address, formatAddress } from '../common/address.ts';

const bindingProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program; stop that one, or choose another',
  EACCES: 'may not be used by this user; choose a port above 1023',
  EADDRNOTAVAIL: 'is no address of this machine; choose one of its own',
  ENOTFOUND: 'is no known host; choose an address of this machine',
  EAI_AGAIN: 'cannot be looked up now; choose an address in numbers',
};

/**
 * Resolves to the result of `listen`, which binds an address.
 * @throws {CommandError} when it cannot be bound; the message names the address and the option that chooses
 * another.
 */
export async function bind<T>(address: Address, option: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const problem = bindingProblems[(error as NodeJS.ErrnoException).code ?? ''];
    if (problem === undefined) throw error;
    throw new CommandError(`${formatAddress(address)} ${problem} with ${option} HOST:PORT`);
  }
}
