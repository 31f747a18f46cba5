import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';

/** A request that must not become a certificate; the message says why and what to do, for the person at the keyboard. */
export class CertificateRefusedError extends Error {
  override readonly name = 'CertificateRefusedError';
  readonly code = 'CERTIFICATE_REFUSED';
}

/** `ec`: ECDSA on P-256. `rsa`: RSA of 2,048 bits, for old storage arrays that know nothing else. */
export type KeyKind = 'ec' | 'rsa';
export const keyKinds: readonly KeyKind[] = ['ec', 'rsa'];

/** A certificate (PEM) and its private key. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: KeyObject;
}

const generate = promisify(generateKeyPair);

/** A fresh private key. */
export async function generateKey(kind: KeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'ec'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048, publicExponent: 65537 });
  return privateKey;
}

/** PKCS#8 PEM, unencrypted: the caller sets the file's mode. */
export function privateKeyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Private key from PEM (PKCS#8, PKCS#1 or SEC1), `where` is what a message calls it. Throws CertificateRefusedError. */
export function privateKeyFromPem(pem: string, where: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new CertificateRefusedError(`${where} holds no unencrypted private key in PEM form`);
  }
}

const curves = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);

/** WebCrypto's name of an EC key's curve. Throws CertificateRefusedError for other keys. */
export function curveOf(key: KeyObject): string {
  const curve = curves.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (curve === undefined)
    throw new CertificateRefusedError('an authority signs with RSA or with EC P-256, P-384 or P-521');
  return curve;
}

/** Refuses public keys too weak or too exotic for a client certificate: RSA below 2,048 bits, unnamed or small curves. */
export function refuseWeakKey(key: KeyObject): void {
  const kind = key.asymmetricKeyType;
  const details = key.asymmetricKeyDetails ?? {};
  if (kind === 'rsa') {
    const bits = details.modulusLength ?? 0;
    if (bits >= 2048 && bits <= 8192) return;
    throw new CertificateRefusedError(`its RSA key has ${bits} bits; use 2048 to 8192`);
  }
  if (kind === 'ec' && curves.has(details.namedCurve ?? '')) return;
  if (kind === 'ed25519') return;
  const name =
    kind === 'ec' ? `an EC key on ${details.namedCurve ?? 'an unnamed curve'}` : `a key of type ${kind}`;
  throw new CertificateRefusedError(
    `it has ${name}; use RSA (2048 bits or more), EC P-256, P-384, P-521 or Ed25519`,
  );
}

/** Whether a public and a private key are one pair. */
function isKeyPair(publicKey: KeyObject, privateKey: KeyObject): boolean {
  return createPublicKey(privateKey).equals(publicKey);
}

/** An authority ready to sign. Throws CertificateRefusedError when certificate and key are not one pair. */
export function openAuthority(certificate: string, key: KeyObject): IssuedCertificate {
  if (!isKeyPair(new X509Certificate(certificate).publicKey, key)) {
    throw new CertificateRefusedError(
      'the certificate of the authority and its private key do not belong together',
    );
  }
  return { certificate, key };
}
