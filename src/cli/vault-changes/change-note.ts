import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToOwner, synchronise, writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { CommandError } from '../failure.ts';

/** What a home notes of a change of its root that has begun; the keyring itself says how far it has got. */
export interface RootChangeNote {
  /** URI of the root that the database moves to. */
  readonly to: string;
  /** Whether everything below the root is renewed too. */
  readonly isCompromised: boolean;
  /** Whether its shares were shown. */
  readonly isMade?: boolean;
  /** Id of that root, once it was made live. */
  readonly rootId?: string;
  /** URIs of the roots that the change ends; none: the root moves to another place and stays the same. */
  readonly previous?: readonly string[];
  /** The newest epoch that the former root has wrapped, once it is out of the keyring. */
  readonly lastEpoch?: number;
}

/**
 * Reads the note of a change; undefined when none has begun.
 * @throws {CommandError} when it is damaged; the system's error
 */
export function readChangeNote(file: string): RootChangeNote | undefined {
  try {
    const note: unknown = JSON.parse(readTextFile(file, 'rootSettings'));
    if (isNote(note)) return note;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandError(
    `${file} is damaged: remove it, and begin the change of the root again, with --compromised if the root had leaked`,
  );
}

function isNote(value: unknown): value is RootChangeNote {
  if (typeof value !== 'object' || value === null) return false;
  const {
    to,
    isCompromised,
    isMade = false,
    rootId = '',
    previous = [],
    lastEpoch = 1,
  } = value as Partial<RootChangeNote>;
  return (
    typeof to === 'string' &&
    typeof isCompromised === 'boolean' &&
    typeof isMade === 'boolean' &&
    typeof rootId === 'string' &&
    Array.isArray(previous) &&
    previous.every((uri) => typeof uri === 'string') &&
    Number.isSafeInteger(lastEpoch)
  );
}

/** Writes the note durably. */
export function writeChangeNote(file: string, note: RootChangeNote): void {
  writeFileAtomically(file, `${JSON.stringify(note)}\n`, 0o600);
  giveToOwner(file, dirname(file));
}

/** Removes the note of a change that has ended. */
export function removeChangeNote(file: string): void {
  rmSync(file, { force: true });
  synchronise(dirname(file));
}
