import t from 'tap';
import { cyclesOf, fileCycles, folderCycles } from './cycles.ts';
import { readTree } from './source.ts';

const file = (path: string, ...imports: string[]) => ({
  path,
  text: imports.map((specifier) => `import { x } from '${specifier}';`).join('\n'),
});

t.test('each component of a graph is reported once, with its shortest cycle', async (t) => {
  const graph = (arrows: Record<string, string>) =>
    new Map(Object.entries(arrows).map(([node, targets]) => [node, new Set(targets)]));
  t.same(cyclesOf(graph({ a: 'bc', b: 'c', c: '' })), []);
  t.same(cyclesOf(graph({ a: 'b', b: 'c', c: 'a' })), ['a → b → c → a']);
  t.same(cyclesOf(graph({ a: 'a', b: 'c', c: 'b' })), ['a → a', 'b → c → b']);
  t.same(cyclesOf(graph({ a: 'b', b: 'c', c: 'ad', d: 'c' })), [
    'c → d → c (and 2 more in the same component)',
  ]);
});

t.test('the rule finds files that import each other', async (t) => {
  const found = fileCycles([
    file('src/a.ts', './b.ts', '../codec/x.ts'),
    { path: 'src/b.ts', text: `import type { A } from './a.ts';` },
    { path: 'src/c.ts', text: `const { a } = await import('./a.ts');` },
    file('codec/x.ts', './y.ts'),
    { path: 'codec/y.ts', text: `export type { X } from './x.ts';` },
    file('test/a.ts', './b.ts'),
    file('test/b.ts', './a.ts'),
  ]);
  t.same(found, ['codec/x.ts → codec/y.ts → codec/x.ts', 'src/a.ts → src/b.ts → src/a.ts']);
});

t.test('the rule finds sub-folders that import each other', async (t) => {
  const found = folderCycles([
    file('src/protocol/create-service.ts', './service.ts', './batch/a.ts', './jobs/a.ts'),
    file('src/protocol/service.ts'),
    file('src/protocol/batch/a.ts', '../service.ts', './b.ts'),
    file('src/protocol/batch/b.ts', '../jobs/b.ts', './a.ts'),
    file('src/protocol/jobs/a.ts', '../batch/b.ts'),
    file('src/protocol/jobs/b.ts'),
    file('src/crypto/keys/a.ts', '../port.ts'),
    file('src/crypto/port.ts', './keys/b.ts'),
    file('src/crypto/keys/b.ts'),
    file('src/operations/x/a.ts', '../y/a.ts'),
    file('src/operations/y/a.ts', '../x/a.ts'),
  ]);
  t.same(found, [
    'src/crypto/keys/ → src/crypto/port.ts → src/crypto/keys/',
    'src/protocol/batch/ → src/protocol/jobs/ → src/protocol/batch/',
  ]);
});

t.test('files and sub-folders depend on each other in one direction', async (t) => {
  const tree = readTree();
  t.same(fileCycles(tree), []);
  t.same(folderCycles(tree), []);
});
