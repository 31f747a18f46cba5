import { purgePage } from '../../protocol/purge.ts';
import { RecipientDirectory } from '../../protocol/recipient-directory.ts';
import type { KeySummary, ManagementBackends, MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** The methods about objects: recipients, and what is left of destroyed objects. */
export const objectMethods: MethodsOf<'object'> = {
  'object.show': async (backends, { id }) => requireKey(await directoryOf(backends), id),
  async 'object.mark'(backends, { id, fingerprint }) {
    const directory = await directoryOf(backends);
    const key = await requireKey(directory, id);
    if (key.problem !== undefined) throw new ManagementError(`${id} cannot be a recipient: ${key.problem}`);
    if (fingerprint !== key.fingerprint)
      throw new ManagementError(`${id} is another key: its fingerprint is ${key.fingerprint}`);
    await directory.mark(id, Uint8Array.fromHex(fingerprint));
    return key;
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
};

const directoryOf = async ({ store, vault, crypto }: ManagementBackends): Promise<RecipientDirectory> =>
  new RecipientDirectory(store, vault, await crypto());

/**
 * Returns the key with that identifier, without its value.
 * @throws {ManagementError} when there is none, or only its attributes are stored.
 */
async function requireKey(directory: RecipientDirectory, id: string): Promise<KeySummary> {
  const found = await directory.find(id);
  if (found === undefined)
    throw new ManagementError(
      `there is no key ${JSON.stringify(id)}; clients find the Unique Identifier by Locate`,
    );
  const { provenance, fingerprint, ...shown } = found;
  return { ...shown, born: provenance.born, shown: provenance.shown, fingerprint: fingerprint.toHex() };
}
