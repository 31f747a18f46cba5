import { realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { print, printError } from '../cli/command.ts';
import { CommandError } from '../cli/failure.ts';
import { prepareLanes } from '../cli/state-directory/database-lanes.ts';
import { writeFileAtomically } from '../common/durable-file.ts';
import { redactStoreUrl } from '../config/values.ts';
import { confirmation } from '../first-design/confirmation.ts';
import { FirstDesignError } from '../store/migrations/migration.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';
import { hasPins, isPinned, removePin } from '../vault/keyring-pin.ts';
import { reportLanes } from './lane-reports.ts';
import type { StartContext } from './start-context.ts';

/** File of a state directory with the report of a conversion. */
const reportName = 'first-design-conversion.txt';
/** File of a state directory with the inventory of a conversion that is not complete. */
const inventoryName = 'first-design-inventory';

/**
 * Opens a database by `open`, and converts it before when it has the first design. The caller has locked it.
 * @throws {CommandError} when it cannot be converted, or is not to be; otherwise as `open`
 */
export async function openConverted<T extends { close(): Promise<void> }>(
  context: StartContext,
  open: () => Promise<T>,
): Promise<T> {
  const { stateDirectory, config, isConversionConfirmed } = context;
  await completeConversion(config.store);
  const database = redactStoreUrl(config.store);
  const inventory = join(stateDirectory.directory, inventoryName);
  let opened = await openSecondDesign(open);
  const isConverted = opened === undefined;
  if (opened === undefined) {
    if (!isConversionConfirmed) requireFirstDatabase(stateDirectory.keyringPin, database);
    await convert(context, inventory);
    opened = await open();
  }
  // The keyring that the home remembers from here on has an old copy refused; until then the inventory has.
  if (isPinned({ file: stateDirectory.keyringPin, database })) rmSync(inventory, { force: true });
  if (isConverted || !isConversionConfirmed) return opened;
  // As an option of a service it would say at every start that an old copy is meant.
  await opened.close();
  throw new CommandError(
    `${database} does not have the first design, so there is nothing to convert: start without --convert-first-design`,
  );
}

/** Opens a database by `open`; undefined when it has the first design. */
async function openSecondDesign<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof FirstDesignError) return undefined;
    throw error;
  }
}

async function convert(context: StartContext, inventoryFile: string): Promise<void> {
  const { stateDirectory, config, isConversionConfirmed, log, metrics } = context;
  const { store: url } = config;
  // Its rows are encrypted under the root key itself.
  const [root, ...others] = config.vault.root;
  if (root?.kind !== 'file' || others.length > 0)
    throw new CommandError(
      `${redactStoreUrl(url)} has the first design, which knows a root key in a file only: convert it with [vault] root = "file:PATH"`,
    );
  const { convertDatabase } = await import('../first-design/conversion.ts');
  let report: readonly string[] = [];
  const keepReport = (lines: readonly string[]) => {
    report = lines;
    writeFileAtomically(join(stateDirectory.directory, reportName), `${lines.join('\n')}\n`, 0o600);
    // The operator has said that the database in this place is another one than before.
    removePin({ file: stateDirectory.keyringPin, database: redactStoreUrl(url) });
  };
  const { options: lanes } = prepareLanes(stateDirectory, 'daemon', reportLanes(log, metrics, Date.now));
  await convertDatabase({
    url,
    rootKeyFile: root.path,
    inventoryFile,
    isConfirmed: isConversionConfirmed,
    lanes,
    say: printError,
    keepReport,
  });
  for (const line of report) print(line);
}

/**
 * Refuses a database of the first design in a state directory that has used the second one, by whatever URL:
 * the first did not protect its rows, so whoever can write the database, or name another one, would have an
 * old copy converted that he has changed.
 * @throws {CommandError} when the state directory has used a database in the second design
 */
function requireFirstDatabase(file: string, database: string): void {
  if (hasPins(file))
    throw new CommandError(
      `${database} has the first design, and this home has used a database in the second: an old copy may be in its place; ${confirmation}`,
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
