import {
  type Cipheriv,
  createCipheriv,
  createHash,
  createHmac,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import * as asn1 from 'asn1js';
import { derivePkcs12 } from './pkcs12-kdf.ts';

/**
 * `aes`: PBES2 with AES-256 and a SHA-256 MAC; OpenSSL 1.1, Java 8u301, Windows Server 2019 and newer.
 * `3des`: the algorithms of 1999 (SHA-1, Triple DES) for everything older; the password protects little
 * there.
 */
export type Pkcs12Encryption = 'aes' | '3des';

/** Input of `createPkcs12`. */
export interface Pkcs12Contents {
  readonly key: KeyObject;
  /** Certificate of the key, PEM or DER. */
  readonly certificate?: string | Uint8Array | undefined;
  /** Certificates of its authorities, the issuer first. */
  readonly authorities: readonly (string | Uint8Array)[];
  /** Name that importing programs show. */
  readonly friendlyName?: string | undefined;
  readonly password: string;
  readonly encryption: Pkcs12Encryption;
  /** Rounds of the key derivations, of the encryption and of the MAC. */
  readonly iterations: number;
}

/**
 * Rounds for passwords that people choose: a file is an offline oracle for its password. The figure is that
 * of OWASP for PBKDF2-HMAC-SHA256 (Password Storage Cheat Sheet, 2023).
 */
export const passwordIterations = 600_000;

const oid = {
  data: '1.2.840.113549.1.7.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  sha1TripleDes: '1.2.840.113549.1.12.1.3',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

/**
 * Creates a PKCS#12 file (RFC 7292) in DER: the key encrypted under the password, the certificates
 * unencrypted, because they are public, and a MAC under the password over both.
 */
export function createPkcs12(contents: Pkcs12Contents): Uint8Array {
  const { certificate, friendlyName } = contents;
  const own = certificate === undefined ? [] : [new X509Certificate(certificate)];
  const identity = [
    // Importers match key and certificate by this identifier. Any bytes would do; this SHA-1 is also what
    // OpenSSL uses.
    ...own.map(({ raw }) => attribute(oid.localKeyId, octets(createHash('sha1').update(raw).digest()))),
    ...(friendlyName === undefined
      ? []
      : [attribute(oid.friendlyName, new asn1.BmpString({ value: friendlyName }))]),
  ];
  const certificates = sequence(
    ...own.map((each) => certificateBag(each, identity)),
    ...contents.authorities.map((each) => certificateBag(new X509Certificate(each), [])),
  );
  const keys = sequence(bag(oid.shroudedKeyBag, encryptKey(contents), identity));
  const content = der(sequence(data(der(certificates)), data(der(keys))));
  return der(sequence(integer(3), data(content), mac(content, contents)));
}

/** Returns the EncryptedPrivateKeyInfo of the key (RFC 5958 §3). */
function encryptKey(contents: Pkcs12Contents): asn1.AsnType {
  const { cipher, scheme } = contents.encryption === 'aes' ? startAes(contents) : startTripleDes(contents);
  const plain = contents.key.export({ type: 'pkcs8', format: 'der' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  return sequence(scheme, octets(encrypted));
}

/** A cipher under the password, and the AlgorithmIdentifier that says how to decrypt. */
interface PasswordCipher {
  readonly cipher: Cipheriv;
  readonly scheme: asn1.AsnType;
}

/** PBES2 (RFC 8018 §6.2). `key.export` would derive the key with 2,048 rounds. */
function startAes({ password, iterations }: Pkcs12Contents): PasswordCipher {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const key = pbkdf2Sync(Buffer.from(password, 'utf8'), salt, iterations, 32, 'sha256');
  const derivation = sequence(octets(salt), integer(iterations), algorithm(oid.hmacSha256, new asn1.Null()));
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  key.fill(0);
  return {
    cipher,
    scheme: algorithm(
      oid.pbes2,
      sequence(algorithm(oid.pbkdf2, derivation), algorithm(oid.aes256Cbc, octets(iv))),
    ),
  };
}

/** The password-based encryption of PKCS#12 (RFC 7292, appendix C). */
function startTripleDes({ password, iterations }: Pkcs12Contents): PasswordCipher {
  const salt = randomBytes(8);
  const key = derivePkcs12('sha1', password, salt, 'key', iterations, 24);
  const iv = derivePkcs12('sha1', password, salt, 'iv', iterations, 8);
  return {
    cipher: createCipheriv('des-ede3-cbc', key, iv),
    scheme: algorithm(oid.sha1TripleDes, sequence(octets(salt), integer(iterations))),
  };
}

/** Returns the MacData over the content (RFC 7292 §4). */
function mac(content: Uint8Array, { password, encryption, iterations }: Pkcs12Contents): asn1.AsnType {
  const [hash, length] = encryption === 'aes' ? (['sha256', 32] as const) : (['sha1', 20] as const);
  const salt = randomBytes(16);
  const key = derivePkcs12(hash, password, salt, 'mac', iterations, length);
  const digest = createHmac(hash, key).update(content).digest();
  return sequence(
    sequence(algorithm(oid[hash], new asn1.Null()), octets(digest)),
    octets(salt),
    integer(iterations),
  );
}

function certificateBag(certificate: X509Certificate, attributes: readonly asn1.AsnType[]): asn1.AsnType {
  const value = sequence(objectIdentifier(oid.x509Certificate), explicit(octets(certificate.raw)));
  return bag(oid.certificateBag, value, attributes);
}

function bag(type: string, value: asn1.AsnType, attributes: readonly asn1.AsnType[]): asn1.AsnType {
  const head = [objectIdentifier(type), explicit(value)];
  return attributes.length === 0 ? sequence(...head) : sequence(...head, set(...attributes));
}

function data(content: Uint8Array): asn1.AsnType {
  return sequence(objectIdentifier(oid.data), explicit(octets(content)));
}

function attribute(type: string, value: asn1.AsnType): asn1.AsnType {
  return sequence(objectIdentifier(type), set(value));
}

function algorithm(type: string, parameters: asn1.AsnType): asn1.AsnType {
  return sequence(objectIdentifier(type), parameters);
}

const sequence = (...value: asn1.AsnType[]) => new asn1.Sequence({ value });
const set = (...value: asn1.AsnType[]) => new asn1.Set({ value });
const integer = (value: number) => new asn1.Integer({ value });
const objectIdentifier = (value: string) => new asn1.ObjectIdentifier({ value });
const octets = (bytes: Uint8Array) => new asn1.OctetString({ valueHex: new Uint8Array(bytes) });
const explicit = (inner: asn1.AsnType) =>
  new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [inner] });
const der = (value: asn1.AsnType) => new Uint8Array(value.toBER());
