import t from 'tap';
import { missingReadmes, unreachable, wrongDecisions } from './files.ts';
import { readTree } from './source.ts';

const file = (path: string, text = '') => ({ path, text });
const lines = (count: number) => 'x;\n'.repeat(count);

t.test('the rule finds dead files', async (t) => {
  const found = unreachable([
    file('src/main.ts', `import { a } from './a.ts';`),
    file('src/a.ts', `new Worker(new URL('./worker.ts', import.meta.url));\nawait import('./late.ts');`),
    file('src/worker.ts', `export * from '../codec/b.ts';`),
    file('src/late.ts'),
    file('codec/b.ts'),
    file('codec/tested.ts'),
    file('codec/dead.ts', `import './deader.ts';`),
    file('codec/deader.ts'),
    file('src/only-tested.ts'),
    file('test/unit/x.test.ts', `import '../../src/only-tested.ts';\nimport '../../codec/tested.ts';`),
  ]);
  t.same(
    found.map((line) => line.split(':')[0]),
    ['codec/dead.ts', 'codec/deader.ts', 'src/only-tested.ts'],
  );
});

t.test('the rule finds folders that do not introduce themselves', async (t) => {
  const found = missingReadmes([
    file('a/README.md', lines(40)),
    file('b/README.md', lines(41)),
    file('c/x.ts'),
    file('.ci/run'),
    file('README.md', lines(100)),
  ]);
  t.same(found, ['b/README.md: 41 lines, at most 40', 'c/: has no README.md']);
});

t.test('the rule finds decisions that cannot be told apart or are not there', async (t) => {
  const found = wrongDecisions([
    file('docs/decisions/01-a.md'),
    file('docs/decisions/02-b.md'),
    file('docs/decisions/02-c.md'),
    file('docs/x.md', 'See `docs/decisions/01-a.md` and `docs/decisions/03-d.md`.'),
  ]);
  t.same(found, [
    'docs/decisions/02-c.md: docs/decisions/02-b.md has that number too',
    'docs/x.md: there is no docs/decisions/03-d.md',
  ]);
});

t.test('files are in use and folders introduced', async (t) => {
  const tree = readTree();
  t.same(unreachable(tree), []);
  t.same(missingReadmes(tree), []);
  t.same(wrongDecisions(tree), []);
});
