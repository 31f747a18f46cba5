import type { LogReport } from '../../audit-log/verify-log.ts';
import { type Command, homeOption, print, printError, storeOption } from '../../command.ts';
import { CommandError, UsageError } from '../../failure.ts';
import { type StateDirectory, stateDirectoryAt } from '../../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly checkpoints?: string | readonly string[];
  readonly trust?: string | readonly string[];
  readonly export?: string;
}

/** The command `audit verify`. */
export const auditVerify: Command<Arguments> = {
  command: 'verify',
  describe: 'Check that the audit log is complete and as kmipd has written it, also while a daemon writes it',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('checkpoints', {
        type: 'string',
        requiresArg: true,
        describe: 'File of checkpoints that were kept elsewhere; may be given several times',
      })
      .option('export', {
        type: 'string',
        requiresArg: true,
        describe: 'Verify this export instead of the database; needs no home',
      })
      .option('trust', {
        type: 'string',
        requiresArg: true,
        describe: 'Fingerprint of the first key of a chain of signing keys; may be given several times',
      }),
  async run({ home, store, checkpoints, trust, export: file }) {
    const evidence = { files: toList(checkpoints), trusted: toList(trust).map(readFingerprint) };
    const stateDirectory = stateDirectoryAt(home);
    const report =
      file === undefined
        ? await verifyStored(stateDirectory, store, evidence)
        : await verifyFile(stateDirectory, file, evidence);
    printReport(report);
  },
};

interface Evidence {
  readonly files: readonly string[];
  readonly trusted: readonly string[];
}

async function verifyStored(
  stateDirectory: StateDirectory,
  store: string | undefined,
  evidence: Evidence,
): Promise<LogReport> {
  const { withBackends } = await import('../../state-directory/backends.ts');
  const { verifyLog } = await import('../../audit-log/verify-log.ts');
  return withBackends(
    stateDirectory,
    store,
    (backends) => verifyLog(stateDirectory, backends, evidence),
    'verify',
  );
}

async function verifyFile(
  stateDirectory: StateDirectory,
  file: string,
  { files, trusted }: Evidence,
): Promise<LogReport> {
  const { verifyExportOf } = await import('../../audit-log/verify-exported-log.ts');
  return verifyExportOf(stateDirectory, file, { files, trusted });
}

function printReport({ problems, unlisted, notes, ...report }: LogReport): void {
  const { chains, entries, blocks, checkpoints, newest } = report;
  for (const problem of problems) printError(`kmipd: ${problem}`);
  if (unlisted > 0) printError(`kmipd: ${unlisted} further problems`);
  for (const note of notes) print(note);
  const read = `${chains} chains with ${entries} entries in ${blocks} blocks`;
  if (problems.length > 0)
    throw new CommandError(`${read} were read; ${problems.length + unlisted} problems were found`);
  const agreeing =
    newest === undefined
      ? 'no checkpoint vouches for them'
      : `the newest of ${checkpoints} checkpoints that agrees is of ${newest}`;
  print(`${read}: all as kmipd has written them, and none is missing; ${agreeing}`);
}

const toList = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat();

/** @throws {UsageError} when it is no fingerprint */
function readFingerprint(value: string): string {
  const fingerprint = value.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(fingerprint)) return fingerprint;
  throw new UsageError('--trust must be a fingerprint, 64 hexadecimal digits: see kmipd audit key');
}
