import { X509Certificate } from 'node:crypto';
import { createPkcs12, passwordIterations } from '../../../certs/pkcs12.ts';
import {
  InvalidCertificateError,
  InvalidKeyMaterialError,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import { createKeyObject, requireComponents } from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Pkcs12Parts } from '../wrapping.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Encodes a private key and its certificates as PKCS#12 in DER (RFC 7292).
 * @throws {UnsupportedAlgorithmError} for a key that is not private, or a DH key
 * @throws {InvalidCertificateError} when a certificate is not X.509
 * @throws {InvalidKeyMaterialError} when the first certificate is not that of the key
 * @throws {InvalidParametersError} when the password is not UTF-8 text
 */
export function encodePkcs12(
  key: PlainKey,
  { certificates, password, friendlyName }: Pkcs12Parts,
): Uint8Array {
  if (key.objectType !== 'PrivateKey') throw new UnsupportedAlgorithmError('PKCS#12 is for private keys');
  const { kind } = requireComponents(key);
  if (kind === 'dhPrivate') throw new UnsupportedAlgorithmError('a DH key has no certificate to go with');
  const object = createKeyObject(key);
  const [own, ...authorities] = certificates.map(openChainCertificate);
  if (own !== undefined && !own.checkPrivateKey(object))
    throw new InvalidKeyMaterialError('the certificate is not that of the key');
  return createPkcs12({
    key: object,
    certificate: own?.raw,
    authorities: authorities.map(({ raw }) => raw),
    friendlyName,
    password: decodePassword(password),
    encryption: 'aes',
    iterations: passwordIterations,
  });
}

function openChainCertificate(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new InvalidCertificateError('a certificate of the chain is not X.509');
  }
}

/**
 * Decodes a password, which PKCS#12 takes as text (RFC 7292, appendix B.1).
 * @throws {InvalidParametersError} when the password is not UTF-8
 */
export function decodePassword(password: Uint8Array): string {
  try {
    return utf8.decode(password);
  } catch {
    throw new InvalidParametersError('the password is not UTF-8 text, as PKCS#12 wants it');
  }
}
