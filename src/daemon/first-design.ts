import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { print, printError } from '../cli/command.ts';
import { CommandError } from '../cli/failure.ts';
import { prepareLanes } from '../cli/state-directory/database-lanes.ts';
import { writeFileAtomically } from '../common/durable-file.ts';
import { redactStoreUrl } from '../config/values.ts';
import { FirstDesignError } from '../store/migrations/migration.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';
import { isPinned } from '../vault/keyring-pin.ts';
import { reportLanes } from './lane-reports.ts';
import type { StartContext } from './start-context.ts';

/** File of a state directory with the report of a conversion. */
const reportName = 'first-design-conversion.txt';

/**
 * Opens a database by `open`, and converts it before when it has the first design. The caller has locked it.
 * @throws {CommandError} when it cannot be converted; otherwise as `open`
 */
export async function openConverted<T>(
  { stateDirectory, config, log, metrics }: StartContext,
  open: () => Promise<T>,
): Promise<T> {
  const { store: url } = config;
  await completeConversion(url);
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof FirstDesignError)) throw error;
  }
  requireNeverConverted(stateDirectory.keyringPin, redactStoreUrl(url));
  const { convertDatabase } = await import('../first-design/conversion.ts');
  let report: readonly string[] = [];
  const keepReport = (lines: readonly string[]) => {
    report = lines;
    writeFileAtomically(join(stateDirectory.directory, reportName), `${lines.join('\n')}\n`, 0o600);
  };
  const { options: lanes } = prepareLanes(stateDirectory, 'daemon', reportLanes(log, metrics, Date.now));
  await convertDatabase({
    url,
    rootKeyFile: stateDirectory.rootKey,
    lanes,
    say: printError,
    keepReport,
  });
  for (const line of report) print(line);
  return open();
}

/**
 * Refuses a database of the first design in the place of one of the second: the first did not protect its
 * rows, so whoever can write the database would put an old copy there and change it before the conversion.
 * @throws {CommandError} when the state directory has used the database in the second design
 */
function requireNeverConverted(file: string, database: string): void {
  if (isPinned({ file, database }))
    throw new CommandError(
      `${database} has the first design, and this home has used it in the second: an old copy is in its place; if you have restored it yourself, remove ${file} to convert it again`,
    );
}

/** Removes the old rows from a SQLite file when the process that converted it has ended before. */
async function completeConversion(url: string): Promise<void> {
  const path = sqliteFileOf(url);
  if (path === undefined) return;
  const file = realpathSync(path);
  const { isUnvacuumed, vacuum } = await import('../first-design/kept-copy.ts');
  if (isUnvacuumed(file)) vacuum(file);
}
