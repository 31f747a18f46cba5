import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Milliseconds between two looks at a file, which may be missing, as its directory may. */
const lookMilliseconds = 1_000;

/**
 * Calls `changed` when one of the files appears or changes after this call; returns what ends that. Keeps no
 * process alive. `watchFile` of Node would take a file for an old one that appears before its first look.
 */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  const seen = new Map(files.map((file) => [file, describe(lookUp(file))]));
  const look = async (file: string) => {
    const state = describe(await stat(file).catch(() => undefined));
    if (state === seen.get(file)) return;
    seen.set(file, state);
    changed();
  };
  const timer = setInterval(() => {
    for (const file of files) void look(file);
  }, lookMilliseconds).unref();
  return () => clearInterval(timer);
}

function lookUp(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

const describe = (stats: Stats | undefined): string =>
  stats === undefined ? '' : [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ');
