import { dirname, join, normalize } from 'node:path';
import { finding, type SourceFile } from './source.ts';
import { commentsOf, parseFiles, type TextRange } from './syntax.ts';

/** A text of a file in which another file may be named: a comment of code, or a whole document. */
interface Prose extends TextRange {
  readonly file: SourceFile;
}

/**
 * Documents that some readers have and the repository has not. Written so that the pattern does not find
 * itself.
 */
const outside =
  /\b(?:DESIG[N]|HOUS[E]|TRUS[T]|CLIENT[S]|LESSON[S])\b(?:\.md)?(?: §[\d.]+)?|(?:\.\.\/)+share[d]\/\S*/g;

/**
 * The OASIS cases lie beside a checkout; test/README.md says that the tests which read them are skipped
 * without.
 */
const cases = /^(?:\.\.\/)+shared\/oasis/;

/** The target of a link or a picture; one with a scheme, or of the same page, is not looked up. */
const link = /\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g;

/** A document or a source file named by its path or its name. */
const mention = /(?<![\w/.*<>}:@-])(?:\.{1,2}\/)*(?:[\w.-]+\/)*[\w-][\w.-]*\.(?:md|ts)\b(?![\w/*])/g;

/**
 * Documents and source files that comments and documents name and the repository does not hold. A path may
 * begin at the top, at the folder of the file that names it, or at any folder: `wire/xml.ts` names
 * codec/wire/xml.ts.
 */
export function missingDocuments(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.flatMap(({ path }) => [path, ...foldersOf(path)]));
  const endings = new Set([...paths].flatMap(endingsOf));
  const comments = parseFiles(files).flatMap((file) => commentsOf(file).map((range) => ({ file, ...range })));
  const documents = files
    .filter(({ path }) => path.endsWith('.md'))
    .map((file) => ({ file, offset: 0, text: file.text }));
  return [...comments, ...documents].flatMap((prose) => [
    ...search(prose, outside, ([text]) => !cases.test(text)),
    ...(prose.file.path.endsWith('.md')
      ? search(prose, link, ([, target = '']) => !paths.has(resolve(prose.file, target)))
      : []),
    ...search(withoutLinks(prose), mention, ([text]) => {
      if (cases.test(text) || text.startsWith('node_modules/')) return false;
      return !paths.has(resolve(prose.file, text)) && !endings.has(text.replace(/^(?:\.{1,2}\/)+/, ''));
    }),
  ]);
}

function search(
  { file, offset, text }: Prose,
  pattern: RegExp,
  isMissing: (match: RegExpExecArray) => boolean,
): string[] {
  return [...text.matchAll(pattern)]
    .filter(isMissing)
    .map((match) => finding(file, offset + match.index, `names ${match[1] ?? match[0]}, which is not here`));
}

/** The prose with its link targets and addresses blanked, so that these are looked up once or not at all. */
function withoutLinks(prose: Prose): Prose {
  const blank = (part: string): string => ' '.repeat(part.length);
  return {
    ...prose,
    text: prose.text
      .replace(link, blank)
      .replace(/\b[a-z]+:\/\/\S+/g, blank)
      .replace(outside, blank),
  };
}

/** The path of a link target from the top, without a slash at the end. */
function resolve(file: SourceFile, target: string): string {
  return normalize(join(dirname(file.path), target)).replace(/\/$/, '');
}

/** The top and every folder on the way to a file. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return ['.', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}

/** A path from the top, from each folder on its way, and its last part alone. */
function endingsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(index).join('/'));
}
