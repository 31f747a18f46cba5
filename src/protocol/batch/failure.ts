import { WireError } from '../../../codec/wire-error.ts';
import { KmipError, type Reason } from '../../common/errors.ts';
import {
  CryptographyBusyError,
  CryptographyFailedError,
  InvalidCertificateError,
  InvalidCertificateRequestError,
  InvalidKeyMaterialError,
  InvalidNameError,
  InvalidParametersError,
  InvalidTagLengthError,
  MissingInputError,
  UnsupportedAlgorithmError,
  UnsupportedKeyCompressionError,
  UnsupportedKeyFormatError,
} from '../../crypto/errors.ts';

/** What the ports refuse, in the words of KMIP: modern reason, and that for 1.x where the general table says otherwise. */
const refusals: readonly (readonly [
  type: new (...values: never[]) => Error,
  reason: Reason,
  classic?: Reason,
])[] = [
  [UnsupportedAlgorithmError, 'UnsupportedCryptographicParameters'],
  [UnsupportedKeyFormatError, 'KeyFormatTypeNotSupported'],
  [UnsupportedKeyCompressionError, 'KeyCompressionTypeNotSupported'],
  [InvalidKeyMaterialError, 'InvalidField'],
  [InvalidCertificateError, 'InvalidField'],
  [InvalidCertificateRequestError, 'InvalidCSR'],
  [InvalidNameError, 'InvalidField'],
  [InvalidParametersError, 'BadCryptographicParameters', 'InvalidField'],
  [CryptographyFailedError, 'CryptographicFailure'],
  [CryptographyBusyError, 'GeneralFailure'],
  // 2.x has MissingInitializationVector, but the test cases want this in every version.
  [MissingInputError, 'InvalidMessage'],
  [InvalidTagLengthError, 'GeneralFailure'],
];

/** The error as the client is told; undefined when it is none of the client's doing (weather or a bug). */
export function asRefusal(error: unknown): KmipError | undefined {
  if (error instanceof KmipError) return error;
  if (error instanceof WireError) {
    return new KmipError(error.kind === 'unknown' ? 'InvalidField' : 'InvalidMessage', error.message);
  }
  for (const [type, reason, classic] of refusals) {
    if (error instanceof type) return new KmipError(reason, error.message, classic);
  }
  return undefined;
}
