import type { ManagementCall } from '../../management/api.ts';
import { print } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';
import { type RootChangeNote, removeChangeNote } from './change-note.ts';
import { describeNode, readStatus } from './change-root.ts';
import { configureRoots } from './configured-roots.ts';

/**
 * Goes back to the root of before a change, while that is live.
 * @throws {CommandError} when there is nothing to go back from, or nodes would lose their only root.
 */
export async function abortChange(
  stateDirectory: StateDirectory,
  call: ManagementCall,
  note: RootChangeNote | undefined,
): Promise<void> {
  const { roots, nodes } = await readStatus(call);
  const [kept, ...others] = roots;
  if (kept === undefined || (others.length === 0 && note === undefined))
    throw new CommandError('no change of the root has begun');
  if (others.length === 0 && kept.uri === note?.to)
    throw new CommandError(
      `the database has left its former root: its root is ${kept.uri}; kmipd vault change-root URI moves it to another one`,
    );
  const late = nodes.filter((node) => !node.isOwn && !node.roots.includes(kept.id));
  if (others.length > 0 && late.length > 0)
    throw new CommandError(
      `these nodes have not got the root ${kept.uri}: ${late.map(describeNode).join(', ')}; bring it back there, or remove those that are gone with kmipd node remove`,
    );
  await call('vault.prepareRoot', { uri: null, isMade: true, publicKey: null });
  await call('vault.keepRoot', { id: kept.id });
  const { configured } = await readStatus(call);
  configureRoots(stateDirectory, configured);
  removeChangeNote(stateDirectory.rootChange);
  print(`the root of the database is ${kept.uri}, as before`);
  const made = note?.to ?? others[0]?.uri;
  if (made !== undefined) print(`${made} opens it no more; nothing of it was deleted`);
}
