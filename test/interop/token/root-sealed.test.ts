import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { missing, pin, SoftToken } from './soft-token.ts';
import { makeKeys, readKeys, TokenHome } from './token-home.ts';

/** A daemon that cannot open its root at the start: the token is away, fails, or refuses the login. */

t.setTimeout(600_000);

t.test('a daemon whose root is in a token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = new TokenHome(t, token);
  const made = await home.initialise();
  t.equal(made.code, 0, made.output);
  await home.start();
  const client = await home.connect();
  const ids = await makeKeys(client, 3);
  const before = await readKeys(client, ids);
  await client.close();
  const logFile = token.path('faults.log');
  t.beforeEach(async () => {
    await home.end();
    token.setFaults();
    token.writePin(pin);
    rmSync(logFile, { force: true });
  });
  const read = async (port: number) => {
    const reader = await home.connect(port);
    const keys = await readKeys(reader, ids);
    await reader.close();
    return keys;
  };

  await t.test('is sealed while the token is away, and unsealed when it returns', async (t) => {
    token.remove();
    const daemon = home.serve();
    const { port } = await daemon.sealed();
    t.match(daemon.output, /^sealed: the token kmipd cannot be used: \S/m);
    t.notMatch(daemon.output, / ready on /);
    t.match((await read(port))[0], 'refused');
    t.equal(await home.tokenUp(), '0');
    t.match(await home.fetch('/readyz'), 'its root (pkcs11) is not available; its token is down\n');
    t.match(
      (await home.kmipd('vault', 'status')).output,
      /^sealed: the token .*\nroot: .*\ntoken: {2}down since /,
    );
    t.match(await home.kmipd('vault', 'rotate'), {
      code: 1,
      output: /^kmipd: the vault is sealed: the token/,
    });
    t.match(await home.kmipd('vault', 'token', 'login'), {
      code: 1,
      output: /^kmipd: the token kmipd cannot/,
    });
    token.putBack();
    await daemon.ready();
    await daemon.waitForOutput(/the vault is unsealed/);
    t.strictSame(await read(port), before);
    t.equal(await home.tokenUp(), '1');
  });

  for (const [name, code] of [
    ['CKR_DEVICE_REMOVED', 0x32],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['CKR_USER_NOT_LOGGED_IN', 0x101],
    ['CKR_DEVICE_ERROR', 0x30],
    ['CKR_GENERAL_ERROR', 0x05],
  ] as const) {
    await t.test(`does not notice one ${name} while it unseals`, async (t) => {
      token.setFaults(`C_UnwrapKey return ${code} once`);
      const daemon = home.serve();
      const { port } = await daemon.ready();
      t.notOk(existsSync(token.path('faults')), 'it was returned');
      t.strictSame(await read(port), before);
    });

    await t.test(`is sealed while the token returns ${name}, and unsealed afterwards`, async (t) => {
      token.setFaults(`C_UnwrapKey return ${code}`);
      const daemon = home.serve();
      const { port } = await daemon.sealed();
      t.match(daemon.output, new RegExp(`^sealed: the token kmipd cannot be used: .*${name}`, 'm'));
      token.setFaults();
      await daemon.ready();
      t.strictSame(await read(port), before);
    });
  }

  await t.test('logs in no more after CKR_PIN_LOCKED, until an operator asks', async (t) => {
    token.setFaults('C_UnwrapKey return 164');
    const daemon = home.serve();
    const { port } = await daemon.sealed();
    t.match(
      daemon.output,
      /^sealed: the token kmipd cannot be used: .*CKR_PIN_LOCKED; no login is tried again/m,
    );
    token.setFaults();
    const { length } = token.logins;
    await daemon.reload();
    t.equal(token.logins.length, length, 'SIGHUP does not ask for a login');
    t.match(await home.kmipd('vault', 'token', 'login'), {
      code: 0,
      output: 'the token can be used; the vault is unsealed\n',
    });
    t.strictSame(await read(port), before);
  });

  await t.test('tries a wrong PIN once, whatever is started, until an operator asks', async (t) => {
    token.writePin('13572468');
    for (let start = 0; start < 3; start += 1) {
      const daemon = home.serve();
      await daemon.sealed();
      t.match(
        daemon.output,
        /^sealed: the token kmipd cannot be used: C_Login returned CKR_PIN_INCORRECT.*; no login is tried again until you ask for it: write the right PIN to \S+pin, or run kmipd vault token login --home \S+$/m,
      );
      await daemon.reload();
      t.equal(daemon.output.match(/the vault is sealed, only/g)?.length, 1, 'one line');
      t.equal(daemon.output.match(/the token of the root has refused the login/g)?.length, 1);
      t.match(await home.fetch('/readyz'), /its token refuses the login until an operator asks/);
      t.match((await home.kmipd('vault', 'status')).output, /^token: {2}refused since /m);
      await home.end();
      t.match(await home.kmipd('client', 'list'), { code: 1, output: /CKR_PIN_INCORRECT/ });
      t.match(await home.kmipd('check-config'), { code: 1, output: /CKR_PIN_INCORRECT/ });
      t.match(await home.kmipd('vault', 'status'), { code: 0, output: /^token: {2}refused since /m });
    }
    t.same(token.logins, ['0xa0'], 'one failed login');

    t.match(await home.kmipd('vault', 'token', 'login'), { code: 1, output: /CKR_PIN_INCORRECT/ });
    t.equal(token.logins.length, 2, 'asked once without a daemon, tried once');
    const daemon = home.serve();
    const { port } = await daemon.sealed();
    t.match(await home.kmipd('vault', 'token', 'login'), { code: 1, output: /CKR_PIN_INCORRECT/ });
    t.equal(token.logins.length, 3, 'asked once of the daemon, tried once');
    token.writePin(pin);
    await daemon.ready();
    t.same(token.logins, ['0xa0', '0xa0', '0xa0', '0x0'], 'another PIN in its file asks as well');
    t.strictSame(await read(port), before);
    t.same(home.loginNotes, [], 'nothing is left of it');
    t.notMatch(daemon.combinedOutput, pin);
  });

  await t.test('tries again when the note of the refused login is removed', async (t) => {
    token.setFaults('C_Login return 160');
    const daemon = home.serve();
    await daemon.sealed();
    token.setFaults();
    await daemon.reload();
    t.same(token.logins, ['0xa0']);
    for (const note of home.loginNotes) rmSync(note);
    await daemon.ready();
    t.same(token.logins, ['0xa0', '0x0']);
  });

  await t.test('waits for the login of a command, and does not try a PIN that was wrong there', async (t) => {
    token.setFaults('after-login wait');
    token.writePin('13572468');
    const checking = home.kmipd('check-config');
    while (token.logins.length === 0) await sleep(20);
    t.match(readFileSync(home.loginNotes[0] ?? '', 'utf8'), '"state":"unknown"');
    const daemon = home.serve();
    const hasLibrary = (pid: number) => /faulty\.so/.test(readFileSync(`/proc/${pid}/maps`, 'latin1'));
    while (!home.tokenProcesses.some(hasLibrary)) await sleep(20);
    // A login of the daemon would follow at once.
    await sleep(500);
    // Removes the file for which the library waits.
    rmSync(token.path('faults'));
    t.match(await checking, { code: 1, output: /CKR_PIN_INCORRECT/ });
    await daemon.sealed();
    t.match(daemon.output, /^sealed: .*CKR_PIN_INCORRECT/m);
    t.same(token.logins, ['0xa0']);
  });

  await t.test('ends while the token does not answer, without waiting for it', async (t) => {
    token.remove();
    const daemon = home.serve();
    await daemon.sealed();
    token.setFaults('C_UnwrapKey hang once');
    token.putBack();
    // The library removes the file when it begins to hang.
    while (existsSync(token.path('faults'))) await sleep(20);
    t.equal(await home.end(), 0);
    t.notMatch(daemon.combinedOutput, /did not answer|a bug/);
    t.same(home.tokenProcesses, []);
  });
});
