import type { RecipientCandidate, RecipientDirectory } from '../../protocol/recipient-directory.ts';
import { print } from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

/** Functions shared by the commands `object`. */

/** Options that choose the state directory and the database. */
export interface StoreArguments {
  readonly home: string;
  readonly store?: string;
}

/**
 * Opens the database and the vault of a state directory for the time of `use`; a daemon may be serving it.
 * @throws {CommandError} when the vault is sealed.
 */
export async function withRecipients(
  { home, store }: StoreArguments,
  use: (directory: RecipientDirectory) => Promise<void>,
): Promise<void> {
  const { nodeCrypto } = await import('../../crypto/node/node.ts');
  const { RecipientDirectory } = await import('../../protocol/recipient-directory.ts');
  const { withBackends } = await import('../state-directory/backends.ts');
  await withBackends(stateDirectoryAt(home), store, (backends) =>
    use(new RecipientDirectory(backends.store, backends.vault, nodeCrypto)),
  );
}

/**
 * Returns the key with that identifier.
 * @throws {CommandError} when there is none, or only its attributes are stored.
 */
export async function requireCandidate(
  directory: RecipientDirectory,
  id: string,
): Promise<RecipientCandidate> {
  return (
    (await directory.find(id)) ??
    fail(`there is no key ${JSON.stringify(id)}; clients find the Unique Identifier by Locate`)
  );
}

function fail(message: string): never {
  throw new CommandError(message);
}

const births: Readonly<Record<RecipientCandidate['provenance']['born'], string>> = {
  made: 'made here',
  derived: 'derived here',
  joined: 'joined here',
  split: 'a part of a key, made here',
  unwrapped: 'imported, unwrapped here',
  imported: 'imported',
  registered: 'registered',
};
const showings: Readonly<Record<RecipientCandidate['provenance']['shown'], string>> = {
  never: 'never left the server',
  wrapped: 'left under keys that no client knows only',
  clear: 'clients may know it',
};

/** Prints what an operator compares before marking a key; never its value. */
export function printCandidate(candidate: RecipientCandidate): void {
  const { id, group, type, algorithm, bits, names, provenance, isClosed, isMarked } = candidate;
  const rows = {
    object: id,
    group,
    names: names.join(', '),
    type: [type, algorithm, bits === undefined ? undefined : `${bits} bits`].filter(Boolean).join(', '),
    history: `${births[provenance.born]}; ${showings[provenance.shown]}`,
    recipient: isMarked ? 'marked by an operator' : isClosed ? 'closed: no client knows it' : 'no',
    fingerprint: candidate.fingerprint.toHex(),
  };
  for (const [key, value] of Object.entries(rows)) if (value !== '') print(`${`${key}:`.padEnd(13)}${value}`);
}
