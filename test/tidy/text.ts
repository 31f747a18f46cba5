import { finding, type SourceFile, withoutComments } from './source.ts';
import { commentsOf, parseFiles } from './syntax.ts';

/** Finds a pattern in the code of a file, comments left out; `allowed` looks at the line before the match. */
function search(
  files: readonly SourceFile[],
  pattern: RegExp,
  message: string,
  allowed: (before: string, lines: { own: string; above: string }) => boolean = () => false,
): string[] {
  return files.flatMap((file) => {
    const code = withoutComments(file.text);
    return [...code.matchAll(new RegExp(pattern, 'g'))].flatMap((match) => {
      const begin = code.lastIndexOf('\n', match.index) + 1;
      const number = code.slice(0, begin).split('\n').length - 1;
      const source = file.text.split('\n');
      const lines = { own: source[number] ?? '', above: source[number - 1] ?? '' };
      return allowed(code.slice(begin, match.index), lines) ? [] : [finding(file, match.index, message)];
    });
  });
}

/**
 * A protocol version in the code decides something per message; it belongs into the tables, after `since`.
 */
export function strayVersions(files: readonly SourceFile[]): string[] {
  return search(
    files.filter(({ path }) => /^(src|certs)\/.*\.ts$/.test(path) && path !== 'src/common/errors.ts'),
    /(['"`])(?:1\.[0-4]|2\.[01]|3\.0)\1/,
    'names a protocol version; only codec/, profiles/, src/common/errors.ts and what follows since: or until: may',
    (before) => /\b(?:since|until)(?::\s*|\()$/.test(before),
  );
}

/**
 * These calls put bytes into a pool that other buffers share, where they cannot be wiped and may be read
 * through another buffer. A line that handles nothing secret says so: `// pooled: why`, on it or above it.
 * `Buffer.from(x.buffer, …)` is a view and stays out of the pool.
 */
export function pooledBuffers(files: readonly SourceFile[]): string[] {
  return search(
    files.filter(({ path }) => /^src\/(vault|token|crypto|operations|store)\/.*\.ts$/.test(path)),
    /\bBuffer\.(?:from\((?![\w.]+\.buffer\b)|concat\(|allocUnsafe\()/,
    'takes memory from the shared pool; use Buffer.alloc or a Uint8Array, or give the reason: // pooled: why',
    (_, { own, above }) => [own, above].some((line) => /\/\/ pooled: \S/.test(line)),
  );
}

// Each pattern is written so that it does not find itself.
const words: readonly [RegExp, string][] = [
  [/\/(?:wor[k]|far[m])\/|\/tmp\/[k]b\b/, 'a path of one machine'],
  [/\.librar[y]\b/, 'the name of a tool beside the checkout'],
  [/regis[t]ry\.(?:npmjs|yarnpkg)|npmjs\.co[m]|deb\.deb[i]an|"resolved": "htt[p]/, 'a package registry'],
  [/\bsub-?agen[t]s?\b/i, 'a person or a tool'],
];

/** Words that tie the repository to a machine, a registry or to who wrote it. */
export function foreignWords(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    words.flatMap(([pattern, what]) =>
      [...file.text.matchAll(new RegExp(pattern, 'g'))].map((match) =>
        finding(file, match.index, `names ${what}: ${match[0]}`),
      ),
    ),
  );
}

const maxColumns = 110;

/**
 * Lines that are wider than the formatter's because of a comment: it breaks code and leaves comments as they
 * are.
 */
export function wideComments(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => /^(src|codec|certs|profiles|bench|test)\//.test(path));
  return parseFiles(sources).flatMap((file) => {
    const wide = new Map<number, string>();
    for (const { offset, text } of commentsOf(file)) {
      for (const { index } of text.matchAll(/^./gm)) {
        const begin = file.text.lastIndexOf('\n', offset + index) + 1;
        const end = file.text.indexOf('\n', offset + index);
        const columns = (end < 0 ? file.text.length : end) - begin;
        const message = `the comment ends at column ${columns}, at most ${maxColumns}`;
        if (columns > maxColumns) wide.set(begin, finding(file, offset + index, message));
      }
    }
    return [...wide.values()];
  });
}
