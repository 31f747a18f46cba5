import { CommandError } from '../cli/failure.ts';
import { type Address, formatAddress } from '../common/address.ts';
import type { Config } from '../config/index.ts';

const bindingProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program; stop that one, or choose another',
  EACCES: 'may not be used by this user; choose a port above 1023',
  EADDRNOTAVAIL: 'is no address of this machine; choose one of its own',
  ENOTFOUND: 'is no known host; choose an address of this machine',
  EAI_AGAIN: 'cannot be looked up now; choose an address in numbers',
};

/** Returns the addresses that a configuration names for listeners, with the options that choose them. */
export function addressesOf({ listen, https, metrics }: Pick<Config, 'listen' | 'https' | 'metrics'>) {
  const named = [
    ['--listen', listen],
    ['--https', https],
    ['--metrics', metrics],
  ] as const;
  return named.flatMap(([option, address]) => (address === undefined ? [] : [[option, address] as const]));
}

/**
 * Refuses an address that two listeners have: the second would find it in use by the daemon itself.
 * @throws {CommandError}
 */
export function requireDistinctAddresses(config: Pick<Config, 'listen' | 'https' | 'metrics'>): void {
  const owners = new Map<string, string>();
  for (const [option, address] of addressesOf(config)) {
    if (address.port === 0) continue;
    const text = formatAddress(address);
    const other = owners.get(text);
    if (other !== undefined)
      throw new CommandError(`${text} is the address of both ${other} and ${option}; choose another for one`);
    owners.set(text, option);
  }
}

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
