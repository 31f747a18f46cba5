import { createPublicKey, type KeyObject, verify, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { derOf, parseDer, readBits, readOid, readSequence } from '../asn1/der.ts';
import { InvalidCertificateRequestError } from '../errors.ts';
import { runBriefly } from '../threads/limit-concurrency.ts';

/* Signatures of certificate requests (RFC 2986 §3), which prove that the requester has the private key. */

/** OpenSSL's names of the key and of the hash; null where the algorithm has its own hash. */
type Scheme = readonly [key: string, hash: string | null];

/**
 * RFC 3279, 4055, 5758, 8410, 9881 and 9909; SHA-1 suffices here, because only the requester chooses the
 * signed data.
 */
const schemes: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['1.2.840.113549.1.1.5', ['rsa', 'sha1']],
  ['1.2.840.113549.1.1.14', ['rsa', 'sha224']],
  ['1.2.840.113549.1.1.11', ['rsa', 'sha256']],
  ['1.2.840.113549.1.1.12', ['rsa', 'sha384']],
  ['1.2.840.113549.1.1.13', ['rsa', 'sha512']],
  ['1.2.840.10045.4.1', ['ec', 'sha1']],
  ['1.2.840.10045.4.3.1', ['ec', 'sha224']],
  ['1.2.840.10045.4.3.2', ['ec', 'sha256']],
  ['1.2.840.10045.4.3.3', ['ec', 'sha384']],
  ['1.2.840.10045.4.3.4', ['ec', 'sha512']],
  ['1.2.840.10040.4.3', ['dsa', 'sha1']],
  ['2.16.840.1.101.3.4.3.1', ['dsa', 'sha224']],
  ['2.16.840.1.101.3.4.3.2', ['dsa', 'sha256']],
  ['1.3.101.112', ['ed25519', null]],
  ['1.3.101.113', ['ed448', null]],
  ['2.16.840.1.101.3.4.3.17', ['ml-dsa-44', null]],
  ['2.16.840.1.101.3.4.3.18', ['ml-dsa-65', null]],
  ['2.16.840.1.101.3.4.3.19', ['ml-dsa-87', null]],
  ...['sha2', 'shake'].flatMap((hash, family) =>
    ['128s', '128f', '192s', '192f', '256s', '256f'].map((size, at): [string, Scheme] => [
      `2.16.840.1.101.3.4.3.${20 + 6 * family + at}`,
      [`slh-dsa-${hash}-${size}`, null],
    ]),
  ),
]);

const pss = '1.2.840.113549.1.1.10';
const verifyOnThread = promisify(verify);

/**
 * Tells whether the key in a request, SubjectPublicKeyInfo in DER, made its signature.
 * @throws {InvalidCertificateRequestError} for kinds of keys and signatures that are not supported
 * @throws {InvalidDerError} when the request is not DER
 */
export async function isRequestSignedBy(request: Uint8Array, publicKey: Uint8Array): Promise<boolean> {
  const [info, algorithm, signature] = readSequence(parseDer(request));
  const id = readOid(readSequence(algorithm)[0]);
  if (id === pss) return isSignedWithPss(request);
  const scheme = schemes.get(id);
  if (scheme === undefined || info === undefined)
    throw new InvalidCertificateRequestError(
      `signatures of the algorithm ${id}, as in the certificate request, are not verified`,
    );
  const key = openKey(publicKey);
  const [kind, hash] = scheme;
  if (key.asymmetricKeyType !== kind) return false;
  return runBriefly(() => verifyOnThread(hash, derOf(info), key, readBits(signature)).catch(() => false));
}

function openKey(publicKey: Uint8Array): KeyObject {
  try {
    const key = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength);
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    throw new InvalidCertificateRequestError(
      'the certificate request is for a kind of key that is not known here',
    );
  }
}

/** The library reads the parameters. */
async function isSignedWithPss(request: Uint8Array): Promise<boolean> {
  const x509 = await import('../../../certs/x509.ts');
  const opened = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
  return runBriefly(() => opened.verify(webcrypto as Crypto).catch(() => false));
}
