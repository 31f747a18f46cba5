import type { HashingAlgorithm, PKCS_11Function } from '../../../codec/enums.ts';
import { concatBytes } from '../../common/bytes.ts';
import type { Context } from '../context.ts';
import type { Application, Digestion, Session } from './pkcs-11-application.ts';
import { type ParameterReader, ParameterWriter } from './pkcs-11-parameters.ts';

/** Return values of PKCS#11 2.40 §3.6 that this token gives. */
export const CKR = {
  OK: 0x0,
  HOST_MEMORY: 0x2,
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
} as const;

export interface Result {
  readonly code: number;
  readonly output?: Uint8Array | undefined;
  /** The application is not as it was. */
  readonly changed?: boolean;
}

interface Call {
  readonly input: ParameterReader;
  readonly context: Context;
}
interface ApplicationCall extends Call {
  readonly application: Application;
}
interface SessionCall extends ApplicationCall {
  readonly session: Session;
  readonly handle: string;
}

/** What a function has to know before it can do anything. */
export type Callable =
  | { readonly needs: 'nothing'; call(call: Call): Result }
  | { readonly needs: 'application'; call(call: ApplicationCall): Result };

const nothing = (call: (call: Call) => Result): Callable => ({ needs: 'nothing', call });
const application = (call: (call: ApplicationCall) => Result): Callable => ({ needs: 'application', call });
const session = (call: (call: SessionCall) => Result): Callable =>
  application((each) => {
    const handle = String(each.input.ulong());
    const open = each.application.sessions[handle];
    return open === undefined
      ? refused(CKR.SESSION_HANDLE_INVALID)
      : call({ ...each, session: open, handle });
  });

const unavailable = 2n ** 64n - 1n;
const slot = 0n;
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

/** PKCS#11 2.40 §2: number of the mechanism. */
const mechanisms: ReadonlyMap<number, HashingAlgorithm> = new Map<number, HashingAlgorithm>([
  [0x210, 'MD5'],
  [0x220, 'SHA_1'],
  [0x255, 'SHA_224'],
  [0x250, 'SHA_256'],
  [0x260, 'SHA_384'],
  [0x270, 'SHA_512'],
  [0x48, 'SHA_512_224'],
  [0x4c, 'SHA_512_256'],
  [0x2b5, 'SHA3_224'],
  [0x2b0, 'SHA3_256'],
  [0x2c0, 'SHA3_384'],
  [0x2d0, 'SHA3_512'],
]);

const maxSessions = 64;
const maxRandomBytes = 65_536n;
/** Data of all digests in parts of one application: it waits in the record, which every call reads whole. */
const maxDigestedBytes = 262_144;

const done = (output?: ParameterWriter): Result => ({ code: CKR.OK, output: output?.finish() });
const changed = (output?: ParameterWriter): Result => ({ ...done(output), changed: true });
const refused = (code: number): Result => ({ code });

/** Fills the caller's array, or says how long it has to be. */
function filled(input: ParameterReader, count: number, elements: () => Uint8Array): Result {
  const room = input.room(count);
  input.end();
  const output = new ParameterWriter().count(count);
  if (room === 'enough') return done(output.raw(elements()));
  return { code: room === 'count' ? CKR.OK : CKR.BUFFER_TOO_SMALL, output: output.finish() };
}

function ulongs(values: readonly (number | bigint)[]): Uint8Array {
  return values
    .reduce((writer: ParameterWriter, value) => writer.ulong(value), new ParameterWriter())
    .finish();
}

/** The first two numbers of the server's version. */
function productVersion({ server }: Context): [number, number] {
  const [major = 0, minor = 0] = server.version.split('.').map((part) => Number.parseInt(part, 10) & 0xff);
  return [major, minor];
}

