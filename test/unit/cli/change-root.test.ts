import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { changeRoot, type RootChangeOptions } from '../../../src/cli/vault-changes/change-root.ts';
import { parseRootUri, type RootUri } from '../../../src/common/root-uri.ts';

/** Asks for a change of the root whose `vault.addRoot` fails, and so the statuses after it if `isGone`. */
async function change(directory: string, isGone: boolean): Promise<{ error: unknown; hasNote: boolean }> {
  const stateDirectory = stateDirectoryAt(directory);
  const uri = parseRootUri('file:next.key', directory) as RootUri;
  let isAdded = false;
  const call = async (method: string) => {
    if (method === 'vault.addRoot') {
      isAdded = true;
      throw new Error('the root is refused');
    }
    if (isAdded && isGone) throw new Error('the daemon is gone');
    const roots = [{ id: 'a', kind: 'file', uri: 'file:root.key', createdAt: 1 }];
    return { sealedBecause: null, roots, configured: [], atHand: ['a'] };
  };
  const options = { stateDirectory, call, uri, waitSeconds: 1 } as unknown as RootChangeOptions;
  const note = { to: 'file:next.key', isCompromised: false };
  const error = await changeRoot(options, note).catch((thrown: unknown) => thrown);
  return { error, hasNote: existsSync(stateDirectory.rootChange) };
}

t.test('a root that is refused leaves no note, unless nobody says so', async (t) => {
  const directory = t.testdir({ known: {}, gone: {} });
  const refused = new Error('the root is refused');
  t.match(await change(join(directory, 'known'), false), { error: refused, hasNote: false });
  t.match(await change(join(directory, 'gone'), true), { error: refused, hasNote: true });
});
