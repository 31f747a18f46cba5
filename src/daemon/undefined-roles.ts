import { type Config, ConfigError } from '../config/index.ts';
import { describeRoles } from '../identity/policy.ts';
import type { Client } from '../identity/principal.ts';
import type { Logger } from '../watch/log.ts';
import type { Backends } from './backends.ts';

/** Roles that clients have and that nobody defines: a mistyped or removed role must not pass for a policy. */

type Reader = Pick<Backends, 'clients' | 'vault'>;

/** Clients that one line names. */
const maxNamed = 5;

/** Returns one line for each role of an enrolled client that the configuration does not define. */
export function describeUndefinedRoles(
  { roles }: Pick<Config, 'roles'>,
  clients: readonly Pick<Client, 'name' | 'role'>[],
): readonly string[] {
  const defined = new Set(describeRoles(roles).map(({ name }) => name));
  const strays = Map.groupBy(
    clients.filter(({ role }) => !defined.has(role)),
    ({ role }) => role,
  );
  return [...strays].map(([role, having]) => {
    const named = having.slice(0, maxNamed).map(({ name }) => name);
    const others = having.length - named.length;
    const whose = `${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
    return `"roles" does not define ${JSON.stringify(role)}, the role of ${whose}: define it in kmipd.toml, or remove the client and add it with another role`;
  });
}

/** As `describeUndefinedRoles` of all clients; none while the vault is sealed. Rejects as `clients.list`. */
export async function findUndefinedRoles(
  config: Pick<Config, 'roles'>,
  { clients, vault }: Reader,
): Promise<readonly string[]> {
  return vault.unsealed ? describeUndefinedRoles(config, await clients.list()) : [];
}

/**
 * Checks that the roles of all enrolled clients are defined. A sealed vault, and a database that does not
 * answer, tell of no client: one whose role is not defined may do what every client may, and nothing else.
 * @throws {ConfigError} with a line for each role that is not
 */
export async function requireDefinedRoles(
  config: Pick<Config, 'roles'>,
  reader: Reader,
  log: Logger,
): Promise<void> {
  const problems = await findProblems(config, reader, log);
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Logs each such role, where it is too late to refuse the configuration. Never rejects. */
export async function reportUndefinedRoles(
  config: Pick<Config, 'roles'>,
  reader: Reader,
  log: Logger,
): Promise<void> {
  for (const problem of await findProblems(config, reader, log)) log.error(problem);
}

async function findProblems(
  config: Pick<Config, 'roles'>,
  reader: Reader,
  log: Logger,
): Promise<readonly string[]> {
  try {
    return await findUndefinedRoles(config, reader);
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'the roles of the clients could not be checked');
    return [];
  }
}
