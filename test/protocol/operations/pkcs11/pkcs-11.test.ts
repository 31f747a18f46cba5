import { createHash } from 'node:crypto';
import t from 'tap';
import { PKCS_11Function } from '../../../../codec/enums.ts';
import type { Principal } from '../../../../src/identity/principal.ts';
import { PKCS_11 } from '../../../../src/operations/pkcs11/pkcs-11.ts';
import { bytes, enumerated, item } from '../../../client.ts';
import { TestService } from '../../service.ts';
import { ask, succeed } from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''));
const ulong = (value: number): string => value.toString(16).padStart(16, '0');
const array = (data: string): string => (data.length / 2).toString(16).padStart(8, '0') + data;
const text = (value: string, length: number): string => Buffer.from(value.padEnd(length)).toString('hex');
const sha256 = (data: string): string => createHash('sha256').update(Buffer.from(data, 'hex')).digest('hex');

/** Return code and output of one call. */
async function call(name: PKCS_11Function, input?: string, correlation?: Uint8Array, group = 'g') {
  const request = {
    PKCS_11Function: name,
    CorrelationValue: correlation,
    PKCS_11InputParameters: input === undefined ? undefined : hex(input),
  };
  const { status, reason, payload } = await ask(service, '2.1', PKCS_11, request, group);
  if (status !== 'Success') return { code: reason, output: undefined, correlation: undefined };
  return {
    code: payload.PKCS_11ReturnCode,
    output: payload.PKCS_11OutputParameters?.toHex(),
    correlation: payload.CorrelationValue,
  };
}

async function application(): Promise<Uint8Array> {
  return (await call('C_Initialize', '01')).correlation as Uint8Array;
}

/** Names of the return codes in these tests. */
const CKR = {
  SLOT_ID_INVALID: 0x3,
  ARGUMENTS_BAD: 0x7,
  NO_EVENT: 0x8,
  FUNCTION_NOT_PARALLEL: 0x51,
  FUNCTION_NOT_SUPPORTED: 0x54,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  SESSION_COUNT: 0xb1,
  SESSION_HANDLE_INVALID: 0xb3,
  SESSION_PARALLEL_NOT_SUPPORTED: 0xb4,
  TOKEN_WRITE_PROTECTED: 0xe2,
  RANDOM_SEED_NOT_SUPPORTED: 0x120,
  BUFFER_TOO_SMALL: 0x150,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
};

t.test('an application lasts from C_Initialize to C_Finalize', async (t) => {
  for (const version of ['2.0', '2.1'] as const) {
    const initialized = await ask(service, version, PKCS_11, {
      PKCS_11Interface: 'PKCS 11',
      PKCS_11Function: 'C_Initialize',
      PKCS_11InputParameters: hex('01'),
    });
    t.equal(
      initialized.fields,
      'PKCS_11Interface PKCS_11Function CorrelationValue PKCS_11ReturnCode',
      version,
    );
    const { CorrelationValue } = initialized.payload;
    const info = await ask(service, version, PKCS_11, { PKCS_11Function: 'C_GetInfo', CorrelationValue });
    t.equal(info.fields, 'PKCS_11Function PKCS_11OutputParameters PKCS_11ReturnCode');
    t.equal(
      info.payload.PKCS_11OutputParameters?.toHex(),
      `0228${text('test', 32)}${ulong(0)}${text('KMIP key management server', 32)}0000`,
    );
    const finalized = await succeed(service, version, PKCS_11, {
      PKCS_11Function: 'C_Finalize',
      CorrelationValue,
    });
    t.same(finalized, { PKCS_11Function: 'C_Finalize', PKCS_11ReturnCode: 'OK' });
    const { code } = await call('C_GetInfo', undefined, CorrelationValue);
    t.equal(code, CKR.CRYPTOKI_NOT_INITIALIZED);
  }
});

