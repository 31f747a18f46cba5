import { createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as asn1 from 'asn1js';
import {
  CertificateRefusedError,
  curveOf,
  generateKey,
  type IssuedCertificate,
  type KeyKind,
  refuseWeakKey,
} from './keys.ts';
import * as x509 from './x509.ts';

const day = 86_400_000;
/** Milliseconds by which certificates begin in the past, for clients whose clock is slow. */
const backdating = 3_600_000;
/** Validity in days. */
const lifetimeDays = { authority: 3652, server: 730, client: 1826 } as const;

/**
 * Creates the self-signed certificate (PEM) of a development authority: CA, path length 0, for certificates
 * and revocation lists, valid for ten years (RFC 5280 §4.2.1.9, §4.2.1.3). `name` becomes the common name.
 */
export async function createAuthority(name: string, key: KeyObject, now = new Date()): Promise<string> {
  const publicKey = createPublicKey(key);
  return sign({
    subject: name,
    issuer: { subject: [{ CN: [name] }], key },
    publicKey,
    now,
    until: new Date(now.getTime() + lifetimeDays.authority * day),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(spki(publicKey)),
    ],
  });
}

/**
 * Issues a server certificate (PEM) for `names` (DNS names and IP addresses), valid for two years:
 * serverAuth, and clientAuth for connections that the server opens. The first name is also the common name,
 * for clients that check only that.
 *
 * @throws {CertificateRefusedError} without names, or when one is neither a DNS name nor an IP address.
 */
export async function issueServer(
  authority: IssuedCertificate,
  key: KeyObject,
  names: readonly string[],
  now = new Date(),
): Promise<string> {
  const alternatives = names.map(generalName);
  const [first] = names;
  if (first === undefined) throw new CertificateRefusedError('a server certificate needs at least one name');
  const subject = first.length <= 64 ? first : 'kmipd';
  const purpose = new x509.ExtendedKeyUsageExtension([
    x509.ExtendedKeyUsage.serverAuth,
    x509.ExtendedKeyUsage.clientAuth,
  ]);
  return issueLeaf(authority, createPublicKey(key), subject, lifetimeDays.server, now, [
    purpose,
    new x509.SubjectAlternativeNameExtension(alternatives),
  ]);
}

/** Issues a client certificate for a new key: valid for five years, clientAuth, common name `name`. */
export async function issueClient(
  authority: IssuedCertificate,
  name: string,
  kind: KeyKind = 'ec',
  now = new Date(),
): Promise<IssuedCertificate> {
  const key = await generateKey(kind);
  return { certificate: await issueClientFor(authority, name, createPublicKey(key), now), key };
}

/**
 * Issues a client certificate (PEM) for a certificate request (PKCS#10, RFC 2986; PEM or DER). Only the
 * public key is used; subject and extensions of the request are ignored.
 *
 * @throws {CertificateRefusedError} when the request cannot be read, its signature is not valid, or its key
 * is too weak.
 */
export async function signRequest(
  authority: IssuedCertificate,
  name: string,
  request: Uint8Array,
  now = new Date(),
): Promise<string> {
  const parsed = readRequest(request);
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(parsed.publicKey.rawData), format: 'der', type: 'spki' });
  } catch {
    throw new CertificateRefusedError('the key in it cannot be read');
  }
  refuseWeakKey(publicKey);
  refuseOldSignature(parsed);
  // WebCrypto throws for an algorithm that it does not know, which is the same failure for the sender.
  if (!(await parsed.verify(webcrypto as Crypto).catch(() => false))) {
    throw new CertificateRefusedError('its signature does not match its key; create the request again');
  }
  return issueClientFor(authority, name, publicKey, now);
}

/** Hashes for which collisions are made in practice, by the algorithm of a signature (RFC 3279, RFC 8017). */
const brokenHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.3', 'MD4'],
  ['1.2.840.113549.1.1.4', 'MD5'],
]);

