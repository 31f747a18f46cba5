import { KeyObject, webcrypto } from 'node:crypto';
import { privateKeyToPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';

const day = 86_400_000;
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
export const rsa = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash,
});

/** Content of a certificate; fields left out are those of a sound one. */
export interface Draft {
  readonly name?: string;
  /** Undefined: no Basic Constraints. */
  readonly ca?: boolean | undefined;
  readonly pathLength?: number;
  /** Undefined: no Key Usage. */
  readonly usage?: number | undefined;
  /** Undefined: no Extended Key Usage. */
  readonly purposes?: readonly string[] | undefined;
  readonly extensions?: readonly x509.Extension[];
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
  readonly algorithm?: ReturnType<typeof rsa> | typeof ecdsa;
  /** Hash of the issuer's signature. */
  readonly hash?: string;
}

/** A certificate with its key, and the certificates of its issuers from the nearest up. */
export interface Made {
  readonly certificate: string;
  readonly key: string;
  readonly pair: webcrypto.CryptoKeyPair;
  readonly draft: Draft;
  readonly issuers: readonly string[];
}

const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
export const leaf: Draft = {
  ca: false,
  usage: digitalSignature,
  purposes: [x509.ExtendedKeyUsage.clientAuth],
};
export const authority: Draft = { ca: true, usage: keyCertSign | cRLSign };

/** Makes a certificate of `issuer`, or a self-signed one. */
export async function make(draft: Draft, issuer?: Made): Promise<Made> {
  const algorithm = draft.algorithm ?? ecdsa;
  const pair = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const { ca, usage, purposes, from = -1, until = 1, name = 'test' } = draft;
  const signer = issuer?.pair ?? pair;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [{ CN: [name] }],
      issuer: [{ CN: [issuer?.draft.name ?? name] }],
      notBefore: new Date(Date.now() + from * day),
      notAfter: new Date(Date.now() + until * day),
      publicKey: pair.publicKey,
      signingKey: signer.privateKey,
      signingAlgorithm: {
        ...(issuer === undefined ? algorithm : (issuer.draft.algorithm ?? ecdsa)),
        ...(draft.hash && { hash: draft.hash }),
      },
      extensions: [
        ...(ca === undefined ? [] : [new x509.BasicConstraintsExtension(ca, draft.pathLength, true)]),
        ...(usage === undefined ? [] : [new x509.KeyUsagesExtension(usage, true)]),
        ...(purposes === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
        ...(draft.extensions ?? []),
      ],
    },
    webcrypto as Crypto,
  );
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: privateKeyToPem(KeyObject.from(pair.privateKey)),
    pair,
    draft,
    issuers: issuer === undefined ? [] : [issuer.certificate, ...issuer.issuers],
  };
}
