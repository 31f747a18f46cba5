import { unwatchFile, watchFile } from 'node:fs';

/** Milliseconds between two looks at a file, which may be missing, as its directory may. */
const lookMilliseconds = 1_000;

/**
 * Calls `changed` when one of the files appears or changes; returns what ends that. Keeps no process alive.
 */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  const listener = () => changed();
  for (const file of files) watchFile(file, { interval: lookMilliseconds, persistent: false }, listener);
  return () => {
    for (const file of files) unwatchFile(file, listener);
  };
}
