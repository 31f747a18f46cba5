import t from 'tap';
import { importsBetweenFamilies, layerCycle, layers, wrongImports } from './layers.ts';
import { readTree } from './source.ts';

const samples: readonly { path: string; text: string; wrong?: RegExp }[] = [
  { path: 'codec/plan.ts', text: `import { tags } from './tags.ts';` },
  {
    path: 'codec/plan.ts',
    text: `import { fail } from '../src/common/errors.ts';`,
    wrong: /codec may not depend on common/,
  },
  { path: 'codec/plan.ts', text: `import { createHash } from 'node:crypto';`, wrong: /nothing but itself/ },
  { path: 'codec/wire/xml.ts', text: `import { SaxesParser } from 'saxes';` },
  { path: 'codec/wire/json.ts', text: `import { SaxesParser } from 'saxes';`, wrong: /nothing but itself/ },
  { path: 'profiles/json.ts', text: `import { join } from 'node:path';`, wrong: /profiles are data/ },
  { path: 'src/common/errors.ts', text: `import { x } from '../../codec/enums.ts';` },
  {
    path: 'src/common/errors.ts',
    text: `import { fail } from '../object/state.ts';`,
    wrong: /common may not depend on object/,
  },
  {
    path: 'src/watch/log.ts',
    text: `import type { Store } from '../store/store.ts';`,
    wrong: /watch may not depend on port/,
  },
  {
    path: 'src/object/state.ts',
    text: `import type { Observer } from '../watch/observer.ts';`,
    wrong: /object may not depend on watch/,
  },
  {
    path: 'src/store/store.ts',
    text: `import { x } from '../object/state.ts';`,
    wrong: /port may not depend on object/,
  },
  { path: 'src/crypto/provider.ts', text: `import type { Certification } from './certification.ts';` },
  {
    path: 'src/crypto/provider.ts',
    text: `import { rsa } from './keys/rsa.ts';`,
    wrong: /port may not depend on adapter/,
  },
  {
    path: 'src/crypto/provider.ts',
    text: `import { rules } from './policy/rules.ts';`,
    wrong: /port may not depend on policy/,
  },
  { path: 'src/crypto/provider.ts', text: `import { hash } from 'node:crypto';`, wrong: /is an interface/ },
  { path: 'src/crypto/policy/rules.ts', text: `import type { Provider } from '../provider.ts';` },
  {
    path: 'src/crypto/policy/rules.ts',
    text: `import { rsa } from '../keys/rsa.ts';`,
    wrong: /policy may not depend on adapter/,
  },
  { path: 'src/config/keys.ts', text: `import { ruleNames } from '../crypto/policy/rule-names.ts';` },
  {
    path: 'src/config/keys.ts',
    text: `import { sqlite } from '../store/sqlite.ts';`,
    wrong: /config may not depend on adapter/,
  },
  { path: 'src/object/state.ts', text: `import type { Stored } from '../store/store.ts';` },
  {
    path: 'src/object/state.ts',
    text: `import { x } from '../operations/transfer/get.ts';`,
    wrong: /object may not depend on operations/,
  },
  {
    path: 'src/operations/transfer/get.ts',
    text: `import { randomBytes } from 'node:crypto';`,
    wrong: /from its context/,
  },
  {
    path: 'src/operations/transfer/get.ts',
    text: `export { local } from '../../vault/local.ts';`,
    wrong: /operations may not depend on adapter/,
  },
  {
    path: 'src/operations/transfer/get.ts',
    text: `import { Locate } from '../locate.ts';`,
    wrong: /no other operation/,
  },
  { path: 'src/operations/transfer/get.ts', text: `import { operation } from '../operation.ts';` },
  { path: 'src/operations/index.ts', text: `import { Locate } from './locate.ts';` },
  {
    path: 'src/protocol/batch/batch.ts',
    text: `const x = await import('../../store/sqlite.ts');`,
    wrong: /protocol may not depend on adapter/,
  },
  {
    path: 'src/protocol/batch/batch.ts',
    text: `import {\n  a,\n  b,\n} from '../../net/listener.ts';`,
    wrong: /protocol may not depend on net/,
  },
  { path: 'src/net/listener.ts', text: `import '../main.ts';`, wrong: /nothing imports main/ },
  { path: 'src/net/listener.ts', text: `import '../cli/run.ts';`, wrong: /net may not depend on cli/ },
  {
    path: 'src/management/server.ts',
    text: `import { x } from '../store/open.ts';`,
    wrong: /management may not depend on adapter/,
  },
  {
    path: 'src/net/listener.ts',
    text: `import '../management/server.ts';`,
    wrong: /net may not depend on management/,
  },
  { path: 'src/cli/commands/serve.ts', text: `import '../../main.ts';`, wrong: /nothing imports main/ },
  { path: 'src/cli/commands/serve.ts', text: `import { sqlite } from '../../store/sqlite.ts';` },
  { path: 'src/daemon/bind.ts', text: `import { sqlite } from '../store/sqlite.ts';` },
  { path: 'src/main.ts', text: `import { run } from './cli/run.ts';\nawait import('./daemon/daemon.ts');` },
  { path: 'src/main.ts', text: `import { daemon } from './daemon/daemon.ts';`, wrong: /with import\(\)/ },
  {
    path: 'src/main.ts',
    text: `await import('./common/address.ts');`,
    wrong: /main may not depend on common/,
  },
  { path: 'src/store/sqlite.ts', text: `import { sqlStore } from './sql-store.ts';` },
  {
    path: 'src/store/sqlite.ts',
    text: `import { local } from '../vault/local.ts';`,
    wrong: /no other adapter/,
  },
  { path: 'src/token/token-client.ts', text: `import { x } from '../vault/vault.ts';` },
  {
    path: 'src/token/token-client.ts',
    text: `import { local } from '../vault/local.ts';`,
    wrong: /no other adapter/,
  },
  { path: 'src/helpers/text.ts', text: '', wrong: /belongs to no layer/ },
  { path: 'src/bytes.ts', text: '', wrong: /belongs to no layer/ },
  { path: 'src/net/listener.ts', text: `// import '../main.ts';\nconst s = "import '../main.ts'";` },
];