t.test('an application belongs to its client and expires when idle', async (t) => {
  const mine = await application();
  t.equal((await call('C_GetInfo')).code, CKR.CRYPTOKI_NOT_INITIALIZED, 'no Correlation Value');
  t.equal(
    (await call('C_GetInfo', '', new Uint8Array(16))).code,
    CKR.CRYPTOKI_NOT_INITIALIZED,
    'an unknown one',
  );
  t.equal((await call('C_GetInfo', '', hex('01'))).code, CKR.CRYPTOKI_NOT_INITIALIZED, 'a short one');
  t.equal((await call('C_GetInfo', '', mine, 'other')).code, CKR.CRYPTOKI_NOT_INITIALIZED, "another group's");
  t.equal((await call('C_Initialize', '01', mine)).code, CKR.CRYPTOKI_ALREADY_INITIALIZED);
  const { now } = service;
  for (let hour = 0; hour < 4; hour++) {
    service.now += 1_800_000;
    t.equal((await call('C_GetInfo', '', mine)).code, 'OK', 'each call makes it last');
  }
  service.now += 3_600_000;
  t.equal((await call('C_GetInfo', '', mine)).code, CKR.CRYPTOKI_NOT_INITIALIZED, 'an hour without a call');
  service.now = now;
  const first = await application();
  for (let more = 0; more < 64; more++) await application();
  t.equal(
    (await call('C_GetInfo', '', first)).code,
    CKR.CRYPTOKI_NOT_INITIALIZED,
    'the oldest application was removed',
  );
});

t.test('a client whose applications are few keeps them, whatever others begin', async (t) => {
  const senders = [{ client: 'few' }, { client: 'tester' }, { client: 'tester', bearer: 'many' }];
  const kept: [Partial<Principal>, Uint8Array][] = [];
  for (const sender of senders.slice(0, 2)) {
    service.sender = sender;
    kept.push([sender, await application()]);
  }
  service.sender = { client: 'tester', bearer: 'many' };
  const first = await application();
  for (let more = 0; more < 64; more++) await application();
  t.equal(
    (await call('C_GetInfo', '', first)).code,
    CKR.CRYPTOKI_NOT_INITIALIZED,
    'its own oldest has ended',
  );
  service.sender = { client: 'third' };
  kept.push([service.sender, await application()]);
  service.sender = { client: 'tester', bearer: 'many' };
  await application();
  for (const [sender, correlation] of kept) {
    service.sender = sender;
    t.equal((await call('C_GetInfo', '', correlation)).code, 'OK', JSON.stringify(sender));
  }
  service.sender = {};
});

t.test('the token describes itself and its slot', async (t) => {
  const app = await application();
  const cases: [PKCS_11Function, input: string, code: unknown, output?: string][] = [
    ['C_GetSlotList', '01', 'OK', `00000001${ulong(0)}`],
    ['C_GetSlotList', '00 00', 'OK', '00000001'],
    ['C_GetSlotList', '00 01 00000001', 'OK', `00000001${ulong(0)}`],
    ['C_GetSlotList', '00 01 00000000', CKR.BUFFER_TOO_SMALL, '00000001'],
    ['C_GetSlotInfo', ulong(0), 'OK', `${text('test', 64)}${text('test', 32)}${ulong(1)}00000000`],
    ['C_GetSlotInfo', ulong(1), CKR.SLOT_ID_INVALID],
    [
      'C_GetTokenInfo',
      ulong(0),
      'OK',
      `${text('test', 32)}${text('test', 32)}${text('KMIP', 16)}${text('', 16)}${ulong(0x443)}` +
        `${ulong(64)}${ulong(0).repeat(5)}${'f'.repeat(64)}00000000${text('2026010100000000', 16)}`,
    ],
    ['C_GetMechanismInfo', ulong(0) + ulong(0x250), 'OK', ulong(0) + ulong(0) + ulong(0x400)],
    ['C_GetMechanismInfo', ulong(0) + ulong(0x1), CKR.MECHANISM_INVALID],
    ['C_GetMechanismList', `${ulong(0)}00`, 'OK', '0000000c'],
    ['C_WaitForSlotEvent', `${ulong(1)}00`, CKR.NO_EVENT],
    ['C_WaitForSlotEvent', ulong(0), CKR.FUNCTION_NOT_SUPPORTED],
    ['C_GetFunctionStatus', ulong(1), CKR.FUNCTION_NOT_PARALLEL],
    ['C_CancelFunction', ulong(1), CKR.FUNCTION_NOT_PARALLEL],
  ];
  for (const [name, input, code, output] of cases) {
    const actual = await call(name, input, app);
    t.same([actual.code, actual.output], [code, output], `${name} ${input}`);
  }
  const { output } = await call('C_GetMechanismList', ulong(0), app);
  t.equal(output?.length, 8 + 12 * 16, 'all of them');
});

