import { createRequire } from 'node:module';
import type * as pkcs11js from 'pkcs11js';
import { ckr } from '../cryptoki.ts';
import { type FailureKind, TokenFailure } from '../messages.ts';

/** The native package and a vendor's library; only the process of the token has this file. */

export type Pkcs11 = typeof pkcs11js;
export type CryptokiModule = pkcs11js.PKCS11;
export type Handle = pkcs11js.Handle;
export type AttributeTemplate = pkcs11js.Template;

/**
 * Loads pkcs11js, which `npm run build:pkcs11` compiles.
 * @throws {TokenFailure} when this installation has none.
 */
export function loadPkcs11(): Pkcs11 {
  try {
    return createRequire(import.meta.url)('pkcs11js') as Pkcs11;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TokenFailure(
      'token',
      code === 'MODULE_NOT_FOUND'
        ? 'this installation has no PKCS #11: install g++, then npm ci, or npm run build:pkcs11'
        : `the compiled part of pkcs11js cannot be loaded: ${firstLine(error)}`,
    );
  }
}

/** Codes of any function after which a login with the same PIN could lock the token. */
export const refusedCodes: ReadonlySet<number> = new Set([
  ckr.pinIncorrect,
  ckr.pinInvalid,
  ckr.pinLenRange,
  ckr.pinExpired,
  ckr.pinLocked,
]);

/** Codes of a session, a login or an object handle that was valid once, and of a session that is busy. */
export const sessionCodes: ReadonlySet<number> = new Set([
  ckr.sessionClosed,
  ckr.sessionHandleInvalid,
  ckr.userNotLoggedIn,
  ckr.operationActive,
  ckr.keyHandleInvalid,
  ckr.objectHandleInvalid,
  ckr.wrappingKeyHandleInvalid,
  ckr.unwrappingKeyHandleInvalid,
]);

/** Returns the return value (CKR_…) of a failed call; undefined for other errors. */
export function codeOf(error: unknown): number | undefined {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'Pkcs11Error' && typeof code === 'number' ? code : undefined;
}

/** Returns what the daemon is told about an error: function and return value, or the first line. */
export function toFailure(error: unknown): TokenFailure {
  if (error instanceof TokenFailure) return error;
  const code = codeOf(error);
  if (code === undefined) return new TokenFailure('token', firstLine(error));
  const { message, method } = error as pkcs11js.Pkcs11Error;
  const name = message === 'CKR_VENDOR_DEFINED' ? `CKR 0x${code.toString(16)}` : message;
  return new TokenFailure(kindOf(code), `${method || 'the library'} returned ${name}`);
}

function kindOf(code: number): FailureKind {
  if (refusedCodes.has(code)) return 'refused';
  return sessionCodes.has(code) ? 'session' : 'token';
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

/** Returns the bytes as the Buffer that pkcs11js asks for, without a copy. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
