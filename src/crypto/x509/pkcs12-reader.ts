import { createHmac, createPrivateKey, timingSafeEqual } from 'node:crypto';
import { derivePkcs12 } from '../../../certs/pkcs12-kdf.ts';
import {
  encoded,
  explicit,
  InvalidDerError,
  items,
  type Node,
  octets,
  oid,
  parse,
  version,
} from '../asn1/der.ts';
import { decryptionFailed } from '../errors.ts';
import { passwordText } from './pkcs12.ts';

/** The private key in a PKCS#12 file (RFC 7292). Certificates in it are left alone. */

const oids = {
  data: '1.2.840.113549.1.7.1',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  pbes2: '1.2.840.113549.1.5.13',
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
 * Rounds of the key derivations, which the file demands and the event loop pays, at most 0.1 s: OpenSSL, Java and Windows
 * ask for 10,000 and less. That of the MAC runs in JavaScript, the other one in OpenSSL.
 */
const maxIterations = { mac: 20_000, key: 200_000 } as const;

/** A file that is no PKCS#12, or one of a kind that is kept but not opened. */
class UnsupportedPkcs12Error extends Error {
  override readonly name = 'UnsupportedPkcs12Error';
  readonly code = 'UNSUPPORTED_PKCS12';
}

/** See Wrapping.unbundle. */
export function decodePkcs12(file: Uint8Array, password: Uint8Array): Uint8Array | undefined {
  try {
    const [form, authSafe, mac] = items(parse(file));
    if (version(form) !== 3) return undefined;
    const text = passwordText(password);
    const content = dataOf(authSafe);
    requireMac(mac, content, text);
    const bags = items(parse(content)).flatMap((each) => (isData(each) ? items(parse(dataOf(each))) : []));
    const found = bags.map((bag) => privateKeyIn(bag, text)).filter((key) => key !== undefined);
    return found[0];
  } catch (error) {
    if (error instanceof InvalidDerError || error instanceof UnsupportedPkcs12Error) return undefined;
    throw error;
  }
}

function isData(contentInfo: Node): boolean {
  return oid(items(contentInfo)[0]) === oids.data;
}

function dataOf(contentInfo: Node | undefined): Uint8Array {
  const [type, content] = items(contentInfo);
  if (oid(type) !== oids.data || content === undefined) throw new UnsupportedPkcs12Error();
  return octets(explicit(content));
}

/** MacData proves the password before anything is decrypted with it. */
function requireMac(macData: Node | undefined, content: Uint8Array, password: string): void {
  if (macData === undefined) throw new UnsupportedPkcs12Error();
  const [digestInfo, salt, iterations] = items(macData);
  const [algorithm, digest] = items(digestInfo);
  const mac = macs.get(oid(items(algorithm)[0]));
  if (mac === undefined) throw new UnsupportedPkcs12Error();
  const rounds = iterations === undefined ? 1 : countOf(iterations, maxIterations.mac);
  const key = derivePkcs12(mac.hash, password, octets(salt), 'mac', rounds, mac.bytes);
  const expected = createHmac(mac.hash, key).update(content).digest();
  const given = octets(digest);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw decryptionFailed();
}

function countOf(iterations: Node, most: number): number {
  const count = Number(`0x${integerHex(iterations)}`);
  if (count < 1 || count > most) throw new UnsupportedPkcs12Error();
  return count;
}

function integerHex(node: Node): string {
  const content = encoded(node).subarray(2);
  if (content.length === 0 || content.length > 4) throw new UnsupportedPkcs12Error();
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('hex');
}

function privateKeyIn(bag: Node, password: string): Uint8Array | undefined {
  const [type, value] = items(bag);
  const content = value && explicit(value);
  if (content === undefined) return undefined;
  switch (oid(type)) {
    case oids.keyBag:
      return new Uint8Array(encoded(content));
    case oids.shroudedKeyBag:
      requireFewIterations(content);
      return unshrouded(encoded(content), password);
    default:
      return undefined;
  }
}

/** EncryptionAlgorithm of an EncryptedPrivateKeyInfo: OpenSSL would count as long as it is told to. */
function requireFewIterations(shrouded: Node): void {
  const [algorithm, parameters] = items(items(shrouded)[0]);
  switch (oid(algorithm)) {
    case oids.pbes2: {
      const [derivation] = items(parameters);
      const [, iterations] = items(items(derivation)[1]);
      if (iterations === undefined) throw new UnsupportedPkcs12Error();
      countOf(iterations, maxIterations.key);
      return;
    }
    case oids.sha1TripleDes: {
      const [, iterations] = items(parameters);
      if (iterations === undefined) throw new UnsupportedPkcs12Error();
      countOf(iterations, maxIterations.key);
      return;
    }
    default:
      throw new UnsupportedPkcs12Error();
  }
}

function unshrouded(der: Uint8Array, passphrase: string): Uint8Array {
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
