import t from 'tap';
import { ringOf, rooms, wrongImports } from './layers.ts';
import { readTree } from './source.ts';

const samples: readonly { path: string; text: string; wrong?: RegExp }[] = [
  { path: 'codec/plan.ts', text: `import { tags } from './tags.ts';` },
  {
    path: 'codec/plan.ts',
    text: `import { fail } from '../src/common/errors.ts';`,
    wrong: /codec may not depend on leaf/,
  },
  { path: 'codec/plan.ts', text: `import { createHash } from 'node:crypto';`, wrong: /nothing but itself/ },
  { path: 'codec/wire/xml.ts', text: `import { SaxesParser } from 'saxes';` },
  { path: 'codec/wire/json.ts', text: `import { SaxesParser } from 'saxes';`, wrong: /nothing but itself/ },
  {
    path: 'src/common/errors.ts',
    text: `import { fail } from '../object/state.ts';`,
    wrong: /leaf may not depend on object/,
  },
  {
    path: 'src/store/store.ts',
    text: `import { x } from '../object/state.ts';`,
    wrong: /port may not depend on object/,
  },
  { path: 'src/object/state.ts', text: `import type { Stored } from '../store/store.ts';` },
  {
    path: 'src/object/state.ts',
    text: `import { x } from '../operations/get.ts';`,
    wrong: /object may not depend on operations/,
  },
  {
    path: 'src/operations/get.ts',
    text: `import { randomBytes } from 'node:crypto';`,
    wrong: /from its context/,
  },
  {
    path: 'src/operations/get.ts',
    text: `export { local } from '../vault/local.ts';`,
    wrong: /operations may not depend on adapter/,
  },
  {
    path: 'src/operations/get.ts',
    text: `import { Locate } from './locate.ts';`,
    wrong: /no other operation/,
  },
  { path: 'src/operations/get.ts', text: `import { operation } from './operation.ts';` },
  { path: 'src/operations/index.ts', text: `import { Locate } from './locate.ts';` },
  {
    path: 'src/protocol/batch.ts',
    text: `const x = await import('../store/sqlite.ts');`,
    wrong: /protocol may not depend on adapter/,
  },
  {
    path: 'src/protocol/batch.ts',
    text: `import {\n  a,\n  b,\n} from '../net/listener.ts';`,
    wrong: /protocol may not depend on net/,
  },
  { path: 'src/net/listener.ts', text: `import '../main.ts';`, wrong: /net may not depend on main/ },
  { path: 'src/cli/serve.ts', text: `import '../main.ts';`, wrong: /nothing imports main/ },
  { path: 'src/cli/serve.ts', text: `import { sqlite } from '../store/sqlite.ts';` },
  { path: 'src/store/sqlite.ts', text: `import { sqlStore } from './sql-store.ts';` },
  {
    path: 'src/store/sqlite.ts',
    text: `import { local } from '../vault/local.ts';`,
    wrong: /no other adapter/,
  },
  { path: 'src/helpers/text.ts', text: '', wrong: /stands in no room/ },
  { path: 'src/net/listener.ts', text: `// import '../main.ts';\nconst s = "import '../main.ts'";` },
];

t.test('the rule finds what goes against the order', async (t) => {
  const locate = {
    path: 'src/operations/locate.ts',
    text: `export const Locate = operation({ name: 'Locate' });`,
  };
  for (const { wrong, ...file } of samples) {
    const found = wrongImports([file, locate]);
    if (wrong === undefined) t.same(found, [], `${file.path} may ${file.text}`);
    else t.match(found, [wrong], `${file.path} may not ${file.text}`);
  }
});

t.test('the rule finds a ring of rooms', async (t) => {
  const room = (name: string, ...mayImport: string[]) => ({ name, files: /x/, mayImport });
  t.equal(ringOf([room('a', 'b'), room('b', 'c', 'b'), room('c', 'a')]), 'a → b → c → a');
  t.equal(ringOf([room('a', 'b', 'c'), room('b', 'c'), room('c', 'c')]), undefined);
});

t.test('rooms depend on each other in one direction', async (t) => {
  t.equal(ringOf(rooms), undefined);
  t.same(wrongImports(readTree()), []);
});
