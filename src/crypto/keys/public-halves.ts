import { createPublicKey } from 'node:crypto';
import { xWing } from '../algorithm-table.ts';
import { powerModulo, toBigInt, toBytes } from '../asn1/big-integers.ts';
import {
  encodeDer,
  findTagged,
  InvalidDerError,
  makeInteger,
  parseDer,
  readBits,
  readExplicit,
  readOctets,
  readPrimitive,
  readSequence,
} from '../asn1/der.ts';
import { InvalidKeyMaterialError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import { writeRsaPublicKey } from './der-keys.ts';
import { computePublicPoint, convertPoint } from './elliptic.ts';
import type { KeyComponents } from './key-components.ts';
import { createKeyObject } from './key-objects.ts';
import { computeXWingPublicKey } from './x-wing.ts';

/** Bytes of a prime up to which the public number of a private one is computed. */
const maxPrimeBytes = 512;

/**
 * Checks the public keys that the encoding of a private key states: in PKCS#8 (RFC 5958 §2), and in
 * ECPrivateKey (RFC 5915 §3). `key` has the format of its bytes.
 * @throws {InvalidKeyMaterialError} when one is another key's
 * @throws {InvalidDerError} when one is malformed
 */
export function checkStatedPublicHalves(key: PlainKey, components: KeyComponents): void {
  const stated = readStatedHalves(key, components);
  if (stated.length === 0) return;
  const own = computePublicHalf(key, components);
  for (const half of stated) {
    const given =
      components.kind === 'ecPrivate' ? convertPoint(components.curve, half, 'uncompressed') : half;
    if (own === undefined || Buffer.compare(own, given) !== 0)
      throw new InvalidKeyMaterialError('the public key inside the private key is that of another key');
  }
}

function readStatedHalves({ KeyFormatType: format, KeyMaterial: der }: PlainKey, { kind }: KeyComponents) {
  if (!(der instanceof Uint8Array)) return [];
  if (format === 'ECPrivateKey') return readEcHalf(der);
  if (format !== 'PKCS_8') return [];
  const parts = readSequence(parseDer(der));
  const outer = findTagged(parts, 1);
  const inner = kind === 'ecPrivate' ? readEcHalf(readOctets(parts[2])) : [];
  return outer === undefined ? inner : [readImplicitBits(readPrimitive(outer)), ...inner];
}

function readEcHalf(der: Uint8Array): Uint8Array[] {
  const half = findTagged(readSequence(parseDer(der)), 1);
  return half === undefined ? [] : [readBits(readExplicit(half))];
}

/** The first byte of a BIT STRING counts the unused bits. */
function readImplicitBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new InvalidDerError('a BIT STRING of whole bytes is missing');
  return content.subarray(1);
}

/** Computes the content of the public key's BIT STRING; undefined where the server cannot. */
function computePublicHalf(key: PlainKey, components: KeyComponents): Uint8Array | undefined {
  switch (components.kind) {
    case 'ecPrivate':
      return computePublicPoint(components.curve, components.d);
    case 'rsaPrivate':
      return components.e && writeRsaPublicKey({ n: components.n, e: components.e });
    case 'bytePrivate':
      return components.type.algorithm === xWing
        ? computeXWingPublicKey(components.key)
        : createPublicKey(createKeyObject(key)).export({ format: 'raw-public' });
    case 'dsaPrivate':
    case 'dhPrivate': {
      const { p, g, x } = components;
      if (p.length > maxPrimeBytes) return undefined;
      return encodeDer(makeInteger(toBytes(powerModulo(toBigInt(g), toBigInt(x), toBigInt(p)))));
    }
    default:
      return undefined;
  }
}
