import type { Config } from '../config/index.ts';
import { nodeCrypto } from '../crypto/node/node.ts';
import { findIdlePolicies, type IdlePolicies } from '../protocol/idle-policies.ts';
import type { IssuerSummary } from '../protocol/revocation-lists.ts';
import type { Logger } from '../watch/log.ts';
import type { Backends } from './backends.ts';

/** Reports of naming policies that bind nobody: a mistyped identifier must not pass for a policy. */

/** What reads the authorities of all groups. */
type RowReader = Pick<Backends, 'store' | 'clients' | 'vault'>;

/** Finds them; none while the vault is sealed, because nothing is issued then. */
function findIn(
  { authorities }: Pick<Config, 'authorities'>,
  { store, clients, vault }: RowReader,
): Promise<IdlePolicies> {
  const groups = async () => [...new Set((await clients.list()).map(({ group }) => group))].toSorted();
  return findIdlePolicies(vault.unsealed ? authorities.keys() : [], {
    store,
    vault,
    crypto: nodeCrypto,
    groups,
  });
}

const describeIssuer = ({ id, group, subject }: IssuerSummary) => `${id} (group ${group}, ${subject})`;

/**
 * Returns one line for each naming policy that binds nobody, with the issuers that there are.
 * `backends`: undefined for a database that is still to be created.
 */
export async function describeIdlePolicies(
  config: Pick<Config, 'authorities'>,
  backends: RowReader | undefined,
): Promise<readonly string[]> {
  const { policies, issuers }: IdlePolicies =
    backends === undefined
      ? { policies: [...config.authorities.keys()].map((issuer) => ({ issuer })), issuers: [] }
      : await findIn(config, backends);
  const choice =
    issuers.length === 0
      ? 'there are no issuers yet'
      : `issuers are ${issuers.map(describeIssuer).join(', ')}`;
  return policies.map(
    ({ issuer, probablyMeant }) =>
      `"authorities.${issuer}" binds nobody: it is the identifier of no certificate of an authority; ${choice}` +
      (probablyMeant === undefined ? '' : `; did you mean "${probablyMeant}"?`),
  );
}

/** Logs one line for each naming policy that binds nobody. Never rejects. */
export async function warnOfIdlePolicies(
  config: Pick<Config, 'authorities'>,
  backends: RowReader,
  log: Logger,
): Promise<void> {
  try {
    const { policies, issuers } = await findIn(config, backends);
    for (const { issuer, probablyMeant } of policies)
      log.warn(
        { keys: [`authorities.${issuer}`], issuers: issuers.map(describeIssuer), probablyMeant },
        'a naming policy binds nobody: its key is the identifier of no certificate of an authority',
      );
  } catch (error) {
    const { message } = error as Error;
    log.warn({ error: message }, 'the identifiers of [authorities] could not be checked');
  }
}
