import { createECDH, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { invertModulo, powerModulo, toBigInt, toBytes } from '../asn1/big-integers.ts';
import {
  encodeDer,
  makeInteger,
  makeSequence,
  parseDer,
  readIntegerContent,
  readSequence,
} from '../asn1/der.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import { digest } from '../hashes/hashes.ts';
import type { CurveName } from '../keys/curves.ts';
import { writeSpki } from '../keys/der-keys.ts';
import { convertPoint } from '../keys/elliptic.ts';
import { bitLength, type EcPublicKey, type KeyComponents, padToLength } from '../keys/key-components.ts';

/*
 * DSA and ECDSA (FIPS 186-5 §6) over a digest that the client computed. node:crypto hashes everything that it
 * signs, so it signs a fixed message, and the difference between that message's digest and the client's is
 * added to the signature or to the public key. The curve arithmetic with secrets stays in OpenSSL.
 */

/** Prime of the field and order of the base point. */
interface Group {
  readonly prime: bigint;
  readonly order: bigint;
}

/** SP 800-186 §3.2.1; SEC 2 §2.4.1. */
const groups: Partial<Record<CurveName, Group>> = {
  P_224: {
    prime: 2n ** 224n - 2n ** 96n + 1n,
    order: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
  },
  P_256: {
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  P_384: {
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    order: 2n ** 384n - 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn,
  },
  P_521: {
    prime: 2n ** 521n - 1n,
    order: 2n ** 521n - 2n ** 260n + 0xa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
  SECP256K1: {
    prime: 2n ** 256n - 2n ** 32n - 977n,
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  },
};

const fixedMessage = new Uint8Array(1);
const fixedDigest = digest('SHA_256', fixedMessage);

/**
 * Signs a digest; returns r and s in DER (RFC 3279 §2.2.2, §2.2.3).
 * @throws {UnsupportedAlgorithmError} on curves outside the table, and for DSA keys of unusual sizes
 */
export function signDigest(components: KeyComponents, key: KeyObject, messageDigest: Uint8Array): Uint8Array {
  const order = requireOrder(components);
  const secret =
    components.kind === 'dsaPrivate' ? components.x : (components as { readonly d: Uint8Array }).d;
  const native = sign('sha256', fixedMessage, { key, dsaEncoding: 'ieee-p1363' });
  const r = toBigInt(native.subarray(0, native.length / 2));
  const fixedS = toBigInt(native.subarray(native.length / 2));
  // Two signatures with one r reveal the key: the native one must not leave this function.
  native.fill(0);
  // With s₁ = (e₁ + r·d)/k, the signature of e is s = (e + r·d)/k = s₁·(e + r·d)/(e₁ + r·d), here times
  // blind/blind.
  const blind = (toBigInt(randomBytes(toBytes(order).length + 8)) % (order - 1n)) + 1n;
  const blindSecret = ((blind * toBigInt(secret)) % order) * r;
  const wanted = (blind * toScalar(messageDigest, order) + blindSecret) % order;
  const fixed = (blind * toScalar(fixedDigest, order) + blindSecret) % order;
  const s = (((fixedS * wanted) % order) * invertModulo(fixed, order)) % order;
  return encodeDer(makeSequence(makeInteger(toBytes(r)), makeInteger(toBytes(s))));
}

/**
 * Verifies a signature, r and s in DER, of a digest. Throws other errors for malformed signatures.
 * @throws {UnsupportedAlgorithmError} as `signDigest`
 */
export function verifyDigest(
  components: KeyComponents,
  messageDigest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const order = requireOrder(components);
  // Two integers of the order's size with their headers; longer ones would only cost time.
  if (signature.length > 2 * (toBytes(order).length + 4) + 4) return false;
  const r = toBigInt(readIntegerContent(readSequence(parseDer(signature))[0])) % order;
  if (r === 0n) return false;
  // e·G + r·Q = e₁·G + r·(Q + t·G) with t = (e - e₁)/r: the signature of e under Q is one of e₁ under Q +
  // t·G.
  const difference = toScalar(messageDigest, order) - toScalar(fixedDigest, order) + order;
  const shifted = shiftKey(components, ((difference % order) * invertModulo(r, order)) % order);
  const der = shifted && writeSpki(shifted);
  if (der === undefined) return false;
  const key = createPublicKey({
    key: Buffer.from(der.buffer, der.byteOffset, der.byteLength),
    format: 'der',
    type: 'spki',
  });
  return verify('sha256', fixedMessage, key, signature);
}

/** Tells whether `signDigest` and `verifyDigest` support the key. */
export function canSignDigests(components: KeyComponents): boolean {
  try {
    return requireOrder(components) > 0n;
  } catch {
    return false;
  }
}

function requireOrder(components: KeyComponents): bigint {
  if (components.kind === 'dsaPublic' || components.kind === 'dsaPrivate') {
    const { p, q, g } = components;
    const secret = components.kind === 'dsaPrivate' ? components.x : q;
    const value = components.kind === 'dsaPublic' ? components.y : p;
    // OpenSSL's own limits: beyond them the powers would block the event loop.
    const fits = [160, 224, 256].includes(bitLength(q)) && bitLength(p) <= 10_000;
    if (!fits || secret.length > q.length || g.length > p.length || value.length > p.length) {
      throw new UnsupportedAlgorithmError(
        'digests are not signed with DSA keys of these sizes: send the data',
      );
    }
    return toBigInt(q);
  }
  const curve =
    components.kind === 'ecPublic' || components.kind === 'ecPrivate' ? components.curve.name : undefined;
  const order = curve && groups[curve]?.order;
  if (order === undefined)
    throw new UnsupportedAlgorithmError(`digests are not signed on the curve ${curve}: send the data`);
  return order;
}

/** Returns the leftmost bits of the digest, as many as the order has (FIPS 186-5 §6.4.1). */
function toScalar(messageDigest: Uint8Array, order: bigint): bigint {
  const bits = bitLength(toBytes(order));
  const leftmost = messageDigest.subarray(0, Math.ceil(bits / 8));
  const surplus = leftmost.length * 8 - bits;
  const value = toBigInt(leftmost);
  return (surplus > 0 ? value >> BigInt(surplus) : value) % order;
}

/** Adds `t` times the base point to a public key; undefined where the sum is no key (not met by chance). */
function shiftKey(components: KeyComponents, t: bigint): KeyComponents | undefined {
  if (t === 0n) return components;
  if (components.kind === 'dsaPublic') {
    const p = toBigInt(components.p);
    return {
      ...components,
      y: toBytes((toBigInt(components.y) * powerModulo(toBigInt(components.g), t, p)) % p),
    };
  }
  return components.kind === 'ecPublic' ? shiftPoint(components, t) : undefined;
}

function shiftPoint(key: EcPublicKey, t: bigint): EcPublicKey | undefined {
  const { prime } = groups[key.curve.name] as Group;
  const multiple = createECDH(key.curve.openssl);
  multiple.setPrivateKey(padToLength(toBytes(t), key.curve.orderBytes));
  const [x1, y1] = readCoordinates(convertPoint(key.curve, key.point, 'uncompressed'));
  const [x2, y2] = readCoordinates(multiple.getPublicKey());
  if (x1 === x2) return undefined;
  const positive = (value: bigint): bigint => ((value % prime) + prime) % prime;
  const slope = positive((y2 - y1) * invertModulo(positive(x2 - x1), prime));
  const x = positive(slope * slope - x1 - x2);
  const y = positive(slope * (x1 - x) - y1);
  const bytes = Math.ceil(key.curve.bits / 8);
  const point = new Uint8Array(1 + 2 * bytes);
  point[0] = 4;
  point.set(padToLength(toBytes(x), bytes), 1);
  point.set(padToLength(toBytes(y), bytes), 1 + bytes);
  return { ...key, point };
}

/** Reads a point in uncompressed form (SEC 1 §2.3.3). */
function readCoordinates(point: Uint8Array): [x: bigint, y: bigint] {
  const bytes = (point.length - 1) / 2;
  return [toBigInt(point.subarray(1, 1 + bytes)), toBigInt(point.subarray(1 + bytes))];
}
