import { webcrypto } from 'node:crypto';
import * as x509 from '../../../../certs/x509.ts';

/** Chains of certificates for tests of what the server thinks of them. */

export const day = 86_400;
export const now = 1_800_000_000;
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Link {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly der: Uint8Array;
}

interface Draft {
  readonly extensions?: x509.Extension[];
  readonly algorithm?: object;
  /** The whole name; `CN=` and the name given when left out. */
  readonly subject?: string | x509.Name;
  /** As the certificate writes it; as its issuer's subject when left out. */
  readonly issuer?: x509.Name;
  readonly from?: number;
  readonly keys?: webcrypto.CryptoKeyPair;
}

/** A certificate of a hand other than the server's, so that it may be wrong. */
export async function made(name: string, issuer: Link | undefined, draft: Draft = {}): Promise<Link> {
  const algorithm = draft.algorithm ?? ecdsa;
  const keys =
    draft.keys ??
    ((await webcrypto.subtle.generateKey(algorithm as typeof ecdsa, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '01',
      subject: draft.subject ?? `CN=${name}`,
      issuer: draft.issuer ?? (issuer === undefined ? (draft.subject ?? `CN=${name}`) : `CN=${issuer.name}`),
      notBefore: new Date((now + (draft.from ?? 0)) * 1000),
      notAfter: new Date((now + 100 * day) * 1000),
      publicKey: keys.publicKey,
      signingKey: (issuer ?? { keys }).keys.privateKey,
      signingAlgorithm: algorithm as x509.X509CertificateCreateParams['signingAlgorithm'],
      extensions: draft.extensions ?? [],
    } as x509.X509CertificateCreateParams,
    webcrypto as Crypto,
  );
  return { name, keys, der: new Uint8Array(certificate.rawData) };
}

export const ca = (pathLength?: number) => new x509.BasicConstraintsExtension(true, pathLength, true);
export const usage = (bits: number) => new x509.KeyUsagesExtension(bits, true);
