import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** What operators are told about roots in tokens where there is none, or no library. */

t.setTimeout(300_000);

const directory = mkdtempSync(join(tmpdir(), 'kmipd-token-roots-'));
const processes: KmipdProcess[] = [];
t.teardown(async () => {
  for (const each of processes) await each.end('SIGKILL');
  rmSync(directory, { recursive: true });
});

async function kmipd(home: string, ...args: readonly string[]) {
  const command = await runKmipd(directory, ...args, '--home', join(directory, home));
  return { code: await command.exited(), output: command.combinedOutput };
}

function serve(home: string): KmipdProcess {
  const all = [
    'serve',
    '--home',
    join(directory, home),
    '--listen',
    '127.0.0.1:0',
    '--metrics',
    '127.0.0.1:0',
  ];
  const daemon = new KmipdProcess(all, { cwd: directory });
  processes.push(daemon);
  return daemon;
}

const metricsOf = async ({ output }: KmipdProcess) =>
  (await fetch(`http://${/metrics on ([\d.:]+)/.exec(output)?.[1]}/metrics`)).text();

t.test('a URI that cannot be used is refused before anything is made', async (t) => {
  for (const [uri, problem] of [
    ['pkcs11:token=t;object=o', /this URI of a token cannot be used: it names no library/],
    ['pkcs11:token=t?module-path=/v.so&pin-value=1234', /must not contain a PIN/],
    ['all-of:file:k+pkcs11:object=o;object=p?module-path=/v.so', /it has object twice/],
  ] as const) {
    const { code, output } = await kmipd('refused', 'init', '--root', uri);
    t.not(code, 0);
    t.match(output, problem);
    t.notMatch(output, '1234');
  }
  t.notOk(existsSync(join(directory, 'refused', 'kmipd.toml')));
});

t.test('a home without a token says nothing of one', async (t) => {
  t.match(await kmipd('file', 'init'), { code: 0 });
  const alone = await kmipd('file', 'vault', 'token', 'login');
  t.match(alone, { code: 1, output: 'kmipd: no root of this home is in a token\n' });
  const daemon = serve('file');
  await daemon.ready();
  t.match(await kmipd('file', 'vault', 'token', 'login'), alone, 'the same by the daemon');
  t.match(JSON.parse((await kmipd('file', 'vault', 'status', '--json')).output), { tokens: [] });
  const metrics = await metricsOf(daemon);
  t.match(metrics, /^kmipd_vault_sealed 0$/m);
  t.notMatch(metrics, /^kmipd_token_up/m);
});

t.test('a daemon whose token has no library is sealed and says why', async (t) => {
  t.match(await kmipd('library', 'init'), { code: 0 });
  const file = join(directory, 'library', 'kmipd.toml');
  const uri = 'pkcs11:token=t;object=o?module-path=/nonexistent/vendor.so';
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^#root = .*$/m, `root = "${uri}"`));
  const daemon = serve('library');
  await daemon.sealed();
  t.match(daemon.output, /^sealed: the token t cannot be used: \S/m);
  t.match(await metricsOf(daemon), /^kmipd_token_up 0$/m);
  t.match(await kmipd('library', 'vault', 'status'), {
    code: 0,
    output: /^sealed: the token t .*\nroot: {3}pkcs11:\S+\ntoken: {2}down since \S+Z, pkcs11:\S+\n$/,
  });
  t.equal(await daemon.end(), 0);
  t.match(await kmipd('library', 'check-config'), { code: 1, output: /the token t cannot be used/ });
  t.match(await kmipd('library', 'vault', 'token', 'login'), {
    code: 1,
    output: /the token t cannot be used/,
  });
});
