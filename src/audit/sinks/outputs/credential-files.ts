import { closeSync, fstatSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { SinkTlsFiles } from '../../../common/audit-sink-settings.ts';
import {
  describeFileError,
  openRegularFile,
  readSecretToEnd,
  readTextFile,
  UnusableFileError,
} from '../../../common/regular-file.ts';
import { Secret } from '../../../common/secret.ts';
import { SinkDeliveryError } from './output.ts';

/** Bits of a mode for the group and for all other users. */
const groupAndOthers = 0o077;

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
    const descriptor = openRegularFile(file);
    try {
      const mode = fstatSync(descriptor).mode & 0o777;
      if ((mode & groupAndOthers) !== 0)
        throw new UnusableFileError(
          file,
          `mode ${mode.toString(8).padStart(4, '0')}, others can read it: chmod 600 it`,
        );
      return readSecretToEnd(descriptor, file, 'credential');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw unusable(file, what, error);
  }
}

function unusable(file: string, what: string, error: unknown): SinkDeliveryError {
  const reason = describeFileError(error) ?? 'it cannot be read';
  return new SinkDeliveryError(`${what} ${file}: ${reason}`, { cause: error });
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => Buffer.from(buffer, byteOffset, length);
