import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { makeSecret, missing, pin, SoftToken } from './soft-token.ts';

/** A wrong PIN costs one attempt at the token, whatever happens. */
t.test('a login', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const refusedLoginFile = token.path('refused-login');
  const made = token.client(t);
  await made.open();
  await made.close();
  t.beforeEach(() => {
    token.setFaults();
    rmSync(refusedLoginFile, { force: true });
    rmSync(token.path('faults.log'), { force: true });
    token.writePin(pin);
  });

  await t.test('with a wrong PIN is tried once, and again when an operator asks', async (t) => {
    token.writePin('13572468');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), {
      message:
        /C_Login returned CKR_PIN_INCORRECT; no login is tried again until you ask for it: write the right PIN to .*pin, or remove .*refused-login$/,
    });
    for (let attempt = 0; attempt < 5; attempt++) {
      await t.rejects(client.wrap(makeSecret()), { message: /CKR_PIN_INCORRECT/ });
      await t.rejects(client.open(), { message: /CKR_PIN_INCORRECT/ });
    }
    t.equal(client.health.state, 'refused');
    await client.close();
    for (let start = 0; start < 5; start++) {
      const restarted = token.client(t, { refusedLoginFile });
      await t.rejects(restarted.open(), { message: /CKR_PIN_INCORRECT/ });
      await restarted.close();
    }
    t.same(token.logins, ['0xa0'], 'one failed login in six lives of the daemon');
    t.notMatch(readFileSync(refusedLoginFile, 'utf8'), '13572468');

    const asked = token.client(t, { refusedLoginFile });
    await t.rejects(asked.retryLogin(), { message: /CKR_PIN_INCORRECT/ });
    t.same(token.logins, ['0xa0', '0xa0'], 'asked once, tried once');
    token.writePin(pin);
    await asked.open();
    t.same(token.logins.slice(2), ['0x0'], 'another PIN file asks as well');
    t.notOk(existsSync(refusedLoginFile));
    t.ok(await asked.wrap(makeSecret()));
  });

  await t.test('is not tried when the token warns that one more failure locks the PIN', async (t) => {
    token.setFaults('token flags 0x20000');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /one more failed login would lock the PIN/ });
    t.same(token.logins, []);
    await client.retryLogin();
    t.same(token.logins, ['0x0'], 'the operator has asked');
    t.equal(client.health.state, 'up');
    // What he has asked for was one login.
    process.kill(client.pid as number, 'SIGKILL');
    await client.waitFor('refused');
    t.same(token.logins, ['0x0']);
  });

  await t.test('is not tried when the PIN is locked, even when asked', async (t) => {
    token.setFaults('token flags 0x40000');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /the PIN is locked at the token/ });
    await t.rejects(client.retryLogin(), { message: /the PIN is locked at the token/ });
    t.same(token.logins, []);
  });

  await t.test('that crashed the library after the token had counted it is not repeated', async (t) => {
    token.writePin('13572468');
    token.setFaults('after-login crash', 'token flags 0x10000');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /its process ended with SIGSEGV/ });
    t.match((await client.waitFor('refused')).reason, /ended without an answer, and the token has counted/);
    t.same(token.logins, ['0xa0']);
  });

  await t.test('that ended without an answer is repeated while the token counts no failure', async (t) => {
    token.setFaults('after-login crash once');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /its process ended with SIGSEGV/ });
    await client.waitFor('up');
    t.same(token.logins, ['0x0', '0x0']);
  });

  await t.test('is not tried without a note of it', async (t) => {
    writeFileSync(refusedLoginFile, 'something else');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /this is no note of kmipd about a login; remove it/ });
    await client.close();
    const unwritable = token.client(t, { refusedLoginFile: token.path('absent/refused-login') });
    await t.rejects(unwritable.open(), { message: /ENOENT/ });
    t.same(token.logins, []);
  });

  await t.test('is not tried with a PIN that others can read, or none', async (t) => {
    const file = token.path('pin');
    const problems: readonly [() => void, RegExp][] = [
      [() => chmodSync(file, 0o640), /has mode 0640, others can read it: chmod 600 it/],
      [() => renameSync(file, token.path('moved')), /there is no such file/],
      [() => token.writePin(''), /is not one line of 1 to 255 bytes/],
      [() => token.writePin('one\ntwo'), /is not one line/],
      [() => token.writePin('9'.repeat(256)), /is not one line/],
    ];
    for (const [spoil, message] of problems) {
      rmSync(file, { force: true });
      token.writePin(pin);
      spoil();
      const client = token.client(t, { refusedLoginFile });
      await t.rejects(client.open(), { message });
      t.notMatch(client.health.reason, pin);
      await client.close();
    }
    t.same(token.logins, []);
  });

  // Libraries differ in what they say of a wrong PIN, and many tokens have no flag for a failure.
  for (const [name, code] of [
    ['CKR_GENERAL_ERROR', 0x05],
    ['CKR_FUNCTION_FAILED', 0x06],
    ['CKR_ARGUMENTS_BAD', 0x07],
    ['CKR_PIN_INVALID', 0xa1],
    ['CKR_PIN_LEN_RANGE', 0xa2],
    ['CKR_PIN_EXPIRED', 0xa3],
    ['CKR_PIN_LOCKED', 0xa4],
    ['CKR_USER_PIN_NOT_INITIALIZED', 0x102],
    ['CKR 0x80000005', 0x8000_0005],
    ['CKR 0x4711', 0x4711],
  ] as const)
    for (const flags of ['0', '0x10000'])
      await t.test(`that returns ${name} is not repeated, flags ${flags}`, async (t) => {
        token.setFaults(`C_Login return ${code}`, `token flags ${flags}`);
        const client = token.client(t, { refusedLoginFile });
        await t.rejects(client.open(), { message: new RegExp(`C_Login returned ${name}`) });
        t.equal(client.health.state, 'refused');
        await t.rejects(client.wrap(makeSecret()), { message: new RegExp(name) });
        await client.close();
        const restarted = token.client(t, { refusedLoginFile });
        await t.rejects(restarted.open(), { message: new RegExp(name) });
        t.equal(token.logins.length, 1);
        token.setFaults();
        await restarted.retryLogin();
        t.equal(token.logins.length, 2, 'the operator has asked');
        t.notOk(existsSync(refusedLoginFile));
      });

  for (const [name, code] of [
    ['CKR_HOST_MEMORY', 0x02],
    ['CKR_DEVICE_ERROR', 0x30],
    ['CKR_DEVICE_REMOVED', 0x32],
    ['CKR_SESSION_CLOSED', 0xb0],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['CKR_TOKEN_NOT_PRESENT', 0xe0],
  ] as const) {
    await t.test(`that returns ${name} is repeated`, async (t) => {
      token.setFaults(`C_Login return ${code} once`);
      const client = token.client(t, { refusedLoginFile });
      await t.rejects(client.open(), { message: new RegExp(`C_Login returned ${name}`) });
      await client.waitFor('up');
      t.same(token.logins, [`0x${code.toString(16)}`, '0x0']);
      t.notOk(existsSync(refusedLoginFile));
    });

    await t.test(`that returns ${name} is not repeated once the token counts a failure`, async (t) => {
      token.setFaults(`C_Login return ${code}`, 'token flags 0x10000');
      const client = token.client(t, { refusedLoginFile });
      await t.rejects(client.open(), { message: /and the token counts a failed login; no login is tried/ });
      t.equal(client.health.state, 'refused');
      t.equal(token.logins.length, 1);
    });
  }

  await t.test('that an operator asks for is one attempt, also if it does not come so far', async (t) => {
    token.setFaults('C_Login return 160');
    const client = token.client(t, { refusedLoginFile });
    await t.rejects(client.open(), { message: /CKR_PIN_INCORRECT/ });
    token.remove();
    t.teardown(() => existsSync(token.path('away')) && token.putBack());
    await t.rejects(client.retryLogin(), { message: /C_Initialize returned CKR_GENERAL_ERROR/ });
    token.putBack();
    // The next attempts find the token, and the login that was refused.
    await client.waitFor('refused', client.seen.length);
    t.same(token.logins, ['0xa0'], 'what he has asked for is over');
  });

  await t.test('that an operator asks for is not the attempt that runs already', async (t) => {
    token.setFaults('token flags 0x20000');
    const client = token.client(t, { refusedLoginFile });
    const running = client.open();
    const asked = client.retryLogin();
    await t.rejects(running, { message: /one more failed login would lock the PIN/ });
    await asked;
    t.same(token.logins, ['0x0']);
  });

  await t.test('is tried by one of several clients of a home at a time', async (t) => {
    token.setFaults('after-login wait');
    token.writePin('13572468');
    const clients = [1, 2, 3].map(() => token.client(t, { refusedLoginFile }));
    const opening = clients.map((client) => client.open());
    const results = Promise.allSettled(opening);
    while (token.logins.length === 0) await sleep(20);
    token.setFaults();
    rmSync(token.path('faults'));
    for (const result of await results)
      t.match(result, { status: 'rejected', reason: { message: /CKR_PIN_INCORRECT/ } });
    t.same(token.logins, ['0xa0']);
  });

  await t.test(
    'with the PIN of a file that was replaced meanwhile says nothing of the new one',
    async (t) => {
      token.setFaults('after-login wait');
      token.writePin('13572468');
      const client = token.client(t, { refusedLoginFile });
      const opening = t.rejects(client.open(), { message: /CKR_PIN_INCORRECT/ });
      while (token.logins.length === 0) await sleep(20);
      rmSync(token.path('pin'));
      token.writePin(pin);
      rmSync(token.path('faults'));
      await opening;
      await client.open();
      t.same(token.logins, ['0xa0', '0x0']);
    },
  );
});
