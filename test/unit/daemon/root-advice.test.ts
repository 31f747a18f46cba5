import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { parseRootUri } from '../../../src/common/root-uri.ts';
import { findRootAdvice } from '../../../src/daemon/root-advice.ts';

t.test('a root that a copy of the home or database would contain is pointed out', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'kmipd-advice-'));
  t.teardown(() => rmSync(base, { recursive: true }));
  for (const name of ['home', 'data', 'keys', 'data/inner']) mkdirSync(join(base, name));
  symlinkSync(join(base, 'data'), join(base, 'link'));
  const advise = (uri: string, store = `sqlite:${base}/data/kmipd.db`) => {
    const root = parseRootUri(uri, base);
    if (typeof root === 'string') throw new Error(root);
    return findRootAdvice(stateDirectoryAt(join(base, 'home')), {
      vault: { root: [root], activationSeconds: 120, values: 'envelope', valueProcesses: 1 },
      store,
    });
  };
  t.equal(
    advise('file:data/root.key'),
    `the root key ${base}/data/root.key lies beside the database: whoever copies ${base}/data has both; keep it elsewhere, see [vault] root`,
  );
  t.match(advise('file:link/root.key'), /beside the database/);
  t.match(advise('file:data/inner/root.key'), /beside the database/);
  t.match(advise('file:home/root.key'), /beside the home/);
  t.match(advise('file:home/root.key', 'postgres://a@b/c'), /beside the home/);
  t.match(advise('passphrase:file=home/p'), /^the passphrase \S+ lies beside the home/);
  for (const uri of [
    ...['file:keys/root.key', 'file:missing/root.key', 'credential:root', 'passphrase:', 'shares:2/3'],
    'all-of:file:home/root.key+credential:root',
  ])
    t.equal(advise(uri), undefined, uri);
  t.end();
});
