import { statSync } from 'node:fs';
import { checkpointFilesIn } from '../../audit/checkpoints/checkpoint-files.ts';
import { readKeyList } from '../../audit/checkpoints/signing-keys.ts';
import { type CheckpointFindings, CheckpointReview } from '../../audit/verification/checkpoint-review.ts';
import {
  type ChainCut,
  type FoundBlock,
  type LogVerification,
  LogVerifier,
} from '../../audit/verification/log-verifier.ts';
import type { KeyBeginning } from '../../audit/verification/notices.ts';
import { ProblemList } from '../../audit/verification/problem-list.ts';
import type { StatedEnd } from '../../audit/verification/stated-positions.ts';
import { waitForAll } from '../../common/wait-for-all.ts';
import { type BlockRow, openBlock } from '../../store/audit/audit-blocks.ts';
import { chainCutKind, openCut } from '../../store/audit/chain-cuts.ts';
import { LaneForgedError, type OpenLane, openLane } from '../../store/lanes/open-lane.ts';
import type { Database } from '../../store/open.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import type { Vault } from '../../vault/vault.ts';
import { findSnapshotRollback } from '../state-directory/anchored-lanes.ts';
import { findNodeName } from '../state-directory/database-lanes.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';
import { createPause, keepCurrent, readAnchorsOrProblem } from '../state-directory/verify-database.ts';

/** The database whose log is verified; its vault is unsealed. */
interface LoggedDatabase extends Pick<Database, 'snapshot'> {
  readonly vault: LocalVault;
}

/** What a log is verified against beside its database. */
interface LogEvidence {
  /** Files of checkpoints that the operator gives. */
  readonly files: readonly string[];
  /** Fingerprints of first keys that the operator trusts. */
  readonly trusted: readonly string[];
}

/** What a verification tells the operator. */
export interface LogReport extends Pick<LogVerification, 'chains' | 'entries' | 'blocks'> {
  readonly problems: readonly string[];
  /** Problems beyond those that are listed. */
  readonly unlisted: number;
  readonly notes: readonly string[];
  /** Checkpoints that count. */
  readonly checkpoints: number;
  /** Time of the newest one that agrees with the log. */
  readonly newest: string | undefined;
  /** Time of the newest one of all. */
  readonly latest: string | undefined;
}

/** A block, with the time when it was written. */
export type TimedBlock = FoundBlock & { readonly time: number };

/** Is told of what is read, for an export. */
export interface LogReader {
  /** Before the first block. */
  begin(log: OpenedLog): void;
  /** Each block, before the verifier gets it. */
  read(block: TimedBlock, verifier: LogVerifier): void;
  /** After the last one; `blocks`: rows of the table. */
  pass(blocks: number): void;
  end(verifier: LogVerifier, verification: LogVerification): void;
}

/** What a database says of its log beside the blocks. */
export interface OpenedLog {
  readonly lanes: readonly OpenLane[];
  readonly starts: ReadonlyMap<string, ChainCut>;
  /** Names of the database, the present one first. */
  readonly stores: readonly string[];
  /** Rows of blocks. */
  readonly blocks: number;
}

/**
 * Verifies the audit log of a database as it is at one moment: against its lanes, the anchors and checkpoints
 * of the state directory, and checkpoints that the operator gives.
 *
 * @param reader is told of everything that is read
 * @throws {StoreUnavailableError} when the database cannot be read
 * @throws {UnusableFileError} or the system's error, for files that cannot be read
 */
export async function verifyLog(
  stateDirectory: StateDirectory,
  { snapshot, vault }: LoggedDatabase,
  { files, trusted }: LogEvidence,
  reader?: LogReader,
): Promise<LogReport> {
  await vault.refresh();
  // Before the snapshot: what is written meanwhile must not make it look older.
  const anchors = await readAnchorsOrProblem(stateDirectory, vault);
  const review = createReview(stateDirectory, trusted);
  for (const file of checkpointFilesIn(stateDirectory.audit)) if (isThere(file)) review.addFile(file, 'own');
  for (const file of files) review.addFile(file, 'given');
  const findings = review.finish(vault.storeNames);
  const problems = new ProblemList();
  const { verification, starts } = await snapshot(async (rows) => {
    const rollback = typeof anchors === 'string' ? anchors : await findSnapshotRollback(rows, vault, anchors);
    if (rollback !== undefined) problems.add(rollback);
    return verifyBlocks(rows, vault, findings, problems, reader);
  });
  const isTrusted = trustOf(stateDirectory, trusted);
  for (const problem of [
    ...findKeyProblems(verification.keyBeginnings, findNodeName(stateDirectory), isTrusted),
    ...findDroppedChains(findings, verification, starts),
  ])
    problems.add(problem);
  return reportOf(verification, findings, problems);
}

/** Creates a review that trusts the first key of a state directory, and those that the operator trusts. */
export function createReview(
  { audit }: Pick<StateDirectory, 'audit'>,
  trusted: readonly string[],
): CheckpointReview {
  const keys = readKeyList(audit);
  const review = new CheckpointReview([...trusted, ...keys.slice(0, 1).map(({ first }) => first)]);
  review.addKeys(keys);
  return review;
}

