import { WireError } from '../../../codec/wire-error.ts';
import { KmipError, type Reason } from '../../common/errors.ts';

interface Refusal {
  readonly reason: Reason;
  /** The reason for KMIP 1.x where the table of common/errors.ts would give another one. */
  readonly legacyReason?: Reason;
}

/** Result Reasons for errors that the request has caused, most of them of the cryptography, by code. */
const refusals: ReadonlyMap<unknown, Refusal> = new Map<string, Refusal>([
  ['UNSUPPORTED_ALGORITHM', { reason: 'UnsupportedCryptographicParameters' }],
  ['UNSUPPORTED_KEY_FORMAT', { reason: 'KeyFormatTypeNotSupported' }],
  ['UNSUPPORTED_KEY_COMPRESSION', { reason: 'KeyCompressionTypeNotSupported' }],
  ['INVALID_KEY_MATERIAL', { reason: 'InvalidField' }],
  ['INVALID_CERTIFICATE', { reason: 'InvalidField' }],
  ['INVALID_CERTIFICATE_REQUEST', { reason: 'InvalidCSR' }],
  ['INVALID_NAME', { reason: 'InvalidField' }],
  ['INVALID_PARAMETERS', { reason: 'BadCryptographicParameters', legacyReason: 'InvalidField' }],
  ['CRYPTOGRAPHY_FAILED', { reason: 'CryptographicFailure' }],
  ['CRYPTOGRAPHY_BUSY', { reason: 'GeneralFailure' }],
  ['TOKEN_UNAVAILABLE', { reason: 'GeneralFailure' }],
  ['VALUE_TOKEN_UNAVAILABLE', { reason: 'GeneralFailure' }],
  ['SEARCH_ENDED', { reason: 'ServerLimitExceeded' }],
  ['REQUESTER_GONE', { reason: 'OperationCanceledByRequester' }],
  // 2.x has MissingInitializationVector, but the test cases want InvalidMessage in every version.
  ['MISSING_INPUT', { reason: 'InvalidMessage' }],
  ['INVALID_TAG_LENGTH', { reason: 'GeneralFailure' }],
]);

/**
 * Codes of errors that may be gone at the next attempt: the database, the root key or the token of a key or
 * value is unavailable, or too much work waits.
 */
const transientCodes: ReadonlySet<unknown> = new Set([
  'AUDIT_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'VAULT_UNAVAILABLE',
  'CRYPTOGRAPHY_BUSY',
  'TOKEN_UNAVAILABLE',
  'VALUE_TOKEN_UNAVAILABLE',
  'VALUE_ROOT_MISSING',
]);

/**
 * Translates an error into the refusal that the client gets. Returns undefined when the request has not
 * caused the error: a transient failure or a bug, whose text belongs in the log only.
 */
export function asRefusal(error: unknown): KmipError | undefined {
  if (error instanceof KmipError) return error;
  if (error instanceof WireError) {
    return new KmipError(error.kind === 'unknown' ? 'InvalidField' : 'InvalidMessage', error.message);
  }
  if (!(error instanceof Error)) return undefined;
  const refusal = refusals.get(codeOf(error));
  return refusal && new KmipError(refusal.reason, error.message, refusal.legacyReason);
}

/** Whether the same work may succeed at the next attempt. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && transientCodes.has(codeOf(error));
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
