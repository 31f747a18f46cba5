import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** One file of the repository: its path from the top, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import of a file: what was written, and for a relative one the path of the file it names. */
export interface Import {
  readonly specifier: string;
  readonly target: string | undefined;
  /** True for `import('…')`; the file is loaded when the call runs. */
  readonly dynamic: boolean;
}

export const root = join(import.meta.dirname, '..', '..');

const binary = /\.(bin|ttlv|p12|der|png|gz|tgz|log)$/;

/** The top-level folders of the repository, whether they exist yet or not. A new one is added here. */
export const folders = [
  '.ci',
  '.github',
  'bench',
  'certs',
  'codec',
  'docs',
  'pkg',
  'profiles',
  'src',
  'systemd',
  'test',
];

/**
 * Every text file of the repository. git lists them: the tracked ones, and in the folders above those that
 * are not tracked yet and not ignored, so that a new file is checked before it is added. Other folders beside
 * them belong to the user: certificates that `client add` wrote, a state directory, notes.
 */
export function readTree(folder = root): SourceFile[] {
  return (pathsOfGit(folder) ?? pathsOfFolders(folder))
    .filter((path) => !binary.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
}

/**
 * The paths that git knows; undefined without git or outside a checkout. Files deleted and not committed are
 * left out.
 */
function pathsOfGit(folder: string): string[] | undefined {
  const list = (...args: string[]): string[] =>
    execFileSync('git', ['ls-files', '-z', ...args], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\0');
  try {
    const present = folders.filter((name) => existsSync(join(folder, name)));
    const paths = [
      ...list('--cached'),
      ...(present.length > 0 ? list('--others', '--exclude-standard', '--', ...present) : []),
    ];
    const files = [...new Set(paths)].filter((path) => path !== '' && isFile(join(folder, path)));
    return files.length > 0 ? files : undefined;
  } catch {
    return undefined;
  }
}

/** The paths below the known folders, and the files at the top. */
export function pathsOfFolders(folder: string): string[] {
  const ignored = /(^|\/)(node_modules|\.tap|coverage|tap-snapshots)(\/|$)/;
  return [...globSync(['*', '.*'], { cwd: folder }), ...folders.flatMap((name) => below(folder, name))]
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !ignored.test(path) && isFile(join(folder, path)));
}

const below = (folder: string, name: string): string[] =>
  globSync(['**/*', '**/.*'], { cwd: join(folder, name) }).map((path) => join(name, path));

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

const statement = /(?:^|[;}\n])\s*(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?'([^']+)'/g;
const call = /\bimport\(\s*'([^']+)'/g;
const worker = /new URL\(\s*'([^']+\.ts)'\s*,\s*import\.meta\.url/g;

/**
 * What a file imports, types included: static and dynamic imports, re-exports, and the worker files that are
 * named with `new URL(…, import.meta.url)`. A text search over the text without its comments: the formatter
 * keeps every import in a shape that this finds.
 */
export function importsOf(file: SourceFile): Import[] {
  const text = withoutComments(file.text);
  return [statement, call, worker].flatMap((shape) =>
    [...text.matchAll(shape)].map(([, specifier = '']) => ({
      specifier,
      target: specifier.startsWith('.') ? normalize(join(dirname(file.path), specifier)) : undefined,
      dynamic: shape !== statement,
    })),
  );
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