t.test('the rule finds imports against the order of dependence', async (t) => {
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

t.test('the rule finds imports between families of operations', async (t) => {
  const from = (path: string, specifier: string) =>
    importsBetweenFamilies([{ path: `src/operations/${path}`, text: `import { x } from '${specifier}';` }]);
  t.match(from('transfer/get.ts', '../creation/defaults.ts'), [/transfer may not .* creation$/]);
  t.match(from('new-object.ts', './creation/defaults.ts'), [/beside the families may not .* creation$/]);
  t.match(from('group-policy/set-defaults.ts', '../server/query.ts'), [/group-policy may not .* server$/]);
  t.match(from('server/query.ts', '../group-policy/group-policy.ts'), [/server may not .* group-policy$/]);
  t.same(from('transfer/get.ts', './wrapping.ts'), []);
  t.same(from('transfer/get.ts', '../named-objects.ts'), []);
  t.same(from('index.ts', './creation/create.ts'), []);
});

t.test('the rule finds a cycle of layers', async (t) => {
  const layer = (name: string, ...mayImport: string[]) => ({ name, files: /x/, mayImport });
  t.equal(layerCycle([layer('a', 'b'), layer('b', 'c', 'b'), layer('c', 'a')]), 'a → b → c → a');
  t.equal(layerCycle([layer('a', 'b', 'c'), layer('b', 'c'), layer('c', 'c')]), undefined);
});

t.test('layers depend on each other in one direction', async (t) => {
  const tree = readTree();
  t.equal(layerCycle(layers), undefined);
  t.same(wrongImports(tree), []);
  t.same(importsBetweenFamilies(tree), []);
});
