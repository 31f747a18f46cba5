import t from 'tap';
import { namesakes, testOnlyExports } from './exports.ts';
import { readTree } from './source.ts';

const file = (path: string, ...lines: readonly string[]) => ({ path, text: lines.join('\n') });

/** Each exports `taken` in its own way. */
const forms = [
  'export function taken() {}',
  'export async function* taken() {}',
  'export const other = 1, taken = 2;',
  'export const { a, b: [taken] } = x;',
  'export class taken {}',
  'export abstract class taken<T> {}',
  'export interface taken {}',
  'export type taken = string;',
  'export enum taken {}',
  'const taken = 1;\nexport { taken };',
  'const own = 1;\nexport { own as taken };',
];

t.test('the rule finds names that two files export', async (t) => {
  const found = namesakes([
    file('src/0.ts', 'export const taken = 1;', 'export type taken = typeof taken;'),
    ...forms.map((text, index) => file(`codec/${index}.ts`, text)),
    file('src/again.ts', `export { taken } from './0.ts';`, `export * from './0.ts';`),
    file('src/inside.ts', 'const taken = 1;', '{ function taken() {} }'),
    file('test/a.ts', 'export const taken = 1;'),
  ]);
  t.equal(found.length, forms.length);
  for (const index of forms.keys())
    t.ok(
      found.some((line) => new RegExp(`^codec/${index}\\.ts:\\d: src/0\\.ts exports taken too$`).test(line)),
    );
});

/** Each takes `taken` from the file 0 in its own way. */
const uses = [
  `import { taken } from './0.ts';`,
  `import { other, taken as renamed } from './0.ts';`,
  `import type { taken } from './0.ts';`,
  `import * as all from './0.ts';`,
  `export { taken } from './0.ts';`,
  `export * from './0.ts';`,
  `const { taken } = await import('./0.ts');`,
  `const { taken: renamed } = await import('./0.ts');`,
  `(await import('./0.ts')).taken();`,
  `const all = await import('./0.ts');`,
  `type A = import('./0.ts').taken;`,
  `type A = typeof import('./0.ts');`,
];

t.test('the rule finds exports that only tests use', async (t) => {
  const exported = file('src/0.ts', 'export const taken = 1;');
  const only = ['src/0.ts:1: only tests use taken'];
  t.same(testOnlyExports([exported, file('test/a.ts', `import { taken } from '../src/0.ts';`)]), only);
  t.same(testOnlyExports([exported, file('src/a.ts', `import { other } from './0.ts';`)]), only);
  t.same(testOnlyExports([exported, file('src/x/a.ts', `import { taken } from './0.ts';`)]), only);
  for (const use of uses) t.same(testOnlyExports([exported, file('src/a.ts', use)]), [], use);
  t.same(testOnlyExports([file('src/0.ts', 'export const taken = 1;', 'x(taken);')]), []);
  t.same(testOnlyExports([file('src/0.ts', 'export const taken = 1;', 'x.taken({ taken: 1 });')]), only);
  t.same(testOnlyExports([file('codec/tags.ts', 'export const taken = 1;')]), []);
  t.same(testOnlyExports([file('codec/wire/tags.ts', 'export const taken = 1;')]).length, 1);
});

t.test('exported names are unlike each other and in use', async (t) => {
  const tree = readTree();
  t.same(namesakes(tree), []);
  t.same(testOnlyExports(tree), []);
});