function trustOf({ audit }: StateDirectory, trusted: readonly string[]): (fingerprint: string) => boolean {
  const own = readKeyList(audit)[0]?.first;
  return (fingerprint) => fingerprint === own || trusted.includes(fingerprint);
}

/** Joins what was found of the log, and of the checkpoints. */
export function reportOf(
  { chains, entries, blocks, ...log }: LogVerification,
  { positions, ...checkpoints }: CheckpointFindings,
  more: ProblemList,
): LogReport {
  return {
    ...{ chains, entries, blocks, notes: checkpoints.notes },
    problems: [...more.listed, ...checkpoints.problems, ...log.problems],
    unlisted: more.unlisted + checkpoints.unlisted + log.unlisted,
    ...{ checkpoints: positions.checkpoints, newest: positions.newestAgreeing, latest: positions.newest },
  };
}

async function verifyBlocks(
  rows: Snapshot,
  vault: LocalVault,
  { positions, stores }: CheckpointFindings,
  problems: ProblemList,
  reader: LogReader | undefined,
): Promise<{ readonly verification: LogVerification; readonly starts: OpenedLog['starts'] }> {
  const lanes = await openLanesOf(rows, vault, problems);
  const starts = await readStarts(rows, vault, problems);
  const ends = lanes.flatMap(endOf);
  const verifier = new LogVerifier({ starts, ends, checkpoints: positions, isPart: false });
  const { blocks } = await rows.audit.size();
  reader?.begin({ lanes, starts, stores, blocks });
  const [pause, refresh] = [createPause(), keepCurrent(vault)];
  let read = 0;
  const verify = async (page: readonly BlockRow[]) => {
    for (const row of page) {
      const block = { ...row, entries: openBlock(row, vault), place: `row ${row.seq}` };
      reader?.read(block, verifier);
      verifier.add(block);
    }
    read += page.length;
    reader?.pass(page.length);
    await pause();
    await refresh();
  };
  let page = await rows.audit.after(0);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1))
    [page] = await waitForAll([rows.audit.after(last.seq), verify(page)]);
  if (blocks !== read)
    problems.add(`table audit_block has ${blocks - read} rows with a number that the database does not give`);
  const verification = verifier.finish();
  reader?.end(verifier, verification);
  return { verification, starts };
}

async function openLanesOf(
  rows: Snapshot,
  vault: Vault,
  problems: ProblemList,
): Promise<readonly OpenLane[]> {
  const open = async <T>(work: () => T | Promise<T>): Promise<readonly T[]> => {
    try {
      return [await work()];
    } catch (error) {
      if (!(error instanceof LaneForgedError)) throw error;
      problems.add(error.message);
      return [];
    }
  };
  await open(() => rows.lanes());
  const lanes: OpenLane[] = [];
  for (const row of await rows.typedLanes()) lanes.push(...(await open(() => openLane(row, vault))));
  return lanes;
}

async function readStarts(
  rows: Snapshot,
  vault: Vault,
  problems: ProblemList,
): Promise<ReadonlyMap<string, ChainCut>> {
  const starts = new Map<string, ChainCut>();
  for (const row of await rows.recordsOf(chainCutKind)) {
    const cut = openCut(row, vault);
    if (cut === undefined) problems.add(`the record ${row.key} of a cut was altered outside kmipd`);
    else starts.set(cut.chain, cut);
  }
  return starts;
}

function endOf({ name, content: { audit } }: OpenLane): readonly StatedEnd[] {
  if (audit === undefined) return [];
  return [{ chain: audit.id, count: audit.count, head: audit.head.toHex(), by: `lane ${name}` }];
}

/** Names the chains of keys that have begun without a reason: any but the first of each node. */
function findKeyProblems(
  beginnings: readonly KeyBeginning[],
  own: string | undefined,
  isTrusted: (fingerprint: string) => boolean,
): readonly string[] {
  const started = new Set<string>();
  return beginnings.flatMap(({ node, fingerprint }) => {
    const isFirst = !started.has(node);
    started.add(node);
    if (isTrusted(fingerprint) || (isFirst && node !== own)) return [];
    return [
      `node ${node}: a new chain of signing keys begins with ${fingerprint}; if you know why: --trust ${fingerprint}`,
    ];
  });
}

/** Names chains that checkpoints name no longer, though no entry says that they have ended. */
export function findDroppedChains(
  { dropped }: CheckpointFindings,
  { ended }: LogVerification,
  starts: OpenedLog['starts'],
): readonly string[] {
  // The entry about a chain of which all entries were cut may have been cut, too.
  const known = new Set([...ended.map(({ chain }) => chain), ...starts.keys()]);
  return dropped
    .filter(({ chain }) => !known.has(chain))
    .map(
      ({ chain, time }) =>
        `chain ${chain} is not named from the checkpoint of ${time} on, and no entry says that it has ended`,
    );
}

/** Whether a file is there. */
export function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
