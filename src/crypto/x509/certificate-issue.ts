import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
import type { Extension, X509CertificateCreateParams } from '../../../certs/x509.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { isSameBytes } from '../../common/bytes.ts';
import { encodeDer, makeSequence, parseDer } from '../asn1/der.ts';
import type { CertificateContent, CertificateSpecification } from '../certification.ts';
import { InvalidNameError, InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { readSpki } from '../keys/der-keys.ts';
import { createKeyObject, requireShortModulus } from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import { runOnPool } from '../threads/limit-concurrency.ts';
import { canonicalKey } from './canonical-key.ts';
import { grantableUsages } from './certificate-content.ts';
import { requireIssuable } from './certificate-limits.ts';
import { findWeakness } from './key-strength.ts';

/* Certificates of version 3 (RFC 5280), signed by a key that the server holds. */

/** Bits of KeyUsage (RFC 5280 §4.2.1.3). */
const usageBits = { digitalSignature: 1, keyEncipherment: 4, keyAgreement: 16, keyCertSign: 32, cRLSign: 64 };
const nameConstraintsOid = '2.5.29.30';
const authorityBits = usageBits.keyCertSign | usageBits.cRLSign;

/**
 * Issues a certificate, in DER, signed on the thread pool.
 * @throws {UnsupportedAlgorithmError} when the issuer's key cannot sign so, or a key is too weak
 * @throws {InvalidParametersError} when the signature parameters contradict each other or the key
 * @throws {InvalidNameError} when an alternative name is not a GeneralName
 */
export function issueCertificate(specification: CertificateSpecification): Promise<Uint8Array> {
  return runOnPool(() => signCertificate(specification));
}

async function signCertificate(specification: CertificateSpecification): Promise<Uint8Array> {
  const { content } = specification;
  requireStrength(content.publicKey);
  requireIssuable(content);
  const key = createKeyObject(specification.issuerKey);
  const algorithm = chooseSigningAlgorithm(key, specification.signature);
  const x509 = await import('../../../certs/x509.ts');
  const issuerKey = specification.issuerCertificate === undefined ? content.publicKey : exportPublicKey(key);
  const identifier = await readIssuerIdentifier(specification.issuerCertificate, issuerKey);
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(
      content.authority,
      content.authority ? content.pathLength : undefined,
      true,
    ),
    new x509.KeyUsagesExtension(chooseKeyUsage(content), true),
    await x509.SubjectKeyIdentifierExtension.create(copyForLibrary(content.publicKey)),
    new x509.AuthorityKeyIdentifierExtension(identifier),
  ];
  if (content.nameConstraints !== undefined)
    extensions.push(new x509.Extension(nameConstraintsOid, true, copyForLibrary(content.nameConstraints)));
  const purposes = grantableUsages(content.extendedKeyUsage);
  if (purposes.length > 0) extensions.push(new x509.ExtendedKeyUsageExtension([...purposes]));
  if (content.alternativeNames.length > 0) {
    for (const name of content.alternativeNames) requireGeneralName(name, x509);
    const names = encodeDer(makeSequence(...content.alternativeNames.map(parseDer)));
    // Critical where it is the only name there is (RFC 5280 §4.2.1.6).
    const critical = content.subject.length <= 2;
    extensions.push(new x509.Extension('2.5.29.17', critical, copyForLibrary(names)));
  }
  if (specification.revocationListUrl !== undefined) {
    extensions.push(new x509.CRLDistributionPointsExtension([specification.revocationListUrl]));
  }
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: toPositive(specification.serialNumber).toHex(),
      subject: new x509.Name(copyForLibrary(content.subject)),
      issuer: new x509.Name(copyForLibrary(specification.issuer)),
      notBefore: new Date(specification.notBefore * 1000),
      notAfter: new Date(specification.notAfter * 1000),
      publicKey: copyForLibrary(content.publicKey),
      signingKey: key.toCryptoKey(algorithm, false, ['sign']) as CryptoKey,
      signingAlgorithm: algorithm as X509CertificateCreateParams['signingAlgorithm'],
      extensions,
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(certificate.rawData);
}

/** DER from a client goes into the certificate unchanged, so it must be a GeneralName. */
function requireGeneralName(der: Uint8Array, x509: typeof import('../../../certs/x509.ts')): void {
  try {
    parseDer(der);
    new x509.GeneralName(copyForLibrary(der));
  } catch {
    throw new InvalidNameError('an alternative name is not a GeneralName in DER');
  }
}

/** Tells whether the private key belongs to the public key, SubjectPublicKeyInfo in DER, in any encoding. */
export function isPair(privateKey: PlainKey, publicKey: Uint8Array): boolean {
  return isSameBytes(canonicalKey(publicKeyOf(privateKey)), canonicalKey(publicKey));
}

/** Returns the public key of a private key as SubjectPublicKeyInfo in DER. */
export function publicKeyOf(privateKey: PlainKey): Uint8Array {
  return exportPublicKey(createKeyObject(privateKey));
}

/** Returns the public key of a key pair as SubjectPublicKeyInfo in DER. */
export function exportPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/**
 * Reads the Subject Key Identifier of the issuer's certificate, in hexadecimal; without one, computes it from
 * the key, SubjectPublicKeyInfo in DER (RFC 5280 §4.2.1.2).
 */
export async function readIssuerIdentifier(
  certificate: Uint8Array | undefined,
  key: Uint8Array,
): Promise<string> {
  const x509 = await import('../../../certs/x509.ts');
  const stated =
    certificate === undefined
      ? null
      : new x509.X509Certificate(certificate).getExtension(x509.SubjectKeyIdentifierExtension);
  return (stated ?? (await x509.SubjectKeyIdentifierExtension.create(copyForLibrary(key)))).keyId;
}

