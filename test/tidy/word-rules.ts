import { finding, type SourceFile } from './source.ts';
import { commentsOf, identifiersOf, parseFiles, stringsOf, type TextRange } from './syntax.ts';
import { fileWords, proseWords } from './word-lists.ts';
import { words } from './words.ts';

/** Declared names that say too little, one finding for each name and file. */
export function oldNames(files: readonly SourceFile[], table = words): string[] {
  const sources = files.filter(({ path }) => table.some(({ scope }) => scope.test(path)));
  return parseFiles(sources).flatMap((file) => {
    const lines = table.filter(({ scope }) => scope.test(file.path));
    const seen = new Set<string>();
    return identifiersOf(file).flatMap(({ name, offset, declares }) => {
      const plain = name.replace('#', '');
      const fits = lines.filter(
        (line) =>
          declares !== undefined &&
          (line.declares === undefined || line.declares === declares) &&
          line.matches(plain),
      );
      if (fits.length === 0 || seen.has(name)) return [];
      seen.add(name);
      // The line that names the whole name says more than one that names a part of it.
      const line = fits.find(({ now }) => now.replace(/\W/g, '') === plain) ?? fits[0];
      return [finding(file, offset, `\`${name}\`: \`${line?.now}\` becomes ${line?.becomes}`)];
    });
  });
}

/** Files of src/ and test/ whose names say too little. */
export function oldFileNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    const name = /^(?:src|test)\/(?:.*\/)?([^/]+?)(?:\.test)?\.ts$/.exec(path)?.[1];
    const line = fileWords.find(({ now }) => now === name);
    return line === undefined ? [] : [`${path}: \`${line.now}\` becomes ${line.becomes}`];
  });
}

const data =
  /^(LICENSE|package-lock\.json|test\/tidy\/words?[\w.-]*\.ts|test\/golden\/messages\/.*|test\/.*\/(corpus|cases|vectors|regressions)\/.*|.*\.hex)$/;

/**
 * Words in prose that a reader must guess: in the comments and the strings of code, test names and messages
 * among them, and in the whole text of other files. Licences, recorded messages and other data are left out.
 */
export function oldProse(files: readonly SourceFile[]): string[] {
  const checked = files.filter(({ path }) => !data.test(path));
  const code = parseFiles(checked).map((file) => ({
    file,
    ranges: [...commentsOf(file), ...stringsOf(file)],
  }));
  const texts = checked
    .filter(({ path }) => !path.endsWith('.ts'))
    .map((file) => ({ file, ranges: [{ offset: 0, text: file.text }] }));
  return [...code, ...texts].flatMap(({ file, ranges }) =>
    ranges.toSorted((a, b) => a.offset - b.offset).flatMap((range) => proseFindings(file, range)),
  );
}

function proseFindings(file: SourceFile, { offset, text }: TextRange): string[] {
  return proseWords.flatMap(({ now, becomes }) =>
    [...text.matchAll(new RegExp(`\\b(?:${now.source})\\b`, 'gi'))].map((match) =>
      finding(file, offset + match.index, `"${match[0]}": say ${becomes}`),
    ),
  );
}
