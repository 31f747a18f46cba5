import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import * as asn1 from 'asn1js';

/**
 * A certificate, key or request that cannot be used. The message tells the user of the command line why and
 * what to do.
 */
export class CertificateRefusedError extends Error {
  override readonly name = 'CertificateRefusedError';
  readonly code = 'CERTIFICATE_REFUSED';
}

/** `ec`: ECDSA on P-256. `rsa`: RSA with 2,048 bits, for old storage arrays that support nothing else. */
export type KeyKind = 'ec' | 'rsa';
/** All key kinds, the default first. */
export const keyKinds: readonly KeyKind[] = ['ec', 'rsa'];

/** A certificate (PEM) and its private key. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: KeyObject;
}

const generate = promisify(generateKeyPair);

/** Generates a private key. */
export async function generateKey(kind: KeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'ec'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048, publicExponent: 65537 });
  return privateKey;
}

/** Encodes a private key as PKCS#8 PEM, unencrypted: the caller sets the mode of the file. */
export function privateKeyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Reads a private key from PEM (PKCS#8, PKCS#1 or SEC1). `where` names the source in error messages.
 *
 * @throws {CertificateRefusedError} when there is no unencrypted private key.
 */
export function privateKeyFromPem(pem: string, where: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new CertificateRefusedError(`${where} contains no unencrypted private key in PEM form`);
  }
}

const curves = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);

/**
 * Returns the WebCrypto name of the curve of an EC key.
 *
 * @throws {CertificateRefusedError} for other keys and curves.
 */
export function curveOf(key: KeyObject): string {
  const curve = curves.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (curve === undefined)
    throw new CertificateRefusedError('an authority signs with RSA or with EC P-256, P-384 or P-521');
  return curve;
}

/**
 * Refuses a public key that is too weak or too uncommon for a client certificate: RSA outside 2,048 to 8,192
 * bits, curves other than P-256, P-384 and P-521, other algorithms than these and Ed25519.
 *
 * @throws {CertificateRefusedError} with the reason.
 */
export function refuseWeakKey(key: KeyObject): void {
  const kind = key.asymmetricKeyType;
  const details = key.asymmetricKeyDetails ?? {};
  if (kind === 'rsa') {
    const bits = details.modulusLength ?? 0;
    if (bits >= 2048 && bits <= 8192) return;
    throw new CertificateRefusedError(`its RSA key has ${bits} bits; use 2048 to 8192`);
  }
  if (kind === 'ec' && hasExplicitParameters(key))
    throw new CertificateRefusedError(
      'its EC key has explicit parameters; create a key that names its curve, with -pkeyopt ec_param_enc:named_curve',
    );
  if (kind === 'ec' && curves.has(details.namedCurve ?? '')) return;
  if (kind === 'ed25519') return;
  const name =
    kind === 'ec' ? `an EC key on ${details.namedCurve ?? 'an unnamed curve'}` : `a key of type ${kind}`;
  throw new CertificateRefusedError(
    `it has ${name}; use RSA (2048 bits or more), EC P-256, P-384, P-521 or Ed25519`,
  );
}

/** Whether an EC key spells its curve out, which RFC 5480 §2.1.1 forbids; OpenSSL recognises the curve. */
function hasExplicitParameters(key: KeyObject): boolean {
  const [algorithm] = (asn1.fromBER(key.export({ type: 'spki', format: 'der' })).result as asn1.Sequence)
    .valueBlock.value as [asn1.Sequence];
  return !(algorithm.valueBlock.value[1] instanceof asn1.ObjectIdentifier);
}

/** Whether a public and a private key belong together. */
function isKeyPair(publicKey: KeyObject, privateKey: KeyObject): boolean {
  return createPublicKey(privateKey).equals(publicKey);
}

/**
 * Returns an authority that can sign, from its certificate (PEM) and private key.
 *
 * @throws {CertificateRefusedError} when certificate and key do not belong together.
 */
export function openAuthority(certificate: string, key: KeyObject): IssuedCertificate {
  if (!isKeyPair(new X509Certificate(certificate).publicKey, key)) {
    throw new CertificateRefusedError(
      'the certificate of the authority and its private key do not belong together',
    );
  }
  return { certificate, key };
}
