import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Worker } from 'node:worker_threads';

/**
 * What a kill leaves of a directory: files do not change by the death of a process, so a copy of the
 * directory at a moment is what a kill at that moment leaves.
 */

/** The directory as it was before the call of that name. */
export interface Snapshot {
  readonly call: string;
  readonly copy: string;
  /** What the command had written to both outputs until then. */
  readonly output: string;
}

/** The result of a command that ran in this process. */
export interface Observed {
  readonly snapshots: readonly Snapshot[];
  /** Text on both outputs. */
  readonly output: string;
  readonly code: number;
}

type Method = (...args: unknown[]) => unknown;

const isThere = (path: unknown) => fs.lstatSync(String(path), { throwIfNoEntry: false }) !== undefined;
const always = () => true;

/** Functions of node:fs by which commands change files, and which of their calls change something. */
const changes: Readonly<Record<string, (...args: readonly unknown[]) => boolean>> = {
  openSync: (path, flags) => flags !== 'r' && !isThere(path),
  mkdirSync: (path) => !isThere(path),
  rmSync: isThere,
  unlinkSync: isThere,
  writeSync: always,
  renameSync: always,
  linkSync: always,
};

/**
 * Runs a command in this process. Copies `directory` to `copies/0`, `copies/1`, … before each call that
 * changes a file, each commit and each output, and at the end; a commit is seen as the message to the
 * writer's thread.
 */
export async function observe(
  directory: string,
  copies: string,
  command: () => Promise<number>,
): Promise<Observed> {
  const snapshots: Snapshot[] = [];
  const restore: (() => void)[] = [];
  let isCopying = false;
  let written = '';
  const copyBefore = (call: string) => {
    if (isCopying) return;
    isCopying = true;
    const copy = `${copies}/${snapshots.length}`;
    fs.cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
    snapshots.push({ call, copy, output: written });
    isCopying = false;
  };
  const replace = (target: object, name: string, before: (...args: readonly unknown[]) => void) => {
    const methods = target as Record<string, Method>;
    const original = methods[name] as Method;
    methods[name] = function (this: unknown, ...args) {
      before(...args);
      return original.apply(this, args);
    };
    restore.push(() => {
      methods[name] = original;
    });
  };
  for (const [name, changesFile] of Object.entries(changes))
    replace(fs, name, (...args) => isCopying || !changesFile(...args) || copyBefore(name));
  replace(Worker.prototype, 'postMessage', () => copyBefore('commit'));
  syncBuiltinESMExports();
  try {
    const { output, code } = await capture(command, (text) => {
      copyBefore('output');
      written += text;
    });
    copyBefore('end');
    return { snapshots, output, code };
  } finally {
    for (const undo of restore) undo();
    syncBuiltinESMExports();
  }
}

/** Runs a command in this process and keeps what it writes; `onOutput` gets each text first. */
export async function capture(
  command: () => Promise<number>,
  onOutput: (text: string) => void = () => {},
): Promise<Omit<Observed, 'snapshots'>> {
  let output = '';
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  for (const { stream } of streams)
    stream.write = (text: unknown) => {
      onOutput(String(text));
      output += String(text);
      return true;
    };
  try {
    return { code: await command(), output };
  } finally {
    for (const { stream, write } of streams) stream.write = write;
  }
}