t.test('sessions are opened, described and closed', async (t) => {
  const app = await application();
  const open = (flags: number) => call('C_OpenSession', `${ulong(0)}${ulong(flags)}0000`, app);
  t.equal((await open(0)).code, CKR.SESSION_PARALLEL_NOT_SUPPORTED);
  t.equal((await open(6)).code, CKR.TOKEN_WRITE_PROTECTED);
  t.equal((await call('C_OpenSession', ulong(7) + ulong(4), app)).code, CKR.SLOT_ID_INVALID);
  const first = (await open(4)).output as string;
  const second = (await open(4)).output as string;
  t.not(first, second);
  const state = await call('C_GetSessionInfo', first, app);
  t.equal(state.output, ulong(0) + ulong(0) + ulong(4) + ulong(0));
  t.equal((await call('C_CloseSession', first, app)).code, 'OK');
  t.equal((await call('C_GetSessionInfo', first, app)).code, CKR.SESSION_HANDLE_INVALID);
  t.equal((await call('C_CloseSession', first, app)).code, CKR.SESSION_HANDLE_INVALID);
  t.equal((await call('C_CloseAllSessions', ulong(0), app)).code, 'OK');
  t.equal((await call('C_GetSessionInfo', second, app)).code, CKR.SESSION_HANDLE_INVALID);
  for (let count = 0; count < 64; count++) await open(4);
  t.equal((await open(4)).code, CKR.SESSION_COUNT);
  t.equal((await call('C_GetSessionInfo', 'f'.repeat(16), app)).code, CKR.SESSION_HANDLE_INVALID);
});

t.test('the token makes random numbers and digests', async (t) => {
  const app = await application();
  const session = (await call('C_OpenSession', ulong(0) + ulong(4), app)).output as string;
  const random = await call('C_GenerateRandom', session + ulong(20), app);
  t.match(random.output, /^00000014.{40}$/);
  t.equal((await call('C_GenerateRandom', session + ulong(65_537), app)).code, CKR.ARGUMENTS_BAD);
  t.equal((await call('C_SeedRandom', session + array('0102'), app)).code, CKR.RANDOM_SEED_NOT_SUPPORTED);

  const data = '616263';
  const sha = session + ulong(0x250);
  t.equal((await call('C_Digest', session + array(data), app)).code, CKR.OPERATION_NOT_INITIALIZED);
  t.equal((await call('C_DigestInit', session + ulong(1), app)).code, CKR.MECHANISM_INVALID);
  t.equal((await call('C_DigestInit', sha + array('00'), app)).code, CKR.MECHANISM_PARAM_INVALID);
  t.equal((await call('C_DigestInit', sha + array(''), app)).code, 'OK');
  t.equal((await call('C_DigestInit', sha, app)).code, CKR.OPERATION_ACTIVE);
  const ask = (room: string) => call('C_Digest', session + array(data) + room, app);
  t.same(await ask('00'), { code: 'OK', output: '00000020', correlation: undefined }, 'its length');
  t.equal((await ask('010000001f')).code, CKR.BUFFER_TOO_SMALL);
  t.equal((await ask('0100000020')).output, array(sha256(data)));
  t.equal((await ask('')).code, CKR.OPERATION_NOT_INITIALIZED, 'it is over');

  t.equal((await call('C_DigestUpdate', session + array(data), app)).code, CKR.OPERATION_NOT_INITIALIZED);
  t.equal((await call('C_DigestFinal', session, app)).code, CKR.OPERATION_NOT_INITIALIZED);
  await call('C_DigestInit', sha, app);
  for (const part of ['61', '', '6263']) {
    t.equal((await call('C_DigestUpdate', session + array(part), app)).code, 'OK');
  }
  t.equal((await ask('')).code, CKR.OPERATION_ACTIVE, 'parts and whole do not mix');
  t.equal((await call('C_DigestFinal', `${session}00`, app)).output, '00000020');
  t.equal((await call('C_DigestFinal', session, app)).output, array(sha256(data)));
  await call('C_DigestInit', sha, app);
  await call('C_DigestUpdate', session + array('00'.repeat(200_000)), app);
  t.equal((await call('C_DigestUpdate', session + array('00'.repeat(100_000)), app)).code, 0x2);
  t.equal((await call('C_DigestFinal', session, app)).code, CKR.OPERATION_NOT_INITIALIZED);

  const second = (await call('C_OpenSession', ulong(0) + ulong(4), app)).output as string;
  for (const each of [session, second]) await call('C_DigestInit', each + ulong(0x250), app);
  await call('C_DigestUpdate', session + array('00'.repeat(200_000)), app);
  t.equal(
    (await call('C_DigestUpdate', second + array('00'.repeat(100_000)), app)).code,
    0x2,
    'all together',
  );
  t.equal((await call('C_DigestFinal', session, app)).output, array(sha256('00'.repeat(200_000))));
});

