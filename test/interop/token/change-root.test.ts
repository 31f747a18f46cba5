import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startPostgres } from '../../store/embedded-postgres.ts';
import { missing, SoftToken } from './soft-token.ts';
import { Load, makeKeys, readKeys, TokenHome } from './token-home.ts';

/** A database moves into a token and out of it while clients are served. */

t.setTimeout(600_000);

/** The path of a database under load: `store` is its URL. */
async function changeRoots(t: Test, store?: string): Promise<void> {
  const token = new SoftToken(t);
  const home = new TokenHome(t, token);
  const more = store === undefined ? [] : ['--store', store];
  t.match(await home.initialise(`file:${token.path('first.key')}`, ...more), { code: 0 });
  home.configure('activationSeconds', '0');
  const daemon = await home.start();
  const client = await home.connect();
  const ids = await makeKeys(client, 20);
  const before = await readKeys(client, ids);
  const load = new Load(await home.connect(), ids);
  const change = async (...args: readonly string[]) => {
    const changed = await home.kmipd('vault', 'change-root', ...args);
    t.match(changed, { code: 0 }, changed.output);
    return changed.output;
  };
  const configured = () =>
    /^root = "([^"]*)"$/m.exec(readFileSync(join(home.directory, 'kmipd.toml'), 'utf8'))?.[1];
  t.equal(await home.tokenUp(), undefined);
  const elsewhere = token.uriText().replace('token=kmipd', 'token=other');
  t.match(await home.kmipd('vault', 'change-root', elsewhere), { code: 1 });
  t.equal(await home.tokenUp(), undefined, 'nothing needs the token that is not there');

  await change(token.uriText());
  t.equal(configured(), token.uriText());
  t.equal(await home.tokenUp(), '1', 'the gauge comes with the token');
  t.match(await home.kmipd('vault', 'change-root', '--compromised', token.uriText()), {
    ...{ code: 1, output: /^kmipd: nothing was changed: \S+ has the key that opens the database already/ },
  });
  t.equal(await home.tokenUp(), '1');

  t.match(await daemon.reload(), /configuration reloaded/);
  writeFileSync(token.path('passphrase'), 'a passphrase for this test\n', { mode: 0o600 });
  await change('passphrase:', '--passphrase-file', 'passphrase');
  t.equal(configured(), 'passphrase:');
  t.equal(await home.tokenUp(), undefined, 'and goes with it');
  token.remove();
  t.match(await home.kmipd('vault', 'rotate'), { code: 0 }, 'nothing needs the token any more');

  const output = await change('--compromised', 'file:last.key');
  t.match(output, /^the old root, with any copy of the database/m);
  t.strictSame(await readKeys(client, ids), before);
  await client.close();
  t.strictSame(await load.stop(), []);
  t.ok(load.answers > 0);

  await home.end();
  await home.start();
  const reader = await home.connect();
  t.strictSame(await readKeys(reader, ids), before);
  await reader.close();
  t.match(await home.kmipd('verify'), { code: 0 });
}

t.test('file, token, passphrase, file: under load', { skip: missing }, (t) => changeRoots(t));

t.test('the same on PostgreSQL', { skip: missing }, async (t) => {
  const server = await startPostgres();
  if (typeof server === 'string') return void t.pass(`skipped: ${server}`);
  t.teardown(() => server.stop());
  await changeRoots(t, await server.fresh());
});
