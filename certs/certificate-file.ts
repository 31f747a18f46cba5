import { X509Certificate } from 'node:crypto';
import * as asn1 from 'asn1js';
import { CertificateRefusedError } from './keys.ts';
import * as x509 from './x509.ts';

/** Labels of PEM blocks (RFC 7468 §4) that are read. */
const certificateLabels: ReadonlySet<string> = new Set([
  'CERTIFICATE',
  'X509 CERTIFICATE',
  'TRUSTED CERTIFICATE',
]);
const pkcs7Labels: ReadonlySet<string> = new Set(['PKCS7', 'PKCS #7 SIGNED DATA', 'CMS']);

/** Content that is often given in place of a certificate, by the label of its PEM block. */
const otherContents: readonly (readonly [label: RegExp, message: string])[] = [
  [/CERTIFICATE REQUEST$/, 'it is a certificate request; give it with --csr'],
  [/PRIVATE KEY$/, 'it contains a private key and no certificate'],
  [/PUBLIC KEY$/, 'it contains a public key and no certificate'],
  [/CRL$/, 'it is a revocation list'],
];

/**
 * Reads the certificates of a file: X.509 in PEM or DER, OpenSSL's TRUSTED CERTIFICATE without its trust
 * settings, and PKCS#7 (RFC 2315 §9) in PEM or DER. The certificate that issued none of the others comes
 * first, also where the file has another order.
 *
 * @throws {CertificateRefusedError} which names the content when there is no certificate.
 */
export function readCertificateFile(content: Uint8Array): readonly [X509Certificate, ...X509Certificate[]] {
  const text = new TextDecoder('latin1').decode(content);
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 #]+)-----([^-]*)-----END \1-----/g)];
  const certificates =
    blocks.length > 0
      ? blocks.flatMap(([, label = '', body = '']) => readBlock(label, Buffer.from(body, 'base64')))
      : readDer(content);
  const [first, ...others] = new Map(certificates.map((each) => [each.fingerprint256, each])).values();
  if (first === undefined) throw new CertificateRefusedError(nameContent(blocks[0]?.[1]));
  return orderFromLeaf([first, ...others]);
}

function readBlock(label: string, der: Buffer): readonly X509Certificate[] {
  if (pkcs7Labels.has(label)) return readPkcs7(der);
  if (!certificateLabels.has(label)) return [];
  // The settings of a TRUSTED CERTIFICATE stand behind it.
  const { offset } = asn1.fromBER(der);
  if (offset <= 0) throw new CertificateRefusedError('the certificate in it cannot be read; is it complete?');
  return [parse(der.subarray(0, offset))];
}

function readDer(der: Uint8Array): readonly X509Certificate[] {
  const { offset, result } = asn1.fromBER(der);
  if (offset !== der.length || !(result instanceof asn1.Sequence)) return [];
  const [first, second] = result.valueBlock.value;
  if (first instanceof asn1.ObjectIdentifier) return readPkcs7(der);
  if (first instanceof asn1.Integer && second instanceof asn1.Sequence)
    throw new CertificateRefusedError(
      'it is PKCS#12 or a private key; write the certificates alone: openssl pkcs12 -in FILE -nokeys',
    );
  return [parse(der)];
}

function readPkcs7(der: Uint8Array): readonly X509Certificate[] {
  try {
    return [...new x509.X509Certificates(der)].map(({ rawData }) => parse(new Uint8Array(rawData)));
  } catch {
    throw new CertificateRefusedError('the PKCS#7 in it cannot be read');
  }
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new CertificateRefusedError('the certificate in it cannot be read; is it complete?');
  }
}

function nameContent(label: string | undefined): string {
  const found = otherContents.find(([expression]) => expression.test(label ?? ''))?.[1];
  return found ?? 'it contains no certificate (X.509 in PEM or DER, or PKCS#7)';
}

type Certificates = readonly [X509Certificate, ...X509Certificate[]];

function orderFromLeaf(certificates: Certificates): Certificates {
  const issuedNone = certificates.filter(
    (each) => !certificates.some((other) => other !== each && other.issuer === each.subject),
  );
  const [leaf, another] = issuedNone;
  if (leaf === undefined || another !== undefined) return certificates;
  return [leaf, ...certificates.filter((each) => each !== leaf)];
}
