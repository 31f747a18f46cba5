import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { AuditEntry } from '../../src/audit/audit.ts';
import { type Checkpoint, decodeCheckpoint } from '../../src/audit/checkpoints/checkpoint.ts';
import { checkpointFilesIn } from '../../src/audit/checkpoints/checkpoint-files.ts';
import { readCheckpointTexts } from '../../src/audit/checkpoints/checkpoint-texts.ts';
import { toChainEntries } from '../../src/audit/entry-text.ts';
import { type LogReport, verifyLog } from '../../src/cli/audit-log/verify-log.ts';
import { type OpenedDatabase, openDatabaseOf } from '../../src/cli/state-directory/open-database.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../../src/cli/state-directory/state-directory.ts';
import { type DaemonAudit, openAuditLog } from '../../src/daemon/audit.ts';
import { startCheckpoints } from '../../src/daemon/checkpoints.ts';
import { createLog } from '../../src/watch/log.ts';
import { Metrics } from '../../src/watch/metrics.ts';
import { initialiseStateDirectory } from '../fixture/kmipd.ts';
import { unit } from '../store/objects.ts';
import { waitUntil } from '../wait-until.ts';

/** Homes whose processes write an audit log, without listeners. */

/** A process with a database and an audit log, as the daemon has them. */
export interface LoggingProcess extends OpenedDatabase {
  readonly audit: DaemonAudit;
}

/** Initialises a home with a database. */
export async function prepareHome(t: Pick<Test, 'teardown'>, store: string): Promise<StateDirectory> {
  const home = mkdtempSync(join(tmpdir(), 'kmipd-audit-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, 'kmipd.toml'), `store = "${store}"\n`, { mode: 0o600 });
  await initialiseStateDirectory(home);
  return stateDirectoryAt(home);
}

/** Makes another home on the database of one. */
export function copyHome(t: Pick<Test, 'teardown'>, { directory }: StateDirectory): StateDirectory {
  const copy = mkdtempSync(join(tmpdir(), 'kmipd-audit-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  mkdirSync(copy, { recursive: true });
  for (const part of ['kmipd.toml', 'root.key', 'ca'])
    cpSync(join(directory, part), join(copy, part), { recursive: true });
  return stateDirectoryAt(copy);
}

/** Opens the database of a home with an audit log, as the daemon does. */
export async function startLogging(
  stateDirectory: StateDirectory,
  { isSigning = true } = {},
): Promise<LoggingProcess> {
  const config = requireInitialised(stateDirectory);
  const audits: DaemonAudit[] = [];
  const log = createLog('fatal');
  const metrics = new Metrics();
  const openAudit = (node: string) => {
    const audit = openAuditLog({ stateDirectory, config, log, metrics }, node);
    if (audit !== undefined) audits.push(audit);
    return audit?.log;
  };
  const opened = await openDatabaseOf(stateDirectory, config, {
    mustExist: true,
    lanes: { process: 'daemon', openAudit },
  });
  const [audit] = audits;
  if (audit === undefined) throw new Error('the audit log is off');
  if (isSigning) startCheckpoints(audit, opened);
  return { ...opened, audit };
}

/** Opens the database of a home to read it, as commands do that find fault with it. */
export function openReader(stateDirectory: StateDirectory): Promise<OpenedDatabase> {
  const options = { mustExist: true, refreshSeconds: 0, isUnprotected: true };
  return openDatabaseOf(stateDirectory, requireInitialised(stateDirectory), options);
}

/** An entry of a message; `number` makes it unlike others. */
export function entryOf(node: string, number: number): AuditEntry {
  const objects = [{ id: `object-${number}`, type: 'SymmetricKey', state: 'Active', length: 256 }];
  return {
    ...{ time: Date.now(), kind: 'message', node, version: '2.1', actor: { client: `client${number % 7}` } },
    items: [{ operation: number % 3 === 0 ? 'Create' : 'Get', objects, result: 'Success' }],
  };
}

/** Commits entries with the lane of a process, as changes do. */
export async function commitEntries(
  { store }: Pick<OpenedDatabase, 'store'>,
  node: string,
  numbers: readonly number[],
): Promise<void> {
  const audit = numbers.flatMap((number) => toChainEntries(entryOf(node, number)));
  const result = await store.commit(unit({ audit }));
  if (result !== 'committed') throw new Error(`entries gave ${result}`);
}

/** Appends entries to the journal of a process, and moves them into its chain. */
export async function moveEntries(
  { audit: { log }, renewLane }: LoggingProcess,
  numbers: readonly number[],
): Promise<void> {
  for (const number of numbers) void log.append(entryOf(log.node, number));
  await waitUntil('the end of the journal', async () => {
    if (log.pending > 0) await renewLane();
    return log.pending === 0;
  });
}

/** Verifies the log of a home. */
export function verifyLogOf(
  stateDirectory: StateDirectory,
  reader: OpenedDatabase,
  evidence: { readonly files?: readonly string[]; readonly trusted?: readonly string[] } = {},
): Promise<LogReport> {
  return verifyLog(stateDirectory, reader, { files: [], trusted: [], ...evidence });
}

/** The checkpoints that a home has signed. */
export function checkpointsOf({ audit }: StateDirectory): readonly Checkpoint[] {
  return [...readCheckpointTexts(checkpointFilesIn(audit)[1])].flatMap((found) =>
    found.kind === 'checkpoint' ? (decodeCheckpoint(found.text) ?? []) : [],
  );
}

/** The numbers from one up to another, which is not among them. */
export const numbersFrom = (first: number, end: number): readonly number[] =>
  Array.from({ length: end - first }, (_, at) => first + at);
