import { createHmac, createPrivateKey, timingSafeEqual } from 'node:crypto';
import { passwordIterations } from '../../../certs/pkcs12.ts';
import { derivePkcs12 } from '../../../certs/pkcs12-kdf.ts';
import {
  type DerNode,
  derOf,
  InvalidDerError,
  parseDer,
  readExplicit,
  readInteger,
  readOctets,
  readOid,
  readSequence,
  readSmallInteger,
} from '../asn1/der.ts';
import { decryptionFailed } from '../errors.ts';
import { decodePassword } from './pkcs12.ts';

/* The private key in a PKCS#12 file (RFC 7292). Certificates in it are ignored. */

const oids = {
  data: '1.2.840.113549.1.7.1',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  sha1TripleDes: '1.2.840.113549.1.12.1.3',
} as const;

interface Mac {
  readonly hash: Parameters<typeof derivePkcs12>[0];
  readonly bytes: number;
}

const macs = new Map<string, Mac>([
  ['1.3.14.3.2.26', { hash: 'sha1', bytes: 20 }],
  ['2.16.840.1.101.3.4.2.4', { hash: 'sha224', bytes: 28 }],
  ['2.16.840.1.101.3.4.2.1', { hash: 'sha256', bytes: 32 }],
  ['2.16.840.1.101.3.4.2.2', { hash: 'sha384', bytes: 48 }],
  ['2.16.840.1.101.3.4.2.3', { hash: 'sha512', bytes: 64 }],
]);

/**
 * Maximum rounds of each of the two key derivations, of MAC and key, which the file states: those that the
 * server itself writes, which take a thread a second or two. OpenSSL, Java and Windows write 10,000 and
 * less.
 */
const maxIterations = passwordIterations;

/** The file is not PKCS#12, or of a kind that is stored but not read. */
class UnsupportedPkcs12Error extends Error {
  override readonly name = 'UnsupportedPkcs12Error';
  readonly code = 'UNSUPPORTED_PKCS12';
}

/**
 * Returns the first private key of a PKCS#12 file as PKCS#8; undefined for a file that cannot be read. Before
 * the MAC has been verified, the password decides nothing but that. Other keys of the file are not decrypted:
 * each would cost another derivation.
 * @throws {InvalidParametersError} when the password is not UTF-8 text
 * @throws {CryptographyFailedError} when the password is wrong
 */
export function decodePkcs12(file: Uint8Array, password: Uint8Array): Uint8Array | undefined {
  try {
    const [form, authSafe, mac] = readSequence(parseDer(file));
    if (readSmallInteger(form) !== 3) return undefined;
    const text = decodePassword(password);
    const content = readData(authSafe);
    requireMac(mac, content, text);
    const bags = readSequence(parseDer(content)).flatMap((each) =>
      isData(each) ? readSequence(parseDer(readData(each))) : [],
    );
    const bag = bags.find(isPrivateKey);
    return bag && readPrivateKey(bag, text);
  } catch (error) {
    if (error instanceof InvalidDerError || error instanceof UnsupportedPkcs12Error) return undefined;
    throw error;
  }
}

function isData(contentInfo: DerNode): boolean {
  return readOid(readSequence(contentInfo)[0]) === oids.data;
}

function readData(contentInfo: DerNode | undefined): Uint8Array {
  const [type, content] = readSequence(contentInfo);
  if (readOid(type) !== oids.data || content === undefined) throw new UnsupportedPkcs12Error();
  return readOctets(readExplicit(content));
}

/** Verifies the password by MacData before it decrypts anything (RFC 7292 §5). */
function requireMac(macData: DerNode | undefined, content: Uint8Array, password: string): void {
  if (macData === undefined) throw new UnsupportedPkcs12Error();
  const [digestInfo, salt, iterations] = readSequence(macData);
  const [algorithm, digest] = readSequence(digestInfo);
  const mac = macs.get(readOid(readSequence(algorithm)[0]));
  if (mac === undefined) throw new UnsupportedPkcs12Error();
  const rounds = iterations === undefined ? 1 : requireCount(iterations);
  const key = derivePkcs12(mac.hash, password, readOctets(salt), 'mac', rounds, mac.bytes);
  const expected = createHmac(mac.hash, key).update(content).digest();
  const given = readOctets(digest);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw decryptionFailed();
}

function requireCount(iterations: DerNode | undefined): number {
  const magnitude = readInteger(iterations);
  const count = Number(`0x${magnitude.toHex()}`);
  if (count > maxIterations) throw new UnsupportedPkcs12Error();
  return count;
}

function isPrivateKey(bag: DerNode): boolean {
  const type = readOid(readSequence(bag)[0]);
  return type === oids.keyBag || type === oids.shroudedKeyBag;
}

function readPrivateKey(bag: DerNode, password: string): Uint8Array {
  const [type, value] = readSequence(bag);
  const content = value && readExplicit(value);
  if (content === undefined) throw new UnsupportedPkcs12Error();
  if (readOid(type) === oids.keyBag) return new Uint8Array(derOf(content));
  requireFewIterations(content);
  return decryptShroudedKey(derOf(content), password);
}

/**
 * Limits the work of an EncryptedPrivateKeyInfo: OpenSSL would execute any number of iterations, and scrypt
 * with any parallelisation.
 */
function requireFewIterations(shrouded: DerNode): void {
  const [algorithm, parameters] = readSequence(readSequence(shrouded)[0]);
  switch (readOid(algorithm)) {
    case oids.pbes2: {
      const [derivation] = readSequence(parameters);
      const [name, derivationParameters] = readSequence(derivation);
      if (readOid(name) !== oids.pbkdf2) throw new UnsupportedPkcs12Error();
      requireCount(readSequence(derivationParameters)[1]);
      return;
    }
    case oids.sha1TripleDes:
      requireCount(readSequence(parameters)[1]);
      return;
    default:
      throw new UnsupportedPkcs12Error();
  }
}

function decryptShroudedKey(der: Uint8Array, passphrase: string): Uint8Array {
  const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase }).export({
      type: 'pkcs8',
      format: 'der',
    });
  } catch {
    throw decryptionFailed();
  }
}