t.test('every other function is refused when there is an application', async (t) => {
  const here = new Set([
    ...['C_Initialize', 'C_Finalize', 'C_GetInfo', 'C_GetSlotList', 'C_GetSlotInfo', 'C_GetTokenInfo'],
    ...['C_GetMechanismList', 'C_GetMechanismInfo', 'C_OpenSession', 'C_CloseSession', 'C_CloseAllSessions'],
    ...['C_GetSessionInfo', 'C_DigestInit', 'C_Digest', 'C_DigestUpdate', 'C_DigestFinal', 'C_SeedRandom'],
    ...['C_GenerateRandom', 'C_GetFunctionStatus', 'C_CancelFunction', 'C_WaitForSlotEvent'],
  ]);
  const app = await application();
  for (const name of PKCS_11Function.members) {
    if (here.has(name)) continue;
    t.equal((await call(name, '', app)).code, CKR.FUNCTION_NOT_SUPPORTED, name);
    t.equal((await call(name, '')).code, CKR.CRYPTOKI_NOT_INITIALIZED, name);
  }
});

t.test('PKCS#11 fails for requests that are no calls', async (t) => {
  const app = await application();
  const cases: [PKCS_11Function, input: string][] = [
    ['C_Initialize', '02'],
    ['C_Initialize', '0101'],
    ['C_GetSlotList', ''],
    ['C_GetSlotList', '02'],
    ['C_GetSlotList', '00 01 0000'],
    ['C_GetSlotList', '00 00 00'],
    ['C_GetSlotInfo', '00'],
    ['C_GetSlotInfo', `${ulong(0)}00`],
    ['C_GetMechanismInfo', ulong(0)],
    ['C_GetSessionInfo', '00000000'],
    ['C_Finalize', '05'],
  ];
  for (const [name, input] of cases)
    t.equal(
      (await call(name, input, name === 'C_Initialize' ? undefined : app)).code,
      'PKCS_11CodecError',
      `${name} ${input}`,
    );
  const session = (await call('C_OpenSession', ulong(0) + ulong(4), app)).output as string;
  t.equal((await call('C_DigestUpdate', `${session}ffffffff00`, app)).code, 'PKCS_11CodecError');
  const other = { PKCS_11Interface: 'Vendor', PKCS_11Function: 'C_GetInfo' };
  t.equal((await ask(service, '2.1', PKCS_11, other)).reason, 'PKCS_11InvalidInterface');
  for (const called of [item('PKCS_11Function', 'Integer', 1), enumerated('PKCS_11Function', 0x5d)]) {
    const { reason } = await ask(service, '2.1', PKCS_11, [called, bytes('CorrelationValue', app)]);
    t.equal(reason, 'PKCS_11InvalidFunction');
  }
});
