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
    `interface I { field: string; call(): void; late: () => void }`,
    `const arrow = () => 1;`,
    `const { key: bound, short } = renamed;`,
    `export { bound as exported };`,
    `const o = { assigned: 1, method() {} };`,
  ].join('\n');
  const found = identifiersOf(parse(text));
  const named = (kind: string) =>
    found
      .filter(({ declares }) => declares === kind)
      .map(({ name }) => name)
      .join(' ');
  t.equal(named('type'), 'C T I');
  t.equal(named('function'), 'm call late arrow method');
  t.equal(named('value'), 'renamed #p a field bound short exported o');
  t.ok(found.some(({ name, declares }) => name === 'assigned' && declares === undefined));
  const members = identifiersOf(parse('a.b.c({ d: e, f, g() {} });')).filter(({ isMember }) => isMember);
  t.equal(members.map(({ name }) => name).join(' '), 'b c d g');
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
