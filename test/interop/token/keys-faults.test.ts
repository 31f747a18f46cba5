import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Create } from '../../../src/operations/creation/create.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { ask, outcome, succeed } from '../../protocol/operations/ask.ts';
import type { TestService } from '../../protocol/service.ts';
import { hardware, isGone, keyAttributes, keysInToken, openKeyHome, over } from './key-home.ts';
import { missing, pin, SoftToken } from './soft-token.ts';
import { makeKeys, readKeys } from './token-home.ts';

/** What clients see of a token that fails, and how kmipd comes back by itself. */

t.setTimeout(600_000);

const Data = new TextEncoder().encode('a text');
const aes = keyAttributes('AES', 256, 'Encrypt', 'Decrypt');
const inactive = { ...aes, attributes: aes.attributes.filter(({ name }) => name !== 'ActivationDate') };

const create = (service: TestService, Attributes = aes) =>
  ask(service, '2.1', Create, {
    ...{ ObjectType: 'SymmetricKey', Attributes, ProtectionStorageMasks: hardware },
  });

t.test('a token with keys of clients', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = await openKeyHome(t, token, { processes: '1' });
  const daemon = await home.start();
  const client = await home.connect();
  const service = over(client);
  const UniqueIdentifier = (await create(service)).payload.UniqueIdentifier;
  const encrypt = () => outcome(service, '2.1', Encrypt, { UniqueIdentifier, Data });
  const untilBack = async (t: { equal(a: unknown, b: unknown): unknown }) => {
    while ((await encrypt()) !== 'Success') await sleep(100);
    t.equal(await encrypt(), 'Success');
  };
  const software = await makeKeys(client, 2);

  const codes = [
    ['CKR_DEVICE_REMOVED', 0x32],
    ['CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['CKR_USER_NOT_LOGGED_IN', 0x101],
    ['CKR_DEVICE_ERROR', 0x30],
    ['CKR_KEY_HANDLE_INVALID', 0x60],
    ['CKR_TOKEN_NOT_PRESENT', 0xe0],
  ] as const;
  for (const [name, code] of codes)
    await t.test(`${name}: tried once more, then one clean error, and back by itself`, async (t) => {
      token.setFaults(`C_Encrypt return ${code} once`);
      t.equal(await encrypt(), 'Success');
      token.setFaults(`C_Encrypt return ${code}`);
      const answer = await ask(service, '2.1', Encrypt, { UniqueIdentifier, Data });
      t.match(answer, { reason: 'GeneralFailure', message: /^the token .* cannot be used now: try again$/ });
      t.equal((await readKeys(client, software)).includes('refused'), false, 'other keys serve');
      token.setFaults();
      await untilBack(t);
    });

  await t.test('a call that the token refuses ends no process', async (t) => {
    const unsupported = [
      ['CKR_ARGUMENTS_BAD', 0x07],
      ['CKR_ATTRIBUTE_VALUE_INVALID', 0x13],
      ['CKR_ACTION_PROHIBITED', 0x1b],
      ['CKR_KEY_SIZE_RANGE', 0x62],
      ['CKR_TEMPLATE_INCONSISTENT', 0xd1],
      ['CKR_DOMAIN_PARAMS_INVALID', 0x130],
    ] as const;
    // The same request may succeed later, so nobody is told that the token does not offer it.
    const refused = [
      ['CKR_GENERAL_ERROR', 0x05],
      ['CKR_DEVICE_MEMORY', 0x31],
      ['CKR_FUNCTION_CANCELED', 0x50],
      ['CKR_KEY_UNEXTRACTABLE', 0x6a],
      ['CKR_BUFFER_TOO_SMALL', 0x150],
      ['CKR_FUNCTION_REJECTED', 0x200],
      ['CKR 0x80000010', 0x8000_0010],
    ] as const;
    const before = home.tokenProcesses;
    const keys = keysInToken(token);
    const answers = async (code: number) => {
      token.setFaults(`C_Encrypt return ${code}`);
      const used = await encrypt();
      token.setFaults(`C_GenerateKey return ${code}`);
      return [used, (await create(service)).reason];
    };
    const never = 'UnsupportedCryptographicParameters';
    for (const [name, code] of unsupported) t.strictSame(await answers(code), [never, never], name);
    for (const [name, code] of refused) {
      t.strictSame(await answers(code), ['GeneralFailure', 'GeneralFailure'], name);
      await daemon.waitForOutput(new RegExp(`"the token \\S+ cannot be used: \\S.* returned ${name}"`));
    }
    token.setFaults(`C_Encrypt return ${0x90} once`);
    t.equal(await encrypt(), 'Success', 'CKR_OPERATION_ACTIVE: a new session in the same process');
    token.setFaults();
    t.equal(await encrypt(), 'Success');
    t.strictSame(home.tokenProcesses, before);
    t.strictSame(keysInToken(token), keys);
  });

  await t.test('an HMAC key of a size that the token does not use is not made', async (t) => {
    const before = [home.tokenProcesses, keysInToken(token)];
    const short = keyAttributes('HMAC_SHA256', 112, 'MACGenerate');
    t.equal((await create(service, short)).reason, 'UnsupportedCryptographicParameters');
    t.strictSame([home.tokenProcesses, keysInToken(token)], before);
  });

  await t.test('a ciphertext that is wrong ends no process', async (t) => {
    const [before] = home.tokenProcesses;
    const sealed = await succeed(service, '2.1', Encrypt, { UniqueIdentifier, Data });
    for (let at = 0; at < 8; at++) {
      const wrong = { ...sealed, AuthenticatedEncryptionTag: new Uint8Array(16).fill(at) };
      t.equal(await outcome(service, '2.1', Decrypt, wrong), 'CryptographicFailure');
    }
    t.strictSame(home.tokenProcesses, [before]);
  });

  await t.test('a process that is killed, at rest and in a call', async (t) => {
    for (const pid of home.tokenProcesses) process.kill(pid, 'SIGKILL');
    t.equal(await encrypt(), 'Success');
    token.setFaults('C_Encrypt wait');
    const answer = encrypt();
    while (!existsSync(token.path('faults.waiting'))) await sleep(20);
    for (const pid of home.tokenProcesses) process.kill(pid, 'SIGKILL');
    token.setFaults();
    t.equal(await answer, 'Success');
    token.setFaults('C_Encrypt crash');
    t.equal(await encrypt(), 'GeneralFailure');
    token.setFaults();
    await untilBack(t);
  });

  await t.test('a process that is stopped: the call ends in time, and nothing else waits', async (t) => {
    for (const pid of home.tokenProcesses) process.kill(pid, 'SIGSTOP');
    const other = await home.connect();
    const order: string[] = [];
    const answer = encrypt().then((reason) => order.push(reason));
    for (let at = 0; at < 20; at++) await readKeys(other, software);
    order.push('20 reads of other keys');
    await answer;
    t.strictSame(order, ['20 reads of other keys', 'GeneralFailure']);
    await other.close();
    await untilBack(t);
  });

  await t.test('a process that ends while it makes a key leaves none in the token', async (t) => {
    const before = keysInToken(token);
    token.setFaults('after-C_GenerateKey crash');
    t.equal((await create(service)).reason, 'GeneralFailure');
    token.setFaults();
    await untilBack(t);
    // The record of the key stays for the background, which waits for the token.
    while (keysInToken(token).length > before.length) await sleep(200);
    t.strictSame(keysInToken(token), before);
  });

  await t.test('Destroy while the token fails: the key goes when it is back', async (t) => {
    const { UniqueIdentifier: own } = (await create(service, inactive)).payload;
    const before = keysInToken(token);
    token.setFaults('C_DestroyObject return 48');
    t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: own }), 'Success');
    await daemon.waitForOutput(/C_DestroyObject returned CKR_DEVICE_ERROR/);
    t.equal(keysInToken(token).length, before.length);
    token.setFaults();
    await isGone(token, before);
  });

  await t.test('a key that the token keeps holds up no other, and ends no process', async (t) => {
    const before = home.tokenProcesses;
    for (const [name, code] of [
      ['CKR_GENERAL_ERROR', 0x05],
      ['CKR_FUNCTION_FAILED', 0x06],
    ] as const) {
      const { UniqueIdentifier: own } = (await create(service, inactive)).payload;
      token.setFaults(`C_DestroyObject return ${code}`);
      t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: own }), 'Success');
      await daemon.waitForOutput(
        new RegExp(`key [0-9a-f]{32} was not removed: C_DestroyObject returned ${name}`),
      );
      token.setFaults();
    }
    const { UniqueIdentifier: last } = (await create(service, inactive)).payload;
    const keys = keysInToken(token);
    t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: last }), 'Success');
    await isGone(token, keys);
    t.strictSame(home.tokenProcesses, before);
  });

  await t.test('a daemon that is killed after Destroy removes the key at its next start', async (t) => {
    const { UniqueIdentifier: own } = (await create(service, inactive)).payload;
    const before = keysInToken(token);
    token.setFaults('C_DestroyObject return 48');
    t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: own }), 'Success');
    await client.close();
    await home.end('SIGKILL');
    token.setFaults();
    t.equal(keysInToken(token).length, before.length);
    await home.start();
    await isGone(token, before);
  });
  await home.end();

  await t.test('CKR_PIN_LOCKED: no login is tried until an operator asks', async (t) => {
    await home.start();
    const reader = await home.connect();
    const own = over(reader);
    const ask = () => outcome(own, '2.1', Encrypt, { UniqueIdentifier, Data });
    t.equal(await ask(), 'Success');
    const logins = token.logins.length;
    token.setFaults(`C_Encrypt return ${0xa4} once`);
    t.equal(await ask(), 'GeneralFailure');
    for (let at = 0; at < 5; at++) t.equal(await ask(), 'GeneralFailure');
    t.equal(token.logins.length, logins);
    t.match((await home.kmipd('vault', 'status')).output, /refused/);
    t.match(await home.kmipd('vault', 'token', 'login'), { code: 0, output: /the token can be used/ });
    t.equal(await ask(), 'Success');
    await reader.close();
    await home.end();
  });

  await t.test('a token that is away at the start, or has another PIN', async (t) => {
    token.remove();
    const daemon = await home.start();
    await daemon.waitForOutput(/the token of keys is down/);
    t.equal(await home.tokenUp(), '0');
    const reader = await home.connect();
    const own = over(reader);
    const ask = () => outcome(own, '2.1', Encrypt, { UniqueIdentifier, Data });
    t.equal((await readKeys(reader, software)).includes('refused'), false);
    t.equal(await ask(), 'GeneralFailure');
    token.putBack();
    await daemon.waitForOutput(/the token of keys is up/);
    t.equal(await ask(), 'Success');
    await reader.close();
    await home.end();
    token.writePin('00000000');
    const logins = token.logins.length;
    const refused = await home.start();
    await refused.waitForOutput(/the token of keys has refused the login/);
    t.equal(token.logins.length, logins + 1);
    token.writePin(pin);
    await refused.waitForOutput(/the token of keys is up/);
    await home.end();
  });

  await t.test('a token that chooses the IV itself', async (t) => {
    token.setFaults('own-iv');
    await home.start();
    const reader = await home.connect();
    const own = over(reader);
    const first = await succeed(own, '2.1', Encrypt, { UniqueIdentifier, Data });
    const second = await succeed(own, '2.1', Encrypt, { UniqueIdentifier, Data });
    t.not(first.IVCounterNonce?.toHex(), second.IVCounterNonce?.toHex());
    t.same((await succeed(own, '2.1', Decrypt, first)).Data, Data);
    const stated = { UniqueIdentifier, Data, IVCounterNonce: new Uint8Array(12).fill(1) };
    t.equal(await outcome(own, '2.1', Encrypt, stated), 'UnsupportedCryptographicParameters');
    await reader.close();
  });
});
