import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

t.setTimeout(600_000);

const skip = spawnSync('openssl', ['version']).status !== 0 && 'no openssl command';
t.test('a daemon trusts an authority that client add --cert has enrolled elsewhere', { skip }, async (t) => {
  const directory = t.testdir();
  const at = (name: string) => join(directory, name);
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const init = await runKmipd(directory, 'init', '--home', 'home', '--listen', '127.0.0.1:0');
  t.equal(await init.exited(), 0);
  // The daemon of a home is notified; a command with another home is like one on another node.
  cpSync(at('home'), at('other'), { recursive: true });
  const daemon = new KmipdProcess(['serve', '--home', 'home'], { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const client = join(directory, 'client');
  cpSync(join(at('home'), 'clients', 'demo'), client, { recursive: true });
  const subject = ['-subj', '/CN=own', '-addext', 'keyUsage=digitalSignature', '-days', '9'];
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...pair, ...subject, '-keyout', 'client/key.pem', '-out', 'client/cert.pem');
  const store = ['--store', `sqlite:${join(at('home'), 'kmipd.db')}`];
  const add = await runKmipd(
    directory,
    'client',
    'add',
    'own',
    '--cert',
    'client/cert.pem',
    '--home',
    'other',
    ...store,
  );
  t.equal(await add.exited(), 0, add.combinedOutput);
  let outcome = '';
  while (outcome !== 'permitted') outcome = await tryDestroy(port, client).catch(String);
  t.equal(outcome, 'permitted');
  t.notMatch(daemon.output, /reloaded/, 'nobody told the daemon');
});
