import type { Context } from '../context.ts';
import type { Application, Session } from './pkcs-11-application.ts';
import { type ParameterReader, ParameterWriter } from './pkcs-11-parameters.ts';

/** How functions of the PKCS#11 token are called, and how they answer. */

/** Return values (CK_RV, PKCS#11 2.40 §3.6) that this token gives. */
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

/** The answer of a function. */
export interface Result {
  /** A return value of `CKR`. */
  readonly code: number;
  /** Encoded output parameters. */
  readonly output?: Uint8Array | undefined;
  /** The call has changed the application, which must be saved. */
  readonly changed?: boolean;
}

/** A call of a function that needs no application. */
export interface Call {
  readonly input: ParameterReader;
  readonly context: Context;
}

/** A call after C_Initialize. */
export interface ApplicationCall extends Call {
  readonly application: Application;
}

/** A call on an open session. */
export interface SessionCall extends ApplicationCall {
  readonly session: Session;
  readonly handle: string;
}

/** A function of the token, by what it needs before it can run. */
export type Callable =
  | { readonly needs: 'nothing'; call(call: Call): Result }
  | { readonly needs: 'application'; call(call: ApplicationCall): Result };

/** The one slot of the token. */
export const slotId = 0n;

/** Declares a function that needs no application. */
export function forAnyone(call: (call: Call) => Result): Callable {
  return { needs: 'nothing', call };
}

/** Declares a function that needs an application. */
export function forApplication(call: (call: ApplicationCall) => Result): Callable {
  return { needs: 'application', call };
}

/** Declares a function whose first parameter is a session handle. */
export function forSession(call: (call: SessionCall) => Result): Callable {
  return forApplication((each) => {
    const handle = String(each.input.ulong());
    const session = each.application.sessions[handle];
    return session === undefined ? refuse(CKR.SESSION_HANDLE_INVALID) : call({ ...each, session, handle });
  });
}

/** Declares a function whose first parameter is a slot. */
export function forSlot(call: (call: ApplicationCall) => Result): Callable {
  return forApplication((each) => (each.input.ulong() === slotId ? call(each) : refuse(CKR.SLOT_ID_INVALID)));
}

/** Answers CKR_OK. */
export function succeed(output?: ParameterWriter): Result {
  return { code: CKR.OK, output: output?.finish() };
}

/** Answers CKR_OK after a change of the application. */
export function succeedChanged(output?: ParameterWriter): Result {
  return { ...succeed(output), changed: true };
}

/** Answers another return value than CKR_OK, without output. */
export function refuse(code: number): Result {
  return { code };
}

/**
 * Answers an array of `count` elements, or only its length when the caller asks for that or has too little
 * space (PKCS#11 2.40 §5.2). `encodeElements` is called only when the array is returned.
 */
export function answerArray(input: ParameterReader, count: number, encodeElements: () => Uint8Array): Result {
  const capacity = input.capacityFor(count);
  input.end();
  const output = new ParameterWriter().count(count);
  if (capacity === 'enough') return succeed(output.raw(encodeElements()));
  return { code: capacity === 'count' ? CKR.OK : CKR.BUFFER_TOO_SMALL, output: output.finish() };
}

/** Encodes numbers as CK_ULONG, one after the other. */
export function encodeUlongs(values: readonly (number | bigint)[]): Uint8Array {
  const writer = new ParameterWriter();
  for (const value of values) writer.ulong(value);
  return writer.finish();
}