/** Chooses the requested usages, without those of authorities for others and with them for authorities. */
function chooseKeyUsage({ publicKey, keyUsage = 0, authority }: CertificateContent): number {
  const asked = authority ? keyUsage | authorityBits : keyUsage & ~authorityBits;
  return asked === 0 ? defaultKeyUsage(publicKey) : asked;
}

function defaultKeyUsage(publicKey: Uint8Array): number {
  const key = readSpki(publicKey);
  if (key.kind === 'rsaPublic') return usageBits.digitalSignature | usageBits.keyEncipherment;
  const use = key.kind === 'bytePublic' ? key.type.use : undefined;
  // RFC 9935 §5: keys for encapsulation may have this usage only.
  if (use === 'encapsulation') return usageBits.keyEncipherment;
  const agrees = key.kind === 'dhPublic' || use === 'agreement';
  return agrees ? usageBits.keyAgreement : usageBits.digitalSignature;
}

function requireStrength(publicKey: Uint8Array): void {
  const weakness = findWeakness(publicKey);
  if (weakness !== undefined) throw new UnsupportedAlgorithmError(weakness);
}

const hashes = { SHA_256: 'SHA-256', SHA_384: 'SHA-384', SHA_512: 'SHA-512' } as const;
type Hash = keyof typeof hashes;
const curves: Partial<Record<string, readonly [name: string, hash: Hash]>> = {
  prime256v1: ['P-256', 'SHA_256'],
  secp384r1: ['P-384', 'SHA_384'],
  secp521r1: ['P-521', 'SHA_512'],
};
const signatureAlgorithms: Partial<Record<string, readonly [kind: string, hash: Hash | undefined]>> = {
  SHA_256WithRSAEncryption: ['rsa', 'SHA_256'],
  SHA_384WithRSAEncryption: ['rsa', 'SHA_384'],
  SHA_512WithRSAEncryption: ['rsa', 'SHA_512'],
  RSASSA_PSS: ['rsa', undefined],
  ECDSAWithSHA256: ['ec', 'SHA_256'],
  ECDSAWithSHA384: ['ec', 'SHA_384'],
  ECDSAWithSHA512: ['ec', 'SHA_512'],
};

type Signing = Parameters<KeyObject['toCryptoKey']>[0];

/**
 * Chooses the algorithm with which the issuer's key signs, in the form of WebCrypto.
 * @throws {UnsupportedAlgorithmError} when the key cannot sign so, or has less than 2048 bits
 * @throws {InvalidParametersError} when the parameters contradict each other or the key
 */
export function chooseSigningAlgorithm(key: KeyObject, parameters: CryptographicParameters): Signing {
  const { DigitalSignatureAlgorithm: name, HashingAlgorithm: asked, PaddingMethod: padding } = parameters;
  const scheme = name === undefined ? undefined : signatureAlgorithms[String(name)];
  if (name !== undefined && scheme === undefined) {
    throw new UnsupportedAlgorithmError(`certificates are not signed with ${name}`);
  }
  const kind = key.asymmetricKeyType;
  if (scheme !== undefined && scheme[0] !== kind) {
    throw new InvalidParametersError("Digital Signature Algorithm is not that of the issuer's key");
  }
  if (scheme?.[1] !== undefined && asked !== undefined && asked !== scheme[1]) {
    throw new InvalidParametersError('Hashing Algorithm contradicts Digital Signature Algorithm');
  }
  const requestedHash = scheme?.[1] ?? asked;
  if (kind === 'ed25519') return { name: 'Ed25519' };
  if (kind === 'rsa') {
    const hash = hashes[chooseHash(requestedHash, 'SHA_256')];
    const usual = name === 'RSASSA_PSS' ? 'PSS' : 'PKCS1V1_5';
    // `SHA-n with RSA Encryption` beside the padding PSS is PSS with that hash.
    const pss = (padding ?? usual) === 'PSS';
    if (padding !== undefined && padding !== 'PSS' && padding !== usual) {
      throw new InvalidParametersError(`certificates are not signed with Padding Method ${padding}`);
    }
    requireModulusLength(key);
    return pss
      ? ({ name: 'RSA-PSS', hash, saltLength: Number(hash.slice(4)) / 8 } as Signing)
      : { name: 'RSASSA-PKCS1-v1_5', hash };
  }
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (kind !== 'ec' || curve === undefined) {
    throw new UnsupportedAlgorithmError(
      'an issuer signs with RSA, with EC P-256, P-384 or P-521, or with Ed25519',
    );
  }
  return {
    name: 'ECDSA',
    namedCurve: curve[0],
    hash: hashes[chooseHash(requestedHash, curve[1])],
  } as Signing;
}

function chooseHash(asked: CryptographicParameters['HashingAlgorithm'], usual: Hash): Hash {
  if (asked === undefined) return usual;
  if (Object.hasOwn(hashes, asked)) return asked as Hash;
  throw new UnsupportedAlgorithmError(`certificates are not signed with a hash of ${asked}`);
}

function requireModulusLength(key: KeyObject): void {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048) throw new UnsupportedAlgorithmError("the issuer's key has less than 2048 bits");
  requireShortModulus(new Uint8Array(bits / 8).fill(0xff));
}

/** Makes a positive serial number of 16 random octets (RFC 5280 §4.1.2.2). */
function toPositive(octets: Uint8Array): Uint8Array {
  const content = new Uint8Array(octets);
  // With the top bits 01 the number is positive, is never shortened, and keeps 126 random bits.
  content[0] = ((content[0] ?? 0) & 0x3f) | 0x40;
  return content;
}

/** Copies bytes for the library, whose types exclude buffers that threads share. */
export function copyForLibrary(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