/** CK_INFO, PKCS#11 2.40 §3.1, which is the version whose functions are here. */
function info({ context }: Call): Result {
  const { server } = context;
  return done(
    new ParameterWriter()
      .byte(2, 40)
      .text(server.vendor, 32)
      .ulong(0)
      .text('KMIP key management server', 32)
      .byte(...productVersion(context)),
  );
}

function slotInfo({ context }: Call): Result {
  const { server } = context;
  return done(
    new ParameterWriter()
      .text(server.name, 64)
      .text(server.vendor, 32)
      .ulong(flag.tokenPresent)
      .byte(0, 0)
      .byte(...productVersion(context)),
  );
}

/** What it says of the time: YYYYMMDDhhmmss00. */
function utcTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}00`;
}

function tokenInfo({ context, application: { sessions } }: ApplicationCall): Result {
  const { server, now } = context;
  return done(
    new ParameterWriter()
      .text(server.name, 32)
      .text(server.vendor, 32)
      .text('KMIP', 16)
      .text('', 16)
      .ulong(flag.randomNumberGenerator | flag.writeProtected | flag.clockOnToken | flag.tokenInitialized)
      .ulong(maxSessions)
      .ulong(Object.keys(sessions).length)
      .raw(ulongs([0, 0, 0, 0, unavailable, unavailable, unavailable, unavailable]))
      .byte(0, 0)
      .byte(...productVersion(context))
      .text(utcTime(now), 16),
  );
}

/** A function about a slot, of which there is one. */
function ofSlot(call: (call: ApplicationCall) => Result): Callable {
  return application((each) => (each.input.ulong() === slot ? call(each) : refused(CKR.SLOT_ID_INVALID)));
}

function offeredMechanisms({ crypto }: Context): number[] {
  return [...mechanisms].flatMap(([number, name]) =>
    crypto.hashingAlgorithms.includes(name) ? [number] : [],
  );
}

function openSession({ input, application: app }: ApplicationCall): Result {
  const flags = input.ulong();
  input.nulls();
  if ((flags & flag.serial) === 0n) return refused(CKR.SESSION_PARALLEL_NOT_SUPPORTED);
  if ((flags & flag.readWrite) !== 0n) return refused(CKR.TOKEN_WRITE_PROTECTED);
  if (Object.keys(app.sessions).length >= maxSessions) return refused(CKR.SESSION_COUNT);
  const handle = app.nextHandle++;
  app.sessions[handle] = { flags: Number(flags & 0xffn) };
  return changed(new ParameterWriter().ulong(handle));
}

function generateRandom({ input, context }: SessionCall): Result {
  const length = input.ulong();
  input.end();
  if (length > maxRandomBytes) return refused(CKR.ARGUMENTS_BAD);
  const bytes = context.crypto.random(Number(length));
  return done(new ParameterWriter().count(bytes.length).raw(bytes));
}

function digestInit({ input, session: open, context }: SessionCall): Result {
  const mechanism = Number(input.ulong());
  const parameter = input.ended ? new Uint8Array() : input.array();
  input.end();
  if (!offeredMechanisms(context).includes(mechanism)) return refused(CKR.MECHANISM_INVALID);
  if (parameter.length > 0) return refused(CKR.MECHANISM_PARAM_INVALID);
  if (open.digest !== undefined) return refused(CKR.OPERATION_ACTIVE);
  open.digest = { mechanism };
  return changed();
}

function digest({ input, session: open, context }: SessionCall): Result {
  const data = input.array();
  if (open.digest === undefined) return refused(CKR.OPERATION_NOT_INITIALIZED);
  if (open.digest.data !== undefined) return refused(CKR.OPERATION_ACTIVE);
  return finished(open, open.digest, data, input, context);
}

function digestUpdate({ input, session: open, application: app }: SessionCall): Result {
  const part = input.array();
  input.end();
  if (open.digest === undefined) return refused(CKR.OPERATION_NOT_INITIALIZED);
  const waiting = Object.values(app.sessions).reduce(
    (sum, each) => sum + (each.digest?.data?.length ?? 0),
    0,
  );
  if (waiting * (3 / 4) + part.length > maxDigestedBytes) {
    open.digest = undefined;
    return { code: CKR.HOST_MEMORY, changed: true };
  }
  open.digest.data = concatBytes([Uint8Array.fromBase64(open.digest.data ?? ''), part]).toBase64();
  return changed();
}

function digestFinal({ input, session: open, context }: SessionCall): Result {
  if (open.digest === undefined) return refused(CKR.OPERATION_NOT_INITIALIZED);
  return finished(open, open.digest, Uint8Array.fromBase64(open.digest.data ?? ''), input, context);
}

/** The digest is over once the caller has got it: asking for its length, or with too short a buffer, leaves it as it is. */
function finished(
  open: Session,
  { mechanism }: Digestion,
  data: Uint8Array,
  input: ParameterReader,
  { crypto }: Context,
): Result {
  const value = crypto.digest(mechanisms.get(mechanism) as HashingAlgorithm, data);
  let given = false;
  const result = filled(input, value.length, () => {
    given = true;
    return value;
  });
  if (!given) return result;
  open.digest = undefined;
  return { ...result, changed: true };
}

/**
 * The functions this token has (PKCS#11 2.40 §5): about itself, its sessions, random numbers and digests. Keys are objects
 * of KMIP and are reached by its own operations. C_Initialize and C_Finalize stand in the operation.
 */
export const callables: Partial<Record<PKCS_11Function, Callable>> = {
  C_GetInfo: application((call) => {
    call.input.nulls();
    return info(call);
  }),
  C_GetSlotList: application(({ input }) => {
    input.boolean();
    return filled(input, 1, () => ulongs([slot]));
  }),
  C_GetSlotInfo: ofSlot((call) => {
    call.input.end();
    return slotInfo(call);
  }),
  C_GetTokenInfo: ofSlot((call) => {
    call.input.end();
    return tokenInfo(call);
  }),
  C_WaitForSlotEvent: application(({ input }) => {
    const flags = input.ulong();
    input.nulls();
    // The slot never changes, and a call that waits for it would never come back.
    return refused((flags & flag.dontBlock) === 0n ? CKR.FUNCTION_NOT_SUPPORTED : CKR.NO_EVENT);
  }),
  C_GetMechanismList: ofSlot(({ input, context }) => {
    const list = offeredMechanisms(context);
    return filled(input, list.length, () => ulongs(list));
  }),
  C_GetMechanismInfo: ofSlot(({ input, context }) => {
    const mechanism = Number(input.ulong());
    input.end();
    if (!offeredMechanisms(context).includes(mechanism)) return refused(CKR.MECHANISM_INVALID);
    return done(new ParameterWriter().raw(ulongs([0, 0, flag.digest])));
  }),
  C_OpenSession: ofSlot(openSession),
  C_CloseSession: session(({ input, application: app, handle }) => {
    input.end();
    delete app.sessions[handle];
    return changed();
  }),
  C_CloseAllSessions: ofSlot(({ input, application: app }) => {
    input.end();
    app.sessions = {};
    return changed();
  }),
  C_GetSessionInfo: session(({ input, session: { flags } }) => {
    input.end();
    return done(new ParameterWriter().raw(ulongs([slot, 0, flags, 0])));
  }),
  C_DigestInit: session(digestInit),
  C_Digest: session(digest),
  C_DigestUpdate: session(digestUpdate),
  C_DigestFinal: session(digestFinal),
  C_SeedRandom: session(({ input }) => {
    input.array();
    input.end();
    return refused(CKR.RANDOM_SEED_NOT_SUPPORTED);
  }),
  C_GenerateRandom: session(generateRandom),
  C_GetFunctionStatus: nothing(() => refused(CKR.FUNCTION_NOT_PARALLEL)),
  C_CancelFunction: nothing(() => refused(CKR.FUNCTION_NOT_PARALLEL)),
};
