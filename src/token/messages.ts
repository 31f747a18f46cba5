import { concatBytes, xorInto } from '../common/bytes.ts';
import { copySecret } from '../common/secret.ts';

/**
 * Bodies of the frames. What describes a token is JSON. A secret on its way to the daemon is masked by random
 * bytes that the daemon has sent with the request: the pieces that Node reads from a socket lie in memory
 * that nobody can overwrite, and without the mask what is left there says nothing.
 */

/** The longest secret that is wrapped. */
export const maxSecretBytes = 128;
/** The longest wrapped secret: RSA of 4,096 bits has 513, everything else less. */
export const maxWrappedBytes = 1_024;

/** What the process needs to load the library and to find the token; see `TokenUri`. */
export interface HelloRequest {
  readonly modulePath: string;
  readonly token?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  readonly slotId?: number | undefined;
}

/** CK_INFO and CK_TOKEN_INFO, without the blanks at the end of their texts. */
export interface TokenDescription {
  readonly module: string;
  readonly moduleManufacturer: string;
  readonly moduleVersion: string;
  readonly cryptokiVersion: string;
  readonly slotId: number;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly hardwareVersion: string;
  readonly firmwareVersion: string;
  /** See `tokenFlags`. */
  readonly flags: number;
  /** Whether a core dump of the process would have none of its memory. */
  readonly areCoreDumpsEmpty: boolean;
}

export interface TokenLoginRequest {
  readonly pinFile?: string | undefined;
  /** Whether the file is refused when others can read it; systemd sets other modes for its credentials. */
  readonly mustBePrivate: boolean;
  /** Whether the login before may have failed: then a counter of failures that is not 0 forbids one. */
  readonly isOutcomeUnknown: boolean;
  /** Whether the operator has asked for a login although one more failure locks the PIN. */
  readonly mayLockPin: boolean;
  /** Whether objects of the token will be made. */
  readonly isReadWrite: boolean;
}

/** `find` a key; `create` it when there is none; `trial`: instead, make one that ends with the session. */
export type KeyMode = 'find' | 'create' | 'trial';

/** `objects`: no key is opened; keys that are managed objects are made and used. */
export type TokenMode = KeyMode | 'objects';

export interface KeyRequest {
  readonly mode: KeyMode;
  readonly object?: string | undefined;
  /** CKA_ID in hexadecimal digits. */
  readonly id?: string | undefined;
  readonly type?: 'secret-key' | 'private' | undefined;
}

export interface TokenKeyDescription {
  /** 16 hexadecimal digits that stay the same for this key. */
  readonly id: string;
  /** For example `AES-256`, `RSA-3072`. */
  readonly algorithm: string;
  readonly label: string;
  /** CKA_ID in hexadecimal digits. */
  readonly ckaId: string;
  /** How it wraps; see `wrappingFormats`. */
  readonly format: number;
  readonly way: 'encrypt' | 'wrap';
  /** CKA_EXTRACTABLE and so on; null when the token does not say. */
  readonly isExtractable: boolean | null;
  readonly isSensitive: boolean | null;
  readonly wasNeverExtractable: boolean | null;
  readonly isMadeInToken: boolean | null;
  /** Whether it was made for a trial and ends with the session. */
  readonly isTrial: boolean;
}

export interface MechanismDescription {
  /** CKM_… or a number in hexadecimal digits. */
  readonly name: string;
  readonly mechanism: number;
  /** See `mechanismFlags`. */
  readonly flags: number;
  /** In the unit of the mechanism, bits or bytes. */
  readonly minKeySize: number;
  readonly maxKeySize: number;
}

export interface MechanismPage {
  readonly total: number;
  readonly mechanisms: readonly MechanismDescription[];
}

/**
 * `refused`: no login may be tried until an operator asks. `session`: session or login was lost, a new login
 * helps. `token`: token, library or configuration does not work; a new process may help. `request`: this
 * request alone is not possible.
 */
export type FailureKind = 'refused' | 'session' | 'token' | 'request';

/** `TOKEN_FAILURE`: the process has answered that it cannot do what was asked. The message is one line. */
export class TokenFailure extends Error {
  override readonly name = 'TokenFailure';
  readonly code = 'TOKEN_FAILURE';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Returns JSON as UTF-8, outside a shared pool. Nothing secret may be in it. */
export function encodeJson(value: object): Uint8Array {
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));
}

/**
 * Returns an object that `encodeJson` has written.
 * @throws {SyntaxError} when it is none.
 */
export function decodeJson<T extends object>(body: Uint8Array): T {
  const value: unknown = JSON.parse(new TextDecoder().decode(body));
  if (typeof value !== 'object' || value === null) throw new SyntaxError('a body is no object');
  return value as T;
}

/** The longest text of an answer in UTF-16 units, so that it fits into a frame. */
const maxTextLength = 600;

/**
 * Makes a text that comes from a vendor's library one line of bounded length, without what a terminal would
 * obey (control characters) or not show in its place (marks of direction, separators of lines).
 */
export function toOneLine(text: string): string {
  return text.slice(0, maxTextLength).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ');
}

export function encodeFailure({ kind, message }: TokenFailure): Uint8Array {
  return encodeJson({ kind, message: message.slice(0, maxTextLength) });
}

/**
 * Returns the failure of an answer.
 * @throws {SyntaxError} when it is none.
 */
export function decodeFailure(body: Uint8Array): TokenFailure {
  const { kind, message } = decodeJson<{ kind: unknown; message: unknown }>(body);
  const known = (['refused', 'session', 'token', 'request'] as const).find((each) => each === kind);
  if (known === undefined || typeof message !== 'string') throw new SyntaxError('a failure is incomplete');
  return new TokenFailure(known, toOneLine(message));
}

/** Returns the body of `unwrap`: the mask of 128 bytes, then what is to be unwrapped. */
export function encodeUnwrap(mask: Uint8Array, wrapped: Uint8Array): Uint8Array {
  return concatBytes([mask, wrapped]);
}

/** Returns views of the mask and the wrapped secret. */
export function decodeUnwrap(body: Uint8Array): readonly [mask: Uint8Array, wrapped: Uint8Array] {
  return [body.subarray(0, maxSecretBytes), body.subarray(maxSecretBytes)];
}

/** Returns the answer of `unwrap`, of the same length for every secret; no byte when it was rejected. */
export function encodeSecret(secret: Uint8Array | undefined, mask: Uint8Array): Uint8Array {
  if (secret === undefined) return new Uint8Array();
  const body = new Uint8Array(1 + maxSecretBytes);
  body[0] = secret.length;
  body.set(secret, 1);
  xorInto(body.subarray(1), mask);
  return body;
}

/**
 * Returns the secret of an answer in memory of its own; undefined when it was rejected.
 * @throws {RangeError} when the answer is not possible.
 */
export function decodeSecret(body: Uint8Array, mask: Uint8Array): Uint8Array | undefined {
  if (body.length === 0) return undefined;
  const length = body[0] ?? 0;
  if (body.length !== 1 + maxSecretBytes || length > maxSecretBytes)
    throw new RangeError('an unwrapped secret has an impossible length');
  xorInto(body.subarray(1), mask);
  const secret = copySecret(body.subarray(1, 1 + length));
  body.fill(0);
  return secret;
}
