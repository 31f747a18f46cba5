import type { AdministratorRole } from '../../identity/administrator.ts';
import { purgePage } from '../../protocol/purge.ts';
import { type RecipientCandidate, RecipientDirectory } from '../../protocol/recipient-directory.ts';
import { RestorableDirectory } from '../../protocol/restorable-directory.ts';
import type { ManagementBackends, MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';
import type { KeySummary } from '../object-api.ts';

/** The methods about objects: recipients, and destroyed objects. */
export const objectMethods: MethodsOf<'object'> = {
  'object.show': async (backends, { id }, { role }) =>
    describeKey(await requireKey(await directoryOf(backends), id), role),
  async 'object.mark'(backends, { id, fingerprint }, { role }) {
    const directory = await directoryOf(backends);
    const key = await requireKey(directory, id);
    if (key.problem !== undefined) throw new ManagementError(`${id} cannot be a recipient: ${key.problem}`);
    if (fingerprint !== key.fingerprint.toHex())
      throw new ManagementError(`${id} is another key: its fingerprint is ${key.fingerprint.toHex()}`);
    await directory.mark(id, Uint8Array.fromHex(fingerprint));
    return describeKey(key, role);
  },
  async 'object.unmark'(backends, { id }) {
    if (!(await (await directoryOf(backends)).unmark(id)))
      throw new ManagementError(`${id} is not marked as recipient`);
    return {};
  },
  'object.purge': ({ store, vault, listObjects: list }, { after, destroyedUntil, dryRun }) =>
    purgePage({ store, vault, list }, after, {
      ...{ destroyedUntil, dryRun },
      now: Math.floor(Date.now() / 1000),
    }),
  'object.restorable': (backends, { after }) => restorableOf(backends).list(after),
  async 'object.restore'(backends, { id }) {
    const restored = await restorableOf(backends).restore(id);
    if (typeof restored === 'string') throw new ManagementError(`nothing was restored: ${restored}`);
    return restored;
  },
};

const restorableOf = ({ store, vault, uniqueNames }: ManagementBackends) =>
  new RestorableDirectory(store, vault, { uniqueNames });

const directoryOf = async ({ store, vault, crypto }: ManagementBackends): Promise<RecipientDirectory> =>
  new RecipientDirectory(store, vault, await crypto());

/**
 * Returns the key with that identifier, without its value.
 * @throws {ManagementError} when there is none, or only its attributes are stored.
 */
async function requireKey(directory: RecipientDirectory, id: string): Promise<RecipientCandidate> {
  const found = await directory.find(id);
  if (found === undefined)
    throw new ManagementError(
      `there is no key ${JSON.stringify(id)}; clients find the Unique Identifier by Locate`,
    );
  return found;
}

/** Returns what a role may see of a key: whoever knows the digest of a password can try all words. */
function describeKey(
  { provenance, fingerprint, ...shown }: RecipientCandidate,
  role: AdministratorRole,
): KeySummary {
  const isShown = shown.type === 'PublicKey' || (role === 'admin' && shown.problem === undefined);
  const history = { born: provenance.born, shown: provenance.shown };
  return { ...shown, ...history, fingerprint: isShown ? fingerprint.toHex() : null };
}
