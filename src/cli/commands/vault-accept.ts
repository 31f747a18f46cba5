import { readStoreUrl } from '../../config/values.ts';
import type { Anchor } from '../../store/lanes/anchor.ts';
import { type Command, homeOption, print, printError, readOption, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { CommandBackends } from '../state-directory/backends.ts';
import { lockDatabase } from '../state-directory/database-lock.ts';
import { lockStateDirectory, type ProcessLock, takeCommandLock } from '../state-directory/lock.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly yes?: boolean;
}

/**
 * Goes on with a database that `verify` finds fault with. No daemon may write to it; those of other nodes,
 * which it cannot see, the operator has stopped.
 */
export const vaultAccept: Command<Arguments> = {
  command: 'accept',
  describe:
    'Go on with the database as it is, after it was restored or somebody else has changed it; stop the daemons of all nodes first',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('yes', { type: 'boolean', describe: 'Accept it; without this, only say what is wrong' }),
  async run({ home, store, yes = false }) {
    const { withBackends } = await import('../state-directory/backends.ts');
    const stateDirectory = stateDirectoryAt(home);
    const url = readOption('store', store, readStoreUrl) ?? requireInitialised(stateDirectory).store;
    const locks: (ProcessLock | undefined)[] = [lockStateDirectory(stateDirectory)];
    try {
      locks.push(takeCommandLock(stateDirectory), lockDatabase(url, true));
      await withBackends(
        stateDirectory,
        store,
        (backends) => accept(stateDirectory, backends, yes),
        'verify',
      );
    } finally {
      for (const lock of locks) lock?.release();
    }
  },
};

async function accept(
  stateDirectory: StateDirectory,
  backends: CommandBackends,
  yes: boolean,
): Promise<void> {
  const { verifyDatabase } = await import('../state-directory/verify-database.ts');
  const { acceptDatabase } = await import('../verification/accept-database.ts');
  const { createAnchorFiles, removeAnchors } = await import('../state-directory/anchor-files.ts');
  const { commandLaneOf } = await import('../state-directory/database-lanes.ts');
  const found = await verifyDatabase(stateDirectory, backends);
  for (const problem of found.problems) printError(`kmipd: ${problem}`);
  if (found.problems.length === 0) {
    print('nothing is wrong with the database');
    return;
  }
  for (const { name, group, role, disabled } of await backends.clients.list())
    print(`client ${name}, group ${group}, role ${role}${disabled ? ', disabled' : ''}`);
  if (!yes)
    throw new CommandError(
      `${found.problems.length + found.unlisted} problems were found; look at the clients above; --yes goes on with the database as it is, and removes the ${found.altered.length} rows that do not open or were put back${found.strays > 0 ? `, and those that do not open among ${found.strays} that get a new number` : ''}`,
    );
  const { objects, records, renumbered, removed } = await acceptDatabase(backends, found, {
    lane: commandLaneOf(stateDirectory),
    uniqueNames: backends.config.uniqueNames,
  });
  // They remember another state. Until they are gone, the daemon still refuses the database.
  const files = Object.values(stateDirectory.anchors);
  const { storeNames } = backends.vault;
  for (const file of await removeAnchors(files, storeNames))
    print(`${file} could not be read and was removed, with what it had of other databases`);
  // Without an anchor the former database could take the place of this one until the next process writes.
  const [store = '', ...previous] = storeNames;
  const anchor = await anchorOf(backends, store);
  await createAnchorFiles(files, stateDirectory.anchors.command).write(anchor, previous);
  await reviewLog(stateDirectory, backends);
  print(
    `accepted ${objects} objects and ${records} records; ${removed} rows that did not open or were put back were removed;${renumbered > 0 ? ` ${renumbered} got a new number;` : ''} other nodes need their files anchor and anchor-command removed too`,
  );
}

/** Says what is wrong with the audit log, and sets checkpoints aside that the database disagrees with. */
async function reviewLog(stateDirectory: StateDirectory, backends: CommandBackends): Promise<void> {
  const { verifyLog } = await import('../audit-log/verify-log.ts');
  const { setCheckpointsAside } = await import('../../audit/checkpoints/checkpoint-files.ts');
  const { problems, newest, latest } = await verifyLog(stateDirectory, backends, { files: [], trusted: [] });
  for (const problem of problems) printError(`kmipd: audit log: ${problem}`);
  if (newest === latest) return;
  // Each later verification would report the entries that are lost.
  const aside = setCheckpointsAside(stateDirectory.audit);
  print(`checkpoints of the audit log disagree with the database and were set aside: ${aside.join(', ')}`);
}

/** Returns the anchor of a database as it is. */
async function anchorOf({ snapshot }: CommandBackends, store: string): Promise<Anchor> {
  const { hashBox } = await import('../../store/lanes/lane-history.ts');
  return snapshot(async (rows) => {
    const lanes = (await rows.lanes()).map(({ name, seq, box }) => ({ name, seq, box: hashBox(box) }));
    return { store, keyring: await rows.keyring(), lanes };
  });
}
