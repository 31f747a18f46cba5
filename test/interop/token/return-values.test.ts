import t from 'tap';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { makeSecret, missing, SoftToken } from './soft-token.ts';

/** What becomes of a call when the library returns a code once, and when it always does. */
const codes: readonly {
  name: string;
  code: number;
  function: string;
  recovery: 'login' | 'process' | 'none';
}[] = [
  { name: 'CKR_SESSION_HANDLE_INVALID', code: 0xb3, function: 'C_WrapKey', recovery: 'login' },
  { name: 'CKR_SESSION_CLOSED', code: 0xb0, function: 'C_WrapKey', recovery: 'login' },
  { name: 'CKR_USER_NOT_LOGGED_IN', code: 0x101, function: 'C_WrapKey', recovery: 'login' },
  { name: 'CKR_KEY_HANDLE_INVALID', code: 0x60, function: 'C_WrapKey', recovery: 'login' },
  { name: 'CKR_SESSION_HANDLE_INVALID', code: 0xb3, function: 'C_UnwrapKey', recovery: 'login' },
  { name: 'CKR_DEVICE_REMOVED', code: 0x32, function: 'C_WrapKey', recovery: 'process' },
  { name: 'CKR_DEVICE_ERROR', code: 0x30, function: 'C_WrapKey', recovery: 'process' },
  { name: 'CKR_TOKEN_NOT_PRESENT', code: 0xe0, function: 'C_WrapKey', recovery: 'process' },
  { name: 'CKR_GENERAL_ERROR', code: 0x05, function: 'C_WrapKey', recovery: 'process' },
  { name: 'CKR_DEVICE_ERROR', code: 0x30, function: 'C_UnwrapKey', recovery: 'process' },
  { name: 'CKR 0x80000001', code: 0x8000_0001, function: 'C_WrapKey', recovery: 'process' },
  { name: 'CKR_PIN_LOCKED', code: 0xa4, function: 'C_WrapKey', recovery: 'none' },
];

t.test('a library that returns', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const made = token.client(t);
  await made.open();
  const wrapped = await made.wrap(makeSecret());
  await made.close();

  for (const { name, code, function: called, recovery } of codes) {
    await t.test(`${name} for ${called}: ${recovery}`, async (t) => {
      token.setFaults();
      const client = token.client(t);
      await client.open();
      const { pid } = client;
      const logins = token.logins.length;
      const call = async () =>
        called === 'C_WrapKey'
          ? void (await client.wrap(makeSecret()))
          : t.same(await client.unwrap(wrapped), makeSecret());
      token.setFaults(`${called} return ${code} once`);
      if (recovery === 'none') {
        await t.rejects(call(), { constructor: VaultUnavailableError, message: new RegExp(name) });
        t.equal(client.health.state, 'refused');
        t.equal(token.logins.length, logins, 'no login is tried');
        return;
      }
      await call();
      t.equal(token.logins.length, logins + 1, 'one more login');
      t.equal(client.pid === pid, recovery === 'login', recovery);

      // The choice of the mechanism fails too when it always happens, so no process comes up again.
      token.setFaults(`${called} return ${code}`);
      await t.rejects(call(), { constructor: VaultUnavailableError, message: new RegExp(name) });
      const from = client.seen.length;
      token.setFaults();
      if (client.health.state !== 'up') await client.waitFor('up', from);
      await call();
    });
  }

  await t.test('CKR_TOKEN_NOT_PRESENT for a ping: the health says so', async (t) => {
    token.setFaults();
    const client = token.client(t);
    await client.open();
    token.setFaults(`C_GetSessionInfo return ${0xe0}`);
    await t.rejects(client.ping(), { message: /C_GetSessionInfo returned CKR_TOKEN_NOT_PRESENT/ });
    t.ok(client.seen.some(({ state, reason }) => state === 'down' && /TOKEN_NOT_PRESENT/.test(reason)));
  });
});
