import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** One file of the repository: its path from the top, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import of a file: what was written, and for a relative one the path of the file it names. */
export interface Import {
  readonly specifier: string;
  readonly target: string | undefined;
}

export const root = join(import.meta.dirname, '..', '..');

const untracked = new Set(['node_modules', 'var', 'coverage', '.tap', '.git', 'tap-snapshots']);
const binary = /\.(bin|ttlv|p12|der|png|gz|tgz)$/;

/** Every text file below a folder, generated and ignored folders left out. */
export function readTree(folder = root): SourceFile[] {
  const files: SourceFile[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (untracked.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...readTree(path));
    else if (entry.isFile() && !binary.test(entry.name) && !/\.log$/.test(entry.name))
      files.push({ path: relative(root, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') });
  }
  return files;
}

const statement = /(?:^|[;}\n])\s*(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?'([^']+)'/g;
const call = /\bimport\(\s*'([^']+)'/g;
const path = /new URL\(\s*'([^']+\.ts)'\s*,\s*import\.meta\.url/g;

/**
 * What a file imports, types included: static and dynamic imports, re-exports, and the worker files that are named
 * as `new URL('./x.ts', import.meta.url)`. A text search over the text without its comments: the formatter keeps
 * every import in a shape that this finds.
 */
export function importsOf(file: SourceFile): Import[] {
  const text = withoutComments(file.text);
  const specifiers = [statement, call, path].flatMap((shape) =>
    [...text.matchAll(shape)].map((m) => m[1] as string),
  );
  return specifiers.map((specifier) => ({
    specifier,
    target: specifier.startsWith('.') ? normalize(join(dirname(file.path), specifier)) : undefined,
  }));
}

const quotedOrComment =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** The text with its comments blanked; lines and columns stay where they are. */
export function withoutComments(text: string): string {
  return text.replace(quotedOrComment, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
}

/** One finding of a rule, as it is printed: `path:line: what is wrong`. */
export function finding(file: SourceFile, offset: number, message: string): string {
  return `${file.path}:${file.text.slice(0, offset).split('\n').length}: ${message}`;
}
