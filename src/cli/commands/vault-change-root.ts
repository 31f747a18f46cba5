import { formatRootUri, isAttendedRoot, parseRootUri, partsOf, type RootUri } from '../../common/root-uri.ts';
import { type Command, homeOption, print, readWholeNumber, storeOption } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { takeRootChangeLock } from '../state-directory/lock.ts';
import type { ManagementWork } from '../state-directory/management.ts';
import type { RootAttendance } from '../state-directory/root-sources.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';
import { type RootChangeNote, readChangeNote, removeChangeNote } from '../vault-changes/change-note.ts';

interface Arguments {
  readonly uri?: string;
  readonly home: string;
  readonly store?: string;
  readonly compromised: boolean;
  readonly abort: boolean;
  readonly wait: string;
  readonly 'passphrase-file'?: string;
}

const defaultWait = '600';
const maxWait = 86_400;

/** The command `vault change-root`. */
export const vaultChangeRoot: Command<Arguments> = {
  command: 'change-root [uri]',
  isManaged: true,
  describe: 'Move the database to another root, while clients are served; may be stopped and repeated',
  builder: (yargs) =>
    yargs
      .positional('uri', {
        type: 'string',
        describe: 'The new root, as for kmipd init --root; left out: goes on with the change that has begun',
      })
      .options(homeOption)
      .options(storeOption)
      .option('compromised', {
        type: 'boolean',
        default: false,
        describe:
          'The old root leaked, and any copy of the database may have: also seals every row under new keys. Without it, whoever has both opens later rows too. Enough for a root that is only moved, or leaked alone and surely without a copy: the form without it',
      })
      .option('abort', {
        type: 'boolean',
        default: false,
        describe: 'Go back to the old root, while both are live',
      })
      .option('passphrase-file', {
        type: 'string',
        requiresArg: true,
        describe: 'File with the passphrase of the root passphrase:, instead of the terminal or a pipe',
      })
      .option('wait', {
        type: 'string',
        default: defaultWait,
        requiresArg: true,
        describe: 'Seconds to wait for shares and other nodes',
      }),
  async run(args) {
    const stateDirectory = stateDirectoryAt(args.home);
    requireInitialised(stateDirectory);
    const lock = takeRootChangeLock(stateDirectory);
    try {
      const note = readChangeNote(stateDirectory.rootChange);
      if (args.abort) await abort(args, stateDirectory, note);
      else await change(args, stateDirectory, note);
    } finally {
      lock.release();
    }
  },
};

async function abort(args: Arguments, stateDirectory: StateDirectory, note: RootChangeNote | undefined) {
  if (args.uri !== undefined) throw new UsageError('--abort takes no root: it goes back to the one before');
  const { abortChange } = await import('../vault-changes/abort-change.ts');
  const { RootPassphrase } = await import('../vault-changes/root-passphrase.ts');
  using passphrase = new RootPassphrase(args['passphrase-file']);
  await withProcess({ ...args, stateDirectory, attendance: passphrase.attendance(false) }, (call) =>
    abortChange(stateDirectory, call, note),
  );
}

async function change(args: Arguments, stateDirectory: StateDirectory, begun: RootChangeNote | undefined) {
  const waitSeconds = readWholeNumber('wait', args.wait, { min: 0, max: maxWait }) ?? 0;
  const uri = readUri(args.uri ?? begun?.to);
  const to = formatRootUri(uri);
  if (begun !== undefined && begun.to !== to)
    throw new CommandError(
      `a change to ${begun.to} has begun: end it by kmipd vault change-root, or go back by kmipd vault change-root --abort`,
    );
  const isCompromised = args.compromised || begun?.isCompromised === true;
  const { changeRoot } = await import('../vault-changes/change-root.ts');
  const { RootPassphrase } = await import('../vault-changes/root-passphrase.ts');
  const note = { ...begun, to, isCompromised };
  const isGiven = (as: string) => partsOf(uri).some((part) => isAttendedRoot(part) && part.kind === as);
  using passphrase = new RootPassphrase(args['passphrase-file']);
  const attendance = passphrase.attendance(isGiven('passphrase'));
  const { store } = args;
  const needsDaemon = isGiven('shares');
  await withProcess({ stateDirectory, store, needsDaemon, attendance }, async (call, isServed) => {
    const done = await changeRoot({ stateDirectory, call, uri, passphrase, waitSeconds }, note);
    if (!isCompromised) return;
    const { renewEpochs } = await import('../vault-changes/renew-epochs.ts');
    await renewEpochs({ stateDirectory, call, isServed }, done);
    printEnd();
  });
  removeChangeNote(stateDirectory.rootChange);
}

function printEnd(): void {
  print(
    'the old root, with any copy of the database, opens none of the rows that are there now, and no guess finds one of them',
  );
  print(
    'homes that have not opened the database meanwhile need the file keyring.pin of one that has: docs/root-keys.md says why',
  );
}

function readUri(text: string | undefined): RootUri {
  if (text === undefined) throw new UsageError('name the new root, such as file:/keys/root.key');
  const uri = parseRootUri(text, process.cwd());
  if (typeof uri === 'string') throw new UsageError(`the root ${uri}`);
  return uri;
}

interface ProcessUse {
  readonly stateDirectory: StateDirectory;
  readonly store?: string | undefined;
  readonly needsDaemon?: boolean;
  readonly attendance: RootAttendance;
}

/** Runs `work` with the daemon; without one, where no custodian has to be waited for, with this process. */
async function withProcess(
  { stateDirectory, store, needsDaemon = false, attendance }: ProcessUse,
  work: ManagementWork<void>,
): Promise<void> {
  const { withDaemon, withManagement } = await import('../state-directory/management.ts');
  return needsDaemon
    ? withDaemon(stateDirectory, store, work)
    : withManagement(stateDirectory, store, work, { attendance });
}
