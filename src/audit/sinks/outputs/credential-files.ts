import { fstatSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { SinkTlsFiles } from '../../../common/audit-sink-settings.ts';
import {
  describeExposure,
  describeFileError,
  readSecretToEnd,
  readTextFile,
  UnusableFileError,
  withRegularFile,
} from '../../../common/regular-file.ts';
import { Secret } from '../../../common/secret.ts';
import { SinkDeliveryError } from './output.ts';

/**
 * Reads certificates and key of a connection. The key is overwritten here once OpenSSL has it.
 * @throws {SinkDeliveryError} when a file cannot be used, or others can read the key
 */
export function readSecureContext({ ca, certificate, key }: SinkTlsFiles): SecureContext {
  using secret = key === undefined ? undefined : readCredential(key, 'the private key');
  const pem = {
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(certificate === undefined ? {} : { cert: readPem(certificate) }),
    ...(secret === undefined ? {} : { key: viewOf(secret.bytes) }),
  };
  try {
    return createSecureContext({ ...pem, minVersion: 'TLSv1.2' });
  } catch (error) {
    const files = [ca, certificate, key].filter((file) => file !== undefined).join(', ');
    throw new SinkDeliveryError(
      `${files}: these are no certificates (PEM), or the key belongs to another certificate`,
      { cause: error },
    );
  }
}

/** A bearer token (RFC 6750 §2.1). */
const bearerToken = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Reads the bearer token of a file, without the end of the line.
 * @throws {SinkDeliveryError} when the file cannot be used, others can read it, or it has no token
 */
export function readBearerToken(file: string): Secret {
  using content = readCredential(file, 'the token');
  const { bytes } = content;
  let { length } = bytes;
  while (length > 0 && (bytes[length - 1] === 0x0a || bytes[length - 1] === 0x0d)) length -= 1;
  const token = bytes.subarray(0, length);
  // The header of a request is a string too, which nobody can overwrite.
  if (bearerToken.test(new TextDecoder().decode(token))) return Secret.copyOf(token);
  throw new SinkDeliveryError(`the token ${file} is no bearer token (RFC 6750)`);
}

function readPem(file: string): string {
  try {
    return readTextFile(file, 'certificates');
  } catch (error) {
    throw unusable(file, 'the certificates', error);
  }
}

function readCredential(file: string, what: string): Secret {
  try {
    return withRegularFile(file, (descriptor) => {
      const exposure = describeExposure(fstatSync(descriptor));
      if (exposure !== undefined) throw new UnusableFileError(file, exposure);
      return readSecretToEnd(descriptor, file, 'credential');
    });
  } catch (error) {
    throw unusable(file, what, error);
  }
}

function unusable(file: string, what: string, error: unknown): SinkDeliveryError {
  const reason = describeFileError(error) ?? 'it cannot be read';
  return new SinkDeliveryError(`${what} ${file}: ${reason}`, { cause: error });
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => Buffer.from(buffer, byteOffset, length);
