import { readFileSync } from 'node:fs';
import t from 'tap';
import { missing, SoftToken } from './soft-token.ts';
import { Load, makeKeys, readKeys, TokenHome } from './token-home.ts';

/** A daemon whose root is in a token, and what its clients see of failures of the token: nothing. */

t.setTimeout(600_000);

const keys = 1_000;

t.test('a home with its root in a token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = new TokenHome(t, token);
  const made = await home.initialise();
  t.equal(made.code, 0, made.output);
  const first = await home.start();
  const client = await home.connect();
  const ids = await makeKeys(client, keys);
  const before = await readKeys(client, ids);
  await client.close();
  t.notOk(before.includes('refused'));
  t.equal(await home.end(), 0);
  t.same(first.errors, '');

  await t.test('opens its keys again after a restart', async (t) => {
    await home.start();
    const reader = await home.connect();
    t.strictSame(await readKeys(reader, ids), before);
    await reader.close();
    t.match(await home.kmipd('check-config'), { code: 0, output: /: ok\n/ });
    t.match(await home.kmipd('verify'), { code: 0 });
    const status = await home.kmipd('vault', 'status');
    t.match(status.output, /^root +[0-9a-f]{16} +live +\S+Z +pkcs11:token=kmipd;object=root\?/m);
    t.match(status.output, /^token +up +\S+Z +pkcs11:token=kmipd;object=root\?/m);
    t.match(JSON.parse((await home.kmipd('vault', 'status', '--json')).output).tokens, [
      { state: 'up', reason: '', uri: token.uriText(), since: /Z$/ },
    ]);
    t.equal(await home.tokenUp(), '1');
    t.match(await home.kmipd('vault', 'rotate'), { code: 0, output: /^epoch 2 has begun/ });
  });

  await t.test('loads no library of the vendor', async (t) => {
    const daemon = await restart(home);
    const [pid] = home.tokenProcesses;
    const libraries = /pkcs11\.node|softhsm|faulty\.so/;
    t.match(readFileSync(`/proc/${pid}/maps`, 'latin1'), libraries, 'the process of the token does');
    t.notMatch(readFileSync(`/proc/${daemon.pid}/maps`, 'latin1'), libraries);
  });

  await t.test('serves while the process of the token is killed, and has another one', async (t) => {
    const daemon = await restart(home);
    const load = new Load(await home.connect(), ids);
    for (let round = 0; round < 3; round += 1) {
      const [pid = 0] = home.tokenProcesses;
      const from = daemon.output.length;
      process.kill(pid, 'SIGKILL');
      await daemon.waitForOutput(/the token of the root is down.*ended with SIGKILL/, from);
      await daemon.waitForOutput(/the token of the root is up: pkcs11:token=kmipd;object=root"/, from);
      t.not(home.tokenProcesses[0], pid);
    }
    t.match(await home.kmipd('vault', 'rotate'), { code: 0 });
    t.strictSame(await load.stop(), []);
    t.ok(load.answers > 0);
  });

  await t.test('serves while the process of the token is stopped', async (t) => {
    const daemon = await restart(home);
    const load = new Load(await home.connect(), ids);
    const [pid = 0] = home.tokenProcesses;
    const from = daemon.output.length;
    process.kill(pid, 'SIGSTOP');
    const { answers } = load;
    // It needs the token, waits for its answer, and gives up.
    t.match(await home.kmipd('vault', 'rotate'), {
      code: 1,
      output: /^kmipd: the token kmipd cannot be used: .*(no answer came|did not answer).* within 10 s\n$/,
    });
    t.ok(load.answers > answers, 'the event loop does not wait');
    await daemon.waitForOutput(/the token of the root is down.*the token of the root is up/s, from);
    t.match(await home.kmipd('vault', 'rotate'), { code: 0 });
    t.strictSame(await load.stop(), []);
  });

  await t.test('serves while the token is away, and says so', async (t) => {
    const daemon = await restart(home);
    const load = new Load(await home.connect(), ids);
    token.remove();
    const [pid = 0] = home.tokenProcesses;
    process.kill(pid, 'SIGKILL');
    // The first reason is the end of the process, the second one what the next process has found.
    await daemon.waitForOutput(/the token of the root is down.*(?<!SIGKILL)"/);
    t.match(await home.kmipd('vault', 'rotate'), {
      code: 1,
      output: /^kmipd: the token kmipd cannot be used: (?!C_Login)/,
    });
    t.equal(await home.tokenUp(), '0');
    t.match(await home.fetch('/readyz'), /^ready/, 'its clients are served');
    t.match((await home.kmipd('vault', 'status')).output, /^token +down +\S+Z +\S/m);
    const from = daemon.output.length;
    token.putBack();
    await daemon.reload();
    await daemon.waitForOutput(/the token of the root is up/, from);
    t.equal(await home.tokenUp(), '1');
    t.match(await home.kmipd('vault', 'rotate'), { code: 0 });
    t.strictSame(await load.stop(), []);
  });

  await t.test('logs out when the operator wants it, and in for each use', async (t) => {
    home.configure('tokenIdleSeconds', '0');
    const daemon = await restart(home);
    await daemon.waitForOutput(/kmipd has logged out of the token of the root, which was idle/);
    t.match((await home.kmipd('vault', 'status')).output, /^token +idle +/m);
    t.equal(await home.tokenUp(), '1');
    const from = daemon.output.length;
    t.match(await home.kmipd('vault', 'rotate'), { code: 0 });
    await daemon.waitForOutput(/the token of the root is up.*kmipd has logged out/s, from);
    token.remove();
    t.match(await home.kmipd('vault', 'rotate'), { code: 1, output: /the token kmipd cannot be used/ });
    t.equal(await home.tokenUp(), '0', 'one that was needed and away is tried until it is back');
    token.putBack();
    t.match(await home.kmipd('vault', 'rotate'), { code: 0 });
    t.equal(await home.end(), 0);
  });
});

async function restart(home: TokenHome) {
  await home.end();
  return home.start();
}
