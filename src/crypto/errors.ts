/*
 * Errors of the port. Each has a stable `code`, by which an error crosses from one thread to another; its
 * docstring names the Result Reason that the protocol makes of it.
 */

/**
 * The server cannot make or use such a key, hash or curve. UnsupportedCryptographicParameters or
 * InvalidField.
 */
export class UnsupportedAlgorithmError extends Error {
  override readonly name = 'UnsupportedAlgorithmError';
  readonly code = 'UNSUPPORTED_ALGORITHM';
}

/** There is no conversion to the Key Format Type asked for. KeyFormatTypeNotSupported. */
export class UnsupportedKeyFormatError extends Error {
  override readonly name = 'UnsupportedKeyFormatError';
  readonly code = 'UNSUPPORTED_KEY_FORMAT';
}

/**
 * The Key Compression Type is unknown, or the key is not a point on a curve. KeyCompressionTypeNotSupported.
 */
export class UnsupportedKeyCompressionError extends Error {
  override readonly name = 'UnsupportedKeyCompressionError';
  readonly code = 'UNSUPPORTED_KEY_COMPRESSION';
}

/** Key material contradicts its format, object type, algorithm or length. InvalidField. */
export class InvalidKeyMaterialError extends Error {
  override readonly name = 'InvalidKeyMaterialError';
  readonly code = 'INVALID_KEY_MATERIAL';
}

/** Bytes given as a certificate are not X.509 in DER. InvalidField. */
export class InvalidCertificateError extends Error {
  override readonly name = 'InvalidCertificateError';
  readonly code = 'INVALID_CERTIFICATE';
}

/** A certificate request cannot be read, or its signature is not that of its key. InvalidCSR. */
export class InvalidCertificateRequestError extends Error {
  override readonly name = 'InvalidCertificateRequestError';
  readonly code = 'INVALID_CERTIFICATE_REQUEST';
}

/** A distinguished or alternative name cannot be encoded. InvalidField. */
export class InvalidNameError extends Error {
  override readonly name = 'InvalidNameError';
  readonly code = 'INVALID_NAME';
}

/** Parameters contradict each other or the key. BadCryptographicParameters or InvalidField. */
export class InvalidParametersError extends Error {
  override readonly name = 'InvalidParametersError';
  readonly code = 'INVALID_PARAMETERS';
}

/** A field that these parameters need is missing. InvalidMessage. */
export class MissingInputError extends Error {
  override readonly name = 'MissingInputError';
  readonly code = 'MISSING_INPUT';
}

/** The mode does not offer a tag of that length. GeneralFailure. */
export class InvalidTagLengthError extends Error {
  override readonly name = 'InvalidTagLengthError';
  readonly code = 'INVALID_TAG_LENGTH';
}

/** More work waits than the threads will do soon. GeneralFailure. */
export class CryptographyBusyError extends Error {
  override readonly name = 'CryptographyBusyError';
  readonly code = 'CRYPTOGRAPHY_BUSY';
}

/**
 * Key and data do not yield a result: too long, tampered with, or encrypted with another key.
 * CryptographicFailure.
 */
export class CryptographyFailedError extends Error {
  override readonly name = 'CryptographyFailedError';
  readonly code = 'CRYPTOGRAPHY_FAILED';
}

/**
 * Creates the one error of all decryption. An answer that told padding, tag and length apart would help an
 * attacker who tries keys and texts (Bleichenbacher 1998, Vaudenay 2002).
 */
export function decryptionFailed(): CryptographyFailedError {
  return new CryptographyFailedError('the data cannot be decrypted');
}

type PortErrorClass<Code extends string> = new (message: string) => Error & { readonly code: Code };

const errorClasses = {
  UNSUPPORTED_ALGORITHM: UnsupportedAlgorithmError,
  UNSUPPORTED_KEY_FORMAT: UnsupportedKeyFormatError,
  UNSUPPORTED_KEY_COMPRESSION: UnsupportedKeyCompressionError,
  INVALID_KEY_MATERIAL: InvalidKeyMaterialError,
  INVALID_CERTIFICATE: InvalidCertificateError,
  INVALID_CERTIFICATE_REQUEST: InvalidCertificateRequestError,
  INVALID_NAME: InvalidNameError,
  INVALID_PARAMETERS: InvalidParametersError,
  MISSING_INPUT: MissingInputError,
  INVALID_TAG_LENGTH: InvalidTagLengthError,
  CRYPTOGRAPHY_BUSY: CryptographyBusyError,
  CRYPTOGRAPHY_FAILED: CryptographyFailedError,
} as const;

/** Fails to compile when a class stands under another code than its own. */
const errorsByCode: { readonly [Code in keyof typeof errorClasses]: PortErrorClass<Code> } = errorClasses;

/** Creates the port's error of that code, undefined for a code that is not the port's. */
export function createPortError(code: string | undefined, message: string): Error | undefined {
  if (code === undefined || !Object.hasOwn(errorsByCode, code)) return undefined;
  return new errorsByCode[code as keyof typeof errorsByCode](message);
}
