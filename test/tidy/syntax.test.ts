import t from 'tap';
import { commentsOf, identifiersOf, type ParsedFile, parseFiles, stringsOf } from './syntax.ts';

const parse = (text: string) => parseFiles([{ path: 'src/a.ts', text }])[0] as ParsedFile;

t.test('files are parsed in their order and once', async (t) => {
  const files = ['src/b.ts', 'README.md', 'src/a.ts'].map((path) => ({ path, text: 'const x = 1;' }));
  const parsed = parseFiles(files);
  t.same(
    parsed.map(({ path }) => path),
    ['src/b.ts', 'src/a.ts'],
  );
  t.equal(parseFiles(files)[0]?.tree, parsed[0]?.tree);
});

t.test('identifiers are told apart: declared here, or used', async (t) => {
  const text = [
    `import { imported, other as renamed } from 'x';`,
    `class C<T> { #p = 1; m(a: number) { return this.#p + a + imported; } }`,
    `interface I { field: string; call(): void }`,
    `const { key: bound, short } = renamed;`,
    `export { bound as exported };`,
    `const o = { assigned: 1, method() {} };`,
  ].join('\n');
  const declared = identifiersOf(parse(text)).filter((found) => found.declared);
  t.same(
    declared.map(({ name }) => name).join(' '),
    'renamed C T #p m a I field call bound short exported o method',
  );
  t.ok(identifiersOf(parse(text)).some(({ name, declared }) => name === 'assigned' && !declared));
});

t.test('comments and strings are found between templates, expressions and quotes', async (t) => {
  const text = [
    `// one`,
    `const a = '// no'; /* two */ const b = /[/*]"/; // three "`,
    `const c = \`/* no \${f(\`// no\`) /* four */} // no\`; const d = 6 / 2; /** five */`,
  ].join('\n');
  t.same(
    commentsOf(parse(text)).map((comment) => comment.text),
    ['// one', '/* two */', '// three "', '/* four */', '/** five */'],
  );
  const strings = stringsOf(parse(text)).map((part) => part.text);
  t.same(strings, [`'// no'`, '`/* no ${', '`// no`', '} // no`']);
});
