import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import type { LaneObserver, LaneOptions } from '../../store/lanes/lane-ports.ts';
import { CommandError } from '../failure.ts';
import { createAnchorFiles } from './anchor-files.ts';
import { type ProcessLock, takeCommandLock } from './lock.ts';
import type { StateDirectory } from './state-directory.ts';

/** The lanes of the processes of a state directory: one process of each kind writes at a time. */

/** Whether a process is the daemon, or one of the commands beside it. */
export type ProcessKind = 'daemon' | 'command';

const suffixes: Readonly<Record<ProcessKind, string>> = { daemon: '', command: '-command' };

/** Of commands: what they want to write is refused with the reason. */
const silentObserver: LaneObserver = {
  rolledBack() {},
  displaced() {},
  anchored() {},
  notAnchored() {},
};

/** What a process needs to write, beside the database and its vault. */
export interface ProcessLanes {
  readonly options: Pick<LaneOptions, 'name' | 'siblings' | 'anchors' | 'observer'>;
  /** Of commands, of which one writes at a time; the daemon has locked its state directory. */
  readonly lock: ProcessLock | undefined;
}

/**
 * Prepares the lanes of a process, and waits up to ten seconds for another command to end.
 *
 * @throws {CommandError} when another command takes longer, or the name of this node cannot be read.
 */
export function prepareLanes(
  stateDirectory: StateDirectory,
  kind: ProcessKind,
  observer: LaneObserver = silentObserver,
): ProcessLanes {
  const { anchors } = stateDirectory;
  const lock = kind === 'command' ? takeCommandLock(stateDirectory) : undefined;
  try {
    const node = readNodeName(stateDirectory.node);
    const name = `${node}${suffixes[kind]}`;
    const siblings = Object.values(suffixes).map((suffix) => `${node}${suffix}`);
    const files = createAnchorFiles(Object.values(anchors), anchors[kind]);
    return { options: { name, siblings, anchors: files, observer }, lock };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** Returns the name of a node; undefined while no process of its state directory has written. */
export function findNodeName({ node }: StateDirectory): string | undefined {
  return readNote(node);
}

/** Returns the name of the lane of commands. */
export function commandLaneOf({ node }: StateDirectory): string {
  return `${readNodeName(node)}${suffixes.command}`;
}

/** Reads the random name of a node; the first process of a state directory makes it. */
function readNodeName(file: string): string {
  const name = readNote(file);
  if (name === undefined) {
    const made = randomBytes(6).toString('hex');
    writeFileAtomically(file, `${made}\n`, 0o600);
    giveToOwner(file, dirname(file));
    return made;
  }
  if (!/^[0-9a-f]{12}$/.test(name))
    throw new CommandError(
      `${file} does not contain the name of a node; restore it, or remove it for a new one`,
    );
  return name;
}

function readNote(file: string): string | undefined {
  try {
    return readTextFile(file, 'note').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