function refuseOldSignature(request: x509.Pkcs10CertificateRequest): void {
  const [, algorithm] = (asn1.fromBER(request.rawData).result as asn1.Sequence).valueBlock.value;
  const [id] = (algorithm as asn1.Sequence).valueBlock.value;
  const hash = brokenHashes.get((id as asn1.ObjectIdentifier).valueBlock.toString());
  if (hash !== undefined)
    throw new CertificateRefusedError(`it is signed with ${hash}; create it again with SHA-256 (-sha256)`);
}

/** Decodes a certificate request in PEM or DER. */
function readRequest(request: Uint8Array): x509.Pkcs10CertificateRequest {
  const text = new TextDecoder('latin1').decode(request);
  const pem = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/.exec(text)?.[1];
  try {
    return new x509.Pkcs10CertificateRequest(pem === undefined ? request : Buffer.from(pem, 'base64'));
  } catch {
    throw new CertificateRefusedError('it is not a certificate request (PKCS#10, PEM or DER)');
  }
}

async function issueClientFor(
  authority: IssuedCertificate,
  name: string,
  publicKey: KeyObject,
  now: Date,
): Promise<string> {
  const purpose = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
  return issueLeaf(authority, publicKey, name, lifetimeDays.client, now, [purpose]);
}

/**
 * Issues an end-entity certificate with the extensions of all kinds and those of its own; it never outlives
 * its authority.
 */
async function issueLeaf(
  authority: IssuedCertificate,
  publicKey: KeyObject,
  subject: string,
  days: number,
  now: Date,
  extensions: readonly x509.Extension[],
): Promise<string> {
  const parent = new x509.X509Certificate(authority.certificate);
  const requestedEnd = new Date(now.getTime() + days * day);
  // TLS 1.2 suites with RSA key transport encrypt to the certificate's key.
  const usage =
    publicKey.asymmetricKeyType === 'rsa'
      ? x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment
      : x509.KeyUsageFlags.digitalSignature;
  return sign({
    subject,
    issuer: { subject: parent.subjectName.toJSON(), key: authority.key },
    publicKey,
    now,
    until: requestedEnd < parent.notAfter ? requestedEnd : parent.notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(usage, true),
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(spki(publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(spki(createPublicKey(authority.key))),
    ],
  });
}

/** Content of a certificate and the key that signs it. */
interface Draft {
  readonly subject: string;
  readonly issuer: { readonly subject: x509.JsonName; readonly key: KeyObject };
  readonly publicKey: KeyObject;
  readonly now: Date;
  readonly until: Date;
  readonly extensions: x509.Extension[];
}

/** Signs a certificate and returns it as PEM. */
async function sign(draft: Draft): Promise<string> {
  const algorithm =
    draft.issuer.key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', hash: 'SHA-256', namedCurve: curveOf(draft.issuer.key) };
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      // A structured name, so that a comma or an equals sign in the text cannot start another attribute.
      subject: [{ CN: [draft.subject] }],
      issuer: draft.issuer.subject,
      notBefore: new Date(draft.now.getTime() - backdating),
      notAfter: draft.until,
      publicKey: spki(draft.publicKey),
      signingKey: draft.issuer.key.toCryptoKey(algorithm, false, ['sign']) as CryptoKey,
      signingAlgorithm: algorithm,
      extensions: draft.extensions,
    },
    webcrypto as Crypto,
  );
  return `${certificate.toString('pem')}\n`;
}

/**
 * Returns 128 random bits as hexadecimal DER content: positive, without a superfluous leading zero (RFC 5280
 * §4.1.2.2).
 */
function serialNumber(): string {
  for (;;) {
    const bytes = randomBytes(16);
    const first = bytes[0] ?? 0;
    if (first !== 0) return (first >= 0x80 ? '00' : '') + bytes.toString('hex');
  }
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

const dnsName = /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;

function generalName(name: string): { type: 'ip' | 'dns'; value: string } {
  if (isIP(name) !== 0) return { type: 'ip', value: name };
  if (name.length <= 253 && dnsName.test(name)) return { type: 'dns', value: name };
  throw new CertificateRefusedError(`"${name}" is neither a DNS name nor an IP address`);
}
