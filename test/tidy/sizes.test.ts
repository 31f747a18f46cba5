import t from 'tap';
import { fullFolders, longFiles, longFunctions } from './sizes.ts';
import { readTree } from './source.ts';

const file = (path: string, text = '') => ({ path, text });
const lines = (count: number) => 'x;\n'.repeat(count);

t.test('the rule finds long files', async (t) => {
  const found = longFiles([
    file('src/a.ts', lines(300)),
    file('src/b.ts', lines(301)),
    file('codec/tags.ts', lines(900)),
    file('test/a.ts', lines(350)),
    file('test/b.ts', lines(351)),
    file('docs/a.md', lines(900)),
  ]);
  t.same(found, ['src/b.ts: 301 lines, at most 300', 'test/b.ts: 351 lines, at most 350']);
});

t.test('the rule finds full folders', async (t) => {
  const many = (folder: string, count: number, ending = 'ts') =>
    Array.from({ length: count }, (_, index) => file(`${folder}/${index}.${ending}`));
  const found = fullFolders([
    ...many('src/a', 40),
    ...many('src/a/b', 41),
    ...many('src/c', 30),
    ...many('src/c', 30, 'md'),
    ...many('codec', 41),
    ...many('test/protocol/operations', 41),
    ...many('test/protocol', 41),
  ]);
  t.same(found, [
    'src/a/b/: 41 files, at most 40',
    'codec/: 41 files, at most 40',
    'test/protocol/operations/: 41 files, at most 40',
  ]);
});

/** Each function with a body of `count` lines between its first and last line. */
const kinds: readonly [name: string, text: (body: string) => string][] = [
  ['f', (body) => `function f() {\n${body}}`],
  ['g', (body) => `export async function* g<T extends { a: '}' }>(x = { y: '{' }, z?: T) {\n${body}}`],
  ['m', (body) => `class A {\n  m() {\n${body}}\n}`],
  ['#p', (body) => `class A {\n  async #p() {\n${body}}\n}`],
  ['value', (body) => `class A {\n  get value() {\n${body}}\n}`],
  ['constructor', (body) => `class A {\n  constructor() {\n${body}}\n}`],
  ['arrow', (body) => `const arrow = () => {\n${body}};`],
  ['held', (body) => `const o = { held: async function () {\n${body}} };`],
  ['shorthand', (body) => `const o = { shorthand(a: string) {\n${body}} };`],
  ['list', (body) => `const list = () => [\n${body.replaceAll(';', ',')}];`],
];

t.test('the rule finds long functions of every kind', async (t) => {
  for (const [name, text] of kinds) {
    const found = longFunctions([
      file('src/short.ts', text(lines(68))),
      file('src/long.ts', text(lines(69))),
      file('test/long.ts', text(lines(69))),
    ]);
    const line = text('').startsWith('class') ? 2 : 1;
    t.same(found, [
      `src/long.ts:${line}: ${name} has 71 lines, at most 70`,
      `test/long.ts:${line}: ${name} has 71 lines, at most 70`,
    ]);
  }
});

t.test('the rule reads code as the compiler does', async (t) => {
  const trap = [
    'const a = /[{/]/.test(`{ $' + '{`}` + "{"} \\` {`); // {',
    '/* { */',
    'const b = 4 / 2 / { c: 1 }.c;',
    '',
  ].join('\n');
  const found = longFunctions([
    file('src/a.ts', `function f() {\n${trap.repeat(10)}}\nfunction g() {\n${trap.repeat(30)}}\n`),
  ]);
  t.same(found, ['src/a.ts:33: g has 92 lines, at most 70']);
});

t.test('the rule leaves out the callbacks of tests', async (t) => {
  const text = `t.test('x', async (t) => {\n${lines(90)}});\n`;
  t.same(longFunctions([file('test/a.test.ts', text)]), []);
  t.same(longFunctions([file('src/a.ts', text)]), ['src/a.ts:1: a callback has 92 lines, at most 70']);
  const suite = (size: number) => file('test/a.ts', `function suite(t: Test) {\n${text}${lines(size)}}\n`);
  t.same(longFunctions([suite(67)]), []);
  t.same(longFunctions([suite(68)]), ['test/a.ts:1: suite has 71 lines, at most 70']);
});

t.test('files, folders and functions are small', async (t) => {
  const tree = readTree();
  t.same(longFiles(tree), []);
  t.same(fullFolders(tree), []);
  t.same(longFunctions(tree), []);
});
