import type { PKCS_11Function } from '../../../codec/enums.ts';
import type { Context } from '../context.ts';
import {
  type ApplicationCall,
  answerArray,
  type Call,
  type Callable,
  CKR,
  encodeUlongs,
  forAnyone,
  forApplication,
  forSession,
  forSlot,
  type Result,
  refuse,
  type SessionCall,
  slotId,
  succeed,
  succeedChanged,
} from './pkcs-11-calls.ts';
import { digestData, digestFinal, digestInit, digestUpdate, offeredMechanisms } from './pkcs-11-digest.ts';
import { ParameterWriter } from './pkcs-11-parameters.ts';

/** CK_UNAVAILABLE_INFORMATION. */
const unavailable = 2n ** 64n - 1n;

/** Bits of the flags fields (PKCS#11 2.40 §3). */
const flag = {
  tokenPresent: 1,
  randomNumberGenerator: 0x1,
  writeProtected: 0x2,
  clockOnToken: 0x40,
  tokenInitialized: 0x400,
  digest: 0x400,
  readWrite: 2n,
  serial: 4n,
  dontBlock: 1n,
} as const;

const maxSessions = 64;
const maxRandomBytes = 65_536n;

/** The first two numbers of the server's version. */
function productVersion({ server }: Context): [number, number] {
  const [major = 0, minor = 0] = server.version.split('.').map((part) => Number.parseInt(part, 10) & 0xff);
  return [major, minor];
}

/** CK_INFO (PKCS#11 2.40 §3.1); 2.40 is the version this token implements. */
function getInfo({ context }: Call): Result {
  const { server } = context;
  return succeed(
    new ParameterWriter()
      .byte(2, 40)
      .text(server.vendor, 32)
      .ulong(0)
      .text('KMIP key management server', 32)
      .byte(...productVersion(context)),
  );
}

/** CK_SLOT_INFO (PKCS#11 2.40 §3.2). */
function getSlotInfo({ context }: Call): Result {
  const { server } = context;
  return succeed(
    new ParameterWriter()
      .text(server.name, 64)
      .text(server.vendor, 32)
      .ulong(flag.tokenPresent)
      .byte(0, 0)
      .byte(...productVersion(context)),
  );
}

/** Formats POSIX seconds as the utcTime of CK_TOKEN_INFO: YYYYMMDDhhmmss00. */
function formatUtcTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}00`;
}

/** CK_TOKEN_INFO (PKCS#11 2.40 §3.2). */
function getTokenInfo({ context, application: { sessions } }: ApplicationCall): Result {
  const { server, now } = context;
  return succeed(
    new ParameterWriter()
      .text(server.name, 32)
      .text(server.vendor, 32)
      .text('KMIP', 16)
      .text('', 16)
      .ulong(flag.randomNumberGenerator | flag.writeProtected | flag.clockOnToken | flag.tokenInitialized)
      .ulong(maxSessions)
      .ulong(Object.keys(sessions).length)
      .raw(encodeUlongs([0, 0, 0, 0, unavailable, unavailable, unavailable, unavailable]))
      .byte(0, 0)
      .byte(...productVersion(context))
      .text(formatUtcTime(now), 16),
  );
}

function openSession({ input, application }: ApplicationCall): Result {
  const flags = input.ulong();
  input.nulls();
  if ((flags & flag.serial) === 0n) return refuse(CKR.SESSION_PARALLEL_NOT_SUPPORTED);
  if ((flags & flag.readWrite) !== 0n) return refuse(CKR.TOKEN_WRITE_PROTECTED);
  if (Object.keys(application.sessions).length >= maxSessions) return refuse(CKR.SESSION_COUNT);
  const handle = application.nextHandle++;
  application.sessions[handle] = { flags: Number(flags & 0xffn) };
  return succeedChanged(new ParameterWriter().ulong(handle));
}

function generateRandom({ input, context }: SessionCall): Result {
  const length = input.ulong();
  input.end();
  if (length > maxRandomBytes) return refuse(CKR.ARGUMENTS_BAD);
  const bytes = context.crypto.random(Number(length));
  return succeed(new ParameterWriter().count(bytes.length).raw(bytes));
}

/**
 * The functions of this token (PKCS#11 2.40 §5): information, sessions, random numbers and digests. Keys are
 * KMIP objects and are used by the operations of KMIP. C_Initialize and C_Finalize are part of the operation
 * (pkcs-11.ts).
 */
export const callables: Partial<Record<PKCS_11Function, Callable>> = {
  C_GetInfo: forApplication((call) => {
    call.input.nulls();
    return getInfo(call);
  }),
  C_GetSlotList: forApplication(({ input }) => {
    input.boolean();
    return answerArray(input, 1, () => encodeUlongs([slotId]));
  }),
  C_GetSlotInfo: forSlot((call) => {
    call.input.end();
    return getSlotInfo(call);
  }),
  C_GetTokenInfo: forSlot((call) => {
    call.input.end();
    return getTokenInfo(call);
  }),
  C_WaitForSlotEvent: forApplication(({ input }) => {
    const flags = input.ulong();
    input.nulls();
    // The slot never changes, so a blocking call would never return.
    return refuse((flags & flag.dontBlock) === 0n ? CKR.FUNCTION_NOT_SUPPORTED : CKR.NO_EVENT);
  }),
  C_GetMechanismList: forSlot(({ input, context }) => {
    const list = offeredMechanisms(context);
    return answerArray(input, list.length, () => encodeUlongs(list));
  }),
  C_GetMechanismInfo: forSlot(({ input, context }) => {
    const mechanism = Number(input.ulong());
    input.end();
    if (!offeredMechanisms(context).includes(mechanism)) return refuse(CKR.MECHANISM_INVALID);
    return succeed(new ParameterWriter().raw(encodeUlongs([0, 0, flag.digest])));
  }),
  C_OpenSession: forSlot(openSession),
  C_CloseSession: forSession(({ input, application, handle }) => {
    input.end();
    delete application.sessions[handle];
    return succeedChanged();
  }),
  C_CloseAllSessions: forSlot(({ input, application }) => {
    input.end();
    application.sessions = {};
    return succeedChanged();
  }),
  C_GetSessionInfo: forSession(({ input, session: { flags } }) => {
    input.end();
    return succeed(new ParameterWriter().raw(encodeUlongs([slotId, 0, flags, 0])));
  }),
  C_DigestInit: forSession(digestInit),
  C_Digest: forSession(digestData),
  C_DigestUpdate: forSession(digestUpdate),
  C_DigestFinal: forSession(digestFinal),
  C_SeedRandom: forSession(({ input }) => {
    input.array();
    input.end();
    return refuse(CKR.RANDOM_SEED_NOT_SUPPORTED);
  }),
  C_GenerateRandom: forSession(generateRandom),
  C_GetFunctionStatus: forAnyone(() => refuse(CKR.FUNCTION_NOT_PARALLEL)),
  C_CancelFunction: forAnyone(() => refuse(CKR.FUNCTION_NOT_PARALLEL)),
};
