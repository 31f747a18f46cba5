import t from 'tap';
import { readTree } from './source.ts';
import { parseFiles } from './syntax.ts';
import { fileWords, proseWords } from './word-lists.ts';
import { oldFileNames, oldNames, oldProse } from './word-rules.ts';
import { words } from './words.ts';

/**
 * One file for each line of the table, under a path of its own unless the scope of the line is a single file.
 */
function samples(kind: 'bad' | 'good') {
  return words.map((word, index) => {
    const numbered = word.path.replace(/([^/]+)$/, `${index}-$1`);
    return { word, file: { path: word.scope.test(numbered) ? numbered : word.path, text: word[kind] } };
  });
}

t.test('each name of the table is found, and only the name', async (t) => {
  for (const kind of ['bad', 'good'] as const) {
    const all = samples(kind);
    t.equal(
      new Set(all.map(({ file }) => file.path)).size,
      words.length,
      'each sample has a path of its own',
    );
    parseFiles(all.map(({ file }) => file));
    for (const { word, file } of all) {
      const expected = kind === 'bad' ? [`${file.path}:1: `] : [];
      t.match(oldNames([file], [word]), expected, `${word.now} in ${file.text}`);
      t.equal(oldNames([file], [word]).length, expected.length);
    }
  }
});

t.test('a name is reported once in a file, and only where it is declared', async (t) => {
  const text = `import { weather } from './x.ts';\nconst shelf = weather;\nfunction f(shelf: string) {}\n`;
  t.same(oldNames([{ path: 'src/a.ts', text }]), [
    'src/a.ts:2: `shelf`: `shelf` becomes store of wrapped keys',
  ]);
});

t.test('a word is allowed outside the scope of its line', async (t) => {
  const samples = [
    ['test/conformance/play.ts', 'export function play() { const verdict = 1; }'],
    ['codec/wire/xml.ts', 'const language = 1; const line = 2; const on = 3;'],
    ['src/config/values.ts', 'const after = 1; const words = 2; const order = 3;'],
    ['src/cli/commands/serve.ts', 'const { home } = argv;'],
    ['src/net/https-head.ts', 'const line = 1; const room = 2;'],
  ] as const;
  t.same(oldNames(samples.map(([path, text]) => ({ path, text }))), []);
});

t.test('each file name of the table is found', async (t) => {
  for (const { now, becomes } of fileWords) {
    t.same(oldFileNames([{ path: `src/x/${now}.ts`, text: '' }]), [
      `src/x/${now}.ts: \`${now}\` becomes ${becomes}`,
    ]);
    t.equal(oldFileNames([{ path: `test/unit/${now}.test.ts`, text: '' }]).length, 1);
    t.same(oldFileNames([{ path: `src/x/a-${now}.ts`, text: '' }]), []);
    t.same(oldFileNames([{ path: `codec/${now}.ts`, text: '' }]), []);
  }
});

t.test('each word of prose is found in documents, comments and strings', async (t) => {
  const forms = (text: string, index: number) => [
    { path: `docs/${index}.md`, text },
    { path: `src/comment-${index}.ts`, text: `/**\n * ${text}\n */\nconst x = 1;` },
    { path: `test/name-${index}.test.ts`, text: `t.test("${text}", () => {});` },
    { path: `src/template-${index}.ts`, text: `fail(\`\${x} ${text}\`);` },
  ];
  const bad = proseWords.flatMap((word, index) => forms(word.bad, index));
  const found = oldProse(bad);
  for (const { path } of bad) t.equal(found.filter((line) => line.startsWith(`${path}:`)).length, 1, path);
  t.same(oldProse(proseWords.flatMap((word, index) => forms(word.good, index))), []);
});

t.test('prose is not looked for in names and data', async (t) => {
  const text = 'const room = 1; // all right';
  t.same(oldProse([{ path: 'src/a.ts', text }]), []);
  t.same(oldProse([{ path: 'LICENSE', text: 'house' }]), []);
  t.same(oldProse([{ path: 'test/fuzz/corpus/a.txt', text: 'house' }]), []);
});

t.test('names, file names and texts of the repository use no word of the tables', async (t) => {
  const tree = readTree();
  t.same(oldNames(tree), []);
  t.same(oldFileNames(tree), []);
  t.same(oldProse(tree), []);
});
