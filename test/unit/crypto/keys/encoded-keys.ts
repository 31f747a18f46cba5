import type { CryptographicAlgorithm, KeyFormatType } from '../../../../codec/enums.ts';
import type { KeyMaterial } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { toBytes } from '../../../../src/crypto/asn1/big-integers.ts';
import {
  encodeDer,
  makeBits,
  makeExplicit,
  makeImplicitOctets,
  makeInteger,
  makeNull,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
} from '../../../../src/crypto/asn1/der.ts';
import { InvalidKeyMaterialError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { plainKey } from '../../../../src/crypto/plain-key.ts';

/** Keys in every format that holds them, made of any numbers. */

export type Side = 'PublicKey' | 'PrivateKey';

/** A key with the format that it has. */
export type Encoded = readonly [format: KeyFormatType, material: KeyMaterial];

/** An object of a key without further claims. */
export function keyObject(
  type: Side,
  [KeyFormatType, KeyMaterial]: Encoded,
  CryptographicAlgorithm?: CryptographicAlgorithm,
): ManagedObjectValue {
  const KeyBlock = { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] }, CryptographicAlgorithm };
  return { type, value: { KeyBlock } };
}

/** Returns why an object is refused where keys come in, or `accepted`. Other errors are thrown. */
export async function judge(value: ManagedObjectValue): Promise<string> {
  try {
    const block = (value.value as { KeyBlock?: Parameters<typeof plainKey>[1] }).KeyBlock;
    const key = block && plainKey(value.type, block);
    if (key !== undefined) nodeCrypto.describeKey(key);
    await nodeCrypto.checkObject(value);
    return 'accepted';
  } catch (error) {
    if (error instanceof InvalidKeyMaterialError) return error.message;
    throw error;
  }
}

/** A Big Integer of the wire. */
export function big(value: bigint): Uint8Array {
  const bytes = toBytes(value);
  const length = Math.ceil((bytes.length + 1) / 8) * 8;
  const padded = new Uint8Array(length);
  padded.set(bytes, length - bytes.length);
  return padded;
}

const integer = (value: bigint) => makeInteger(toBytes(value));

/** Wraps the content of a private key as PKCS#8; `half` is the public key of version 2. */
export function pkcs8(
  oid: string,
  parameters: ReturnType<typeof makeNull> | undefined,
  content: Uint8Array,
  half?: Uint8Array,
): Uint8Array {
  const algorithm = makeSequence(makeOid(oid), ...(parameters === undefined ? [] : [parameters]));
  const parts = [makeVersion(half === undefined ? 0 : 1), algorithm, makeOctets(content)];
  if (half !== undefined) parts.push(makeImplicitOctets(1, Uint8Array.of(0, ...half)));
  return encodeDer(makeSequence(...parts));
}

export function spki(oid: string, parameters: ReturnType<typeof makeNull> | undefined, content: Uint8Array) {
  const algorithm = makeSequence(makeOid(oid), ...(parameters === undefined ? [] : [parameters]));
  return encodeDer(makeSequence(algorithm, makeBits(content)));
}

export interface RsaNumbers {
  readonly n: bigint;
  readonly e: bigint;
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
  readonly dP: bigint;
  readonly dQ: bigint;
  readonly qInv: bigint;
}

const rsaOid = '1.2.840.113549.1.1.1';

/** Every format of an RSA private key. */
export function rsaPrivate({ n, e, d, p, q, dP, dQ, qInv }: RsaNumbers): Encoded[] {
  const pkcs1 = encodeDer(makeSequence(makeVersion(0), ...[n, e, d, p, q, dP, dQ, qInv].map(integer)));
  const transparent = {
    Modulus: big(n),
    PublicExponent: big(e),
    PrivateExponent: big(d),
    P: big(p),
    Q: big(q),
    PrimeExponentP: big(dP),
    PrimeExponentQ: big(dQ),
    CRTCoefficient: big(qInv),
  };
  return [
    ['PKCS_1', pkcs1],
    ['PKCS_8', pkcs8(rsaOid, makeNull(), pkcs1)],
    ['Raw', pkcs1],
    ['TransparentRSAPrivateKey', transparent],
  ];
}

/** Every format of an RSA public key. */
export function rsaPublic({ n, e }: Pick<RsaNumbers, 'n' | 'e'>): Encoded[] {
  const pkcs1 = encodeDer(makeSequence(integer(n), integer(e)));
  return [
    ['PKCS_1', pkcs1],
    ['X_509', spki(rsaOid, makeNull(), pkcs1)],
    ['Raw', pkcs1],
    ['TransparentRSAPublicKey', { Modulus: big(n), PublicExponent: big(e) }],
  ];
}

export interface GroupNumbers {
  readonly p: bigint;
  readonly g: bigint;
  readonly q?: bigint;
  readonly y?: bigint;
  readonly x?: bigint;
}

/** Every format of a DSA or DH key: public with `y`, private with `x`. */
export function modular(kind: 'DSA' | 'DH', { p, g, q, y, x }: GroupNumbers): Encoded[] {
  const side = y === undefined ? 'Private' : 'Public';
  const own = (y ?? x) as bigint;
  const numbers = kind === 'DSA' ? [p, q ?? 0n, g] : [p, g, ...(q === undefined ? [] : [q])];
  const domain = makeSequence(...numbers.map(integer));
  const dh = q === undefined ? '1.2.840.113549.1.3.1' : '1.2.840.10046.2.1';
  const oid = kind === 'DSA' ? '1.2.840.10040.4.1' : dh;
  const content = encodeDer(integer(own));
  const transparent = {
    P: big(p),
    G: big(g),
    ...(q !== undefined && { Q: big(q) }),
    ...(y === undefined ? { X: big(own) } : { Y: big(own) }),
  };
  return [
    y === undefined ? ['PKCS_8', pkcs8(oid, domain, content)] : ['X_509', spki(oid, domain, content)],
    [`Transparent${kind}${side}Key`, transparent],
  ];
}

/** SEC1 with a public half, as it stands or inside PKCS#8. */
export function ecPrivate(oid: string, scalar: Uint8Array, half?: Uint8Array): Encoded[] {
  const sec1 = (named: boolean) =>
    encodeDer(
      makeSequence(
        makeVersion(1),
        makeOctets(scalar),
        ...(named ? [makeExplicit(0, makeOid(oid))] : []),
        ...(half === undefined ? [] : [makeExplicit(1, makeBits(half))]),
      ),
    );
  return [
    ['ECPrivateKey', sec1(true)],
    ['PKCS_8', pkcs8('1.2.840.10045.2.1', makeOid(oid), sec1(false))],
    ['Raw', sec1(true)],
  ];
}
