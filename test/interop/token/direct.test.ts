import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Client } from '../../client.ts';
import { activate, ask, attributes, create, get } from '../../faults/messages.ts';
import { missing, pin, SoftToken, softhsm } from './soft-token.ts';
import { Load, makeKeys, readKeys, TokenHome } from './token-home.ts';

/** Values under data keys that a token of SoftHSM2 wraps, by a real daemon. */

t.setTimeout(600_000);

const refused = /the token that protects the value cannot be used now: try again/;
const pauseMilliseconds = 50;

/** Asks for a key until its value comes; each refusal on the way is the one line for clients. */
async function readUntilBack(t: Test, client: Client, id: string): Promise<void> {
  for (;;) {
    const [answer] = await ask(client, [get(id)]);
    if (answer?.ok === true) return;
    t.match(answer?.message, refused);
    await sleep(pauseMilliseconds);
  }
}

t.test('direct mode', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = new TokenHome(t, token);
  t.match(await home.initialise(), { code: 0 });
  await home.start();
  const first = await home.connect();
  const [early = ''] = await makeKeys(first, 1);
  await first.close();
  home.configure('values', '"direct"');
  t.equal(await home.end(), 0);
  await home.start();
  const client = await home.connect();
  const ids = [early, ...(await makeKeys(client, 20))];
  const values = await readKeys(client, ids);
  const [id = ''] = ids.slice(1);
  // The first one wraps the keyring.
  const valueProcesses = () => home.tokenProcesses.toSorted((a, b) => a - b).slice(1);

  await t.test('wraps the keys of new values in the token, and moves others by a rewrap', async (t) => {
    t.match((await home.kmipd('vault', 'status')).output, /^values +to be moved +1, by kmipd vault rewrap$/m);
    t.match(await home.kmipd('vault', 'rewrap', '--fast'), { code: 0 });
    const { output } = await home.kmipd('vault', 'status');
    t.match(output, /^values +direct +mode of new values +21 values under [0-9a-f]{16}$/m);
    t.match(output, /^values +envelope +0 values$/m);
    t.notMatch(output, /to be moved/);
    t.strictSame(await readKeys(client, ids), values);
    t.match(await home.kmipd('verify'), { code: 0 });
  });

  await t.test('opens all after a restart', async (t) => {
    await client.close();
    t.equal(await home.end(), 0);
    await home.start();
    const again = await home.connect();
    t.strictSame(await readKeys(again, ids), values);
    await again.close();
  });

  await t.test('survives each process of the token that is killed', async (t) => {
    const again = await home.connect();
    t.teardown(() => again.close());
    for (let round = 0; round < 5; round += 1) {
      await readUntilBack(t, again, id);
      const pids = valueProcesses();
      t.ok(pids.length >= 1);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      t.equal((await ask(again, [attributes(id)]))[0]?.ok, true);
      await readUntilBack(t, again, id);
    }
  });

  await t.test(
    'answers in one line when the processes are stopped, and serves all else meanwhile',
    async (t) => {
      const [again, other] = [await home.connect(), await home.connect()];
      t.teardown(() => Promise.all([again.close(), other.close()]));
      await readUntilBack(t, again, id);
      for (const pid of valueProcesses()) process.kill(pid, 'SIGSTOP');
      let isAnswered = false;
      const asked = ask(again, [get(id)]).finally(() => {
        isAnswered = true;
      });
      for (let at = 0; at < 50; at += 1) {
        t.equal((await ask(other, [attributes(id)]))[0]?.ok, true);
        await sleep(1);
      }
      t.notOk(isAnswered, 'the token has not answered');
      const [answer] = await asked;
      if (answer?.ok !== true) t.match(answer?.message, refused);
      await readUntilBack(t, again, id);
    },
  );

  for (const [name, code] of [
    ['CKR_DEVICE_REMOVED', 0x32],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['CKR_USER_NOT_LOGGED_IN', 0x101],
    ['CKR_DEVICE_ERROR', 0x30],
    ['CKR_PIN_LOCKED', 0xa4],
  ] as const)
    await t.test(`answers in one line while the token returns ${name}`, async (t) => {
      const again = await home.connect();
      t.teardown(() => again.close());
      await readUntilBack(t, again, id);
      token.setFaults(`C_UnwrapKey return ${code}`, `C_WrapKey return ${code}`);
      const [read, made] = [await ask(again, [get(id)]), await ask(again, [create(name)])];
      for (const [answer] of [read, made]) {
        t.equal(answer?.ok, false);
        t.match(answer?.message, refused);
      }
      const [state, changed] = await ask(again, [attributes(id), activate(ids.at(-1))]);
      t.match([state?.ok, changed === undefined], [true, false]);
      t.equal(await home.tokenUp(), '0');
      token.setFaults();
      // No login is tried before an operator asks, when the PIN may be locked.
      if (name === 'CKR_PIN_LOCKED') t.match(await home.kmipd('vault', 'token', 'login'), { code: 0 });
      await readUntilBack(t, again, id);
      t.equal(await home.tokenUp(), '1');
    });

  await t.test('answers in one line while the token is gone', async (t) => {
    const again = await home.connect();
    t.teardown(() => again.close());
    token.remove();
    for (const pid of valueProcesses()) process.kill(pid, 'SIGKILL');
    const [answer] = await ask(again, [get(id)]);
    t.match(answer?.message, refused);
    t.equal((await ask(again, [attributes(id)]))[0]?.ok, true);
    token.putBack();
    await readUntilBack(t, again, id);
    t.strictSame(await readKeys(again, ids), values);
  });

  await t.test('moves to another key under load, and leaves no value behind', async (t) => {
    const load = new Load(await home.connect(), ids);
    const moved = await home.kmipd('vault', 'change-root', token.uriText(';object=other'));
    t.equal(moved.code, 0, moved.output);
    t.match(moved.output, /the values whose keys the former token wraps are sealed under the new one/);
    t.same(await load.stop(), []);
    t.ok(load.answers > 0);
    const { output } = await home.kmipd('vault', 'status');
    t.equal([...output.matchAll(/^values +direct/gm)].length, 1, output);
    t.notMatch(output, /to be moved/);
    const back = await home.kmipd('vault', 'change-root', `file:${home.directory}/root.key`);
    t.match(back, { code: 1, output: /values are sealed in direct mode, which needs a root in a token/ });
  });

  await t.test('goes back to the envelope mode by a reload and a rewrap', async (t) => {
    home.configure('values', '"envelope"');
    t.match(await home.reload(), /configuration reloaded/);
    t.match(await home.kmipd('vault', 'status'), {
      output: /^values +to be moved +\d+, by kmipd vault rewrap$/m,
    });
    t.match(await home.kmipd('vault', 'rewrap', '--fast'), { code: 0 });
    const again = await home.connect();
    token.setFaults('C_UnwrapKey return 48', 'C_WrapKey return 48');
    t.strictSame(await readKeys(again, ids), values, 'without the token');
    token.setFaults();
    await again.close();
    t.match(await home.kmipd('verify'), { code: 0 });
    const back = await home.kmipd('vault', 'change-root', `file:${home.directory}/root.key`);
    t.equal(back.code, 0, back.output);
    t.equal(await home.end(), 0);
  });
});

t.test('direct mode with a key of RSA is refused', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  token.run(
    'pkcs11-tool',
    ...['--module', softhsm, '--token-label', 'kmipd', '--login', '--pin', pin],
    ...['--keypairgen', '--key-type', 'rsa:2048', '--label', 'pair', '--usage-decrypt'],
  );
  const home = new TokenHome(t, token);
  const made = await home.initialise(token.uriText(';object=pair;type=private'));
  t.equal(made.code, 0, made.output);
  home.configure('values', '"direct"');
  const daemon = home.serve();
  t.equal(await daemon.exited(), 1);
  t.match(daemon.combinedOutput, /values = "direct" needs an AES key in the token: with RSA-2048/);
});
