import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kind } from './objects.ts';

const folder = import.meta.dirname;

/** One message: a label and its bytes in hexadecimal, on one line of a file. */
export interface Entry {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** Messages of `corpus/` or `regressions/`, in the order of file and line. */
export function readEntries(from: 'corpus' | 'regressions'): Entry[] {
  return globSync(`${from}/*.hex`, { cwd: folder })
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [label = '', hex = ''] = line.split('\t');
      return { label, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
    });
}

/** The messages that make the objects which the others name. */
export function registrations(entries: readonly Entry[]): Map<Kind, Uint8Array> {
  const found = new Map<Kind, Uint8Array>();
  for (const { label, bytes } of entries) {
    const kind = /^make (.*)$/.exec(label)?.[1];
    if (kind !== undefined) found.set(kind as Kind, bytes);
  }
  return found;
}
