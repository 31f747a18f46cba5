import { importsOf, type SourceFile } from './source.ts';

/** Product files that nothing starts: not main.ts, and, for the codec, profiles and certs, no test either. */
export function unreachable(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reach = (roots: readonly SourceFile[]): Set<string> => {
    const seen = new Set<string>();
    const open = [...roots];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (seen.has(file.path)) continue;
      seen.add(file.path);
      for (const { target } of importsOf(file)) {
        const next = target === undefined ? undefined : byPath.get(target);
        if (next !== undefined) open.push(next);
      }
    }
    return seen;
  };
  if (!byPath.has('src/main.ts')) return ['src/main.ts: is missing'];
  const product = files.filter((file) => /^(src|codec|certs|profiles)\/.*\.ts$/.test(file.path));
  const fromMain = reach(files.filter((file) => file.path === 'src/main.ts'));
  const fromTests = reach(files.filter((file) => /^(test|bench)\/.*\.ts$/.test(file.path)));
  return product
    .filter(({ path }) => !fromMain.has(path) && (path.startsWith('src/') || !fromTests.has(path)))
    .map(({ path }) => `${path}: nothing that runs imports it`);
}

/** Top-level folders without a README.md of at most 40 lines. */
export function missingReadmes(files: readonly SourceFile[]): string[] {
  const folders = new Set(
    files.filter(({ path }) => /^[^.][^/]*\//.test(path)).map(({ path }) => path.split('/')[0]),
  );
  return [...folders].sort().flatMap((folder) => {
    const readme = files.find(({ path }) => path === `${folder}/README.md`);
    if (readme === undefined) return [`${folder}/: has no README.md`];
    const lines = readme.text.trimEnd().split('\n').length;
    return lines > 40 ? [`${readme.path}: ${lines} lines, at most 40`] : [];
  });
}

/** Decisions that share a number, or are referred to and not there. */
export function wrongDecisions(files: readonly SourceFile[]): string[] {
  const decisions = files.filter(({ path }) => /^docs\/decisions\/\d+-/.test(path));
  const numberOf = (path: string): number => Number(/\/(\d+)-/.exec(path)?.[1]);
  const taken = new Map<number, string>();
  const found: string[] = [];
  for (const { path } of decisions) {
    const number = numberOf(path);
    const other = taken.get(number);
    if (other !== undefined) found.push(`${path}: ${other} has that number too`);
    taken.set(number, path);
  }
  const paths = new Set(decisions.map(({ path }) => path));
  for (const { path, text } of files.filter(({ path }) => !path.startsWith('test/'))) {
    for (const [reference] of text.matchAll(/docs\/decisions\/\d+[\w-]*\.md/g))
      if (!paths.has(reference)) found.push(`${path}: there is no ${reference}`);
  }
  return found;
}
