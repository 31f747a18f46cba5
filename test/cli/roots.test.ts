import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { deriveVaultKey } from '../../src/vault/keyed-hash.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

/** What an operator does with roots that are not in a file of the home. */

t.setTimeout(600_000);

const passphrase = 'a passphrase for this test';

/** A directory with a passphrase, and processes that end with the test. */
function prepare(t: Pick<typeof import('tap').t, 'teardown'>) {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-root-'));
  const processes: KmipdProcess[] = [];
  t.teardown(async () => {
    for (const each of processes) await each.end('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  const home = join(directory, 'home');
  const at = (name: string) => join(directory, name);
  writeFileSync(at('passphrase'), `${passphrase}\n`, { mode: 0o600 });
  return {
    directory,
    home,
    at,
    async kmipd(...args: readonly string[]) {
      const command = await runKmipd(directory, ...args, '--home', home);
      return { code: await command.exited(), output: command.combinedOutput };
    },
    serve(options: { env?: NodeJS.ProcessEnv; args?: readonly string[] } = {}) {
      const { args = [], env = process.env } = options;
      const daemon = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0', ...args], {
        ...{ cwd: directory, env },
      });
      processes.push(daemon);
      return daemon;
    },
    demo: join(home, 'clients', 'demo'),
  };
}

t.test('a home with a passphrase has no root in it, nor in its database', async (t) => {
  const { home, at, kmipd, serve, demo } = prepare(t);
  const made = await kmipd('init', '--root', 'passphrase:file=passphrase');
  t.equal(made.code, 0, made.output);
  t.match(readFileSync(join(home, 'kmipd.toml'), 'utf8'), `root = "passphrase:file=${at('passphrase')}"`);
  const { rootSettings, rootKey } = stateDirectoryAt(home);
  t.equal(statSync(rootSettings).mode & 0o777, 0o600);
  t.equal(statSync(rootKey, { throwIfNoEntry: false }), undefined);

  const { argon2Sync } = await import('node:crypto');
  const { salt, ...cost } = JSON.parse(readFileSync(rootSettings, 'utf8')).passphrase;
  const nonce = Uint8Array.fromHex(salt);
  const root = argon2Sync('argon2id', { message: passphrase, nonce, tagLength: 32, ...cost });
  const keyring = /\{"store":"([0-9a-f]{32})".*?"roots":\[\{"id":"([0-9a-f]{16})"/.exec(
    readFileSync(join(home, 'kmipd.db'), 'latin1'),
  );
  const [, store = '', id = ''] = keyring ?? [];
  const check = deriveVaultKey(root, Uint8Array.fromHex(store), 'kmipd/2 root check');
  t.equal(check.toHex().slice(0, 16), id, 'this is the root that the keyring names');

  const daemon = serve();
  const { port } = await daemon.ready();
  t.equal(await tryDestroy(port, demo), 'permitted');
  t.equal(await daemon.end(), 0);
  t.match((await kmipd('check-config')).output, /kmipd\.toml: ok\n$/);
  t.match((await kmipd('client', 'list')).output, /^demo /m);
  t.match((await kmipd('verify')).output, /all as kmipd has written them/);

  const forms = [root.toString('latin1'), root.toString('hex'), root.toString('base64'), passphrase, salt];
  const files = globSync('**/*', { cwd: home }).filter((name) => statSync(join(home, name)).isFile());
  t.ok(files.includes('kmipd.db'));
  const found = files.flatMap((name) => {
    const content = readFileSync(join(home, name), 'latin1');
    return forms.flatMap((form, at) => (content.includes(form) ? [`${name}: ${at}`] : []));
  });
  t.strictSame(found, ['root-settings.json: 4'], 'the salt alone, in the home alone');

  renameSync(at('passphrase'), at('away'));
  t.match(await kmipd('check-config'), {
    code: 0,
    output: /warning: the passphrase \S+ is missing.*only Discover Versions/,
  });
  const sealed = serve({ args: ['--metrics', '127.0.0.1:0'] });
  await sealed.sealed();
  const [, metrics] = await sealed.waitForOutput(/sealed on .*metrics on (\S+)\)/);
  const get = async (path: string) => (await fetch(`http://${metrics}${path}`)).text();
  t.equal(await get('/readyz'), 'not ready: the vault is sealed: its root (passphrase) is not available\n');
  t.match(await get('/metrics'), /^kmipd_vault_sealed 1$/m);
  writeFileSync(at('passphrase'), 'another passphrase than before', { mode: 0o600 });
  await sealed.waitForOutput(
    /the passphrase \(\S+\) is wrong, or the database is encrypted under another root/,
  );
  renameSync(at('away'), at('passphrase'));
  const { port: again } = await sealed.ready();
  t.match(await get('/metrics'), /^kmipd_vault_sealed 0$/m);
  t.equal(await get('/readyz'), 'ready\n');
  t.equal(await tryDestroy(again, demo), 'permitted');
  t.notMatch(sealed.combinedOutput, passphrase);
});

t.test('a credential of the service is the root, and SIGHUP reads it', async (t) => {
  const { home, at, kmipd, serve } = prepare(t);
  mkdirSync(at('credentials'));
  const env = { ...process.env, CREDENTIALS_DIRECTORY: at('credentials') };
  const none = await kmipd('init', '--root', 'credential:root');
  t.match(none, { code: 1, output: /there is no credential root: \$CREDENTIALS_DIRECTORY is not set/ });
  writeFileSync(at('credentials/root'), new Uint8Array(32).fill(7), { mode: 0o400 });
  const made = serve({ env });
  await made.ready();
  t.notMatch(made.output, /lies beside/);
  await made.end();
  rmSync(at('credentials/root'));
  const daemon = serve({ env });
  await daemon.sealed();
  writeFileSync(at('credentials/root'), `${new Uint8Array(32).fill(7).toHex()}\n`, { mode: 0o400 });
  daemon.signal('SIGHUP');
  await daemon.ready();
  t.match(readFileSync(join(home, 'kmipd.toml'), 'utf8'), /^root = "credential:root"$/m);
});

t.test('a root that cannot be is refused before anything is made', async (t) => {
  const { home, kmipd } = prepare(t);
  const cases: Record<string, RegExp> = {
    'passphrase:correct horse battery': /^kmipd: --root must not contain the passphrase/,
    'shares:5/3': /^kmipd: --root must be "shares:K\/N"/,
    'tpm:1': /^kmipd: --root must be one of file:PATH/,
  };
  for (const [root, output] of Object.entries(cases)) {
    const refused = await kmipd('init', '--root', root);
    t.match(refused, { code: 2, output });
    t.notMatch(refused.output, 'horse');
  }
  t.match(await kmipd('init', '--root', 'passphrase:'), { code: 1, output: /passphrase has not been given/ });
  t.match(await kmipd('init'), { code: 1, output: /passphrase has not been given/ }, 'as the first try said');
  t.equal(statSync(join(home, 'root.key'), { throwIfNoEntry: false }), undefined);
});
