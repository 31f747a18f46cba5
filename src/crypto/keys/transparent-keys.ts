import type { TransparentKeyMaterial } from '../../../codec/structures/key-block.ts';
import { stripZeros } from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import { findTypeOfCurve } from './byte-keys.ts';
import { findCurve } from './curves.ts';
import { convertPoint, type PointForm } from './elliptic.ts';
import { type KeyComponents, padToLength } from './key-components.ts';

/* Transparent keys (KMIP 2.1 §3.2–3.11, 1.4 §2.1.7): integers and byte strings, each in a named field. */

type FieldName = keyof TransparentKeyMaterial;

/** Required and optional fields of a format. */
interface TransparentForm {
  readonly kind: KeyComponents['kind'];
  readonly required: readonly FieldName[];
  readonly optional: readonly FieldName[];
}

const ecPrivate: TransparentForm = { kind: 'ecPrivate', required: ['RecommendedCurve', 'D'], optional: [] };
const ecPublic: TransparentForm = {
  kind: 'ecPublic',
  required: ['RecommendedCurve', 'QString'],
  optional: [],
};

const transparentForms = {
  TransparentSymmetricKey: { kind: 'symmetric', required: ['Key'], optional: [] },
  TransparentRSAPrivateKey: {
    kind: 'rsaPrivate',
    required: ['Modulus'],
    optional: [
      'PrivateExponent',
      'PublicExponent',
      'P',
      'Q',
      'PrimeExponentP',
      'PrimeExponentQ',
      'CRTCoefficient',
    ],
  },
  TransparentRSAPublicKey: { kind: 'rsaPublic', required: ['Modulus', 'PublicExponent'], optional: [] },
  TransparentDSAPrivateKey: { kind: 'dsaPrivate', required: ['P', 'Q', 'G', 'X'], optional: [] },
  TransparentDSAPublicKey: { kind: 'dsaPublic', required: ['P', 'Q', 'G', 'Y'], optional: [] },
  TransparentDHPrivateKey: { kind: 'dhPrivate', required: ['P', 'G', 'X'], optional: ['Q', 'J'] },
  TransparentDHPublicKey: { kind: 'dhPublic', required: ['P', 'G', 'Y'], optional: ['Q', 'J'] },
  TransparentECPrivateKey: ecPrivate,
  TransparentECPublicKey: ecPublic,
  TransparentECDSAPrivateKey: ecPrivate,
  TransparentECDSAPublicKey: ecPublic,
  TransparentECDHPrivateKey: ecPrivate,
  TransparentECDHPublicKey: ecPublic,
  TransparentECMQVPrivateKey: ecPrivate,
  TransparentECMQVPublicKey: ecPublic,
} as const satisfies Record<string, TransparentForm>;

/** The transparent key formats. */
export type TransparentFormat = keyof typeof transparentForms;

/** Tells whether a Key Format Type is transparent. */
export function isTransparent(format: string | number): format is TransparentFormat {
  return typeof format === 'string' && Object.hasOwn(transparentForms, format);
}

/**
 * Reads the components of a transparent key. Views of the material.
 * @throws {InvalidKeyMaterialError} when fields are missing, superfluous or not positive
 * @throws {UnsupportedKeyFormatError} when the curve is not supported
 */
export function readTransparent(format: TransparentFormat, material: TransparentKeyMaterial): KeyComponents {
  const form: TransparentForm = transparentForms[format];
  for (const field of form.required) {
    if (material[field] === undefined) throw new InvalidKeyMaterialError(`${format} lacks ${field}`);
  }
  for (const field of Object.keys(material) as FieldName[]) {
    if (material[field] === undefined || form.required.includes(field) || form.optional.includes(field))
      continue;
    throw new InvalidKeyMaterialError(`${format} has no ${field}`);
  }
  return buildComponents(form.kind, material);
}

function buildComponents(kind: KeyComponents['kind'], material: TransparentKeyMaterial): KeyComponents {
  const needed = (field: IntegerField): Uint8Array => readMagnitude(field, material[field]) as Uint8Array;
  const given = (field: IntegerField): Uint8Array | undefined => readMagnitude(field, material[field]);
  switch (kind) {
    case 'rsaPrivate':
      return buildRsaPrivateKey(material, given);
    case 'rsaPublic':
      return { kind, n: needed('Modulus'), e: needed('PublicExponent') };
    case 'dsaPrivate':
      return { kind, p: needed('P'), q: needed('Q'), g: needed('G'), x: needed('X') };
    case 'dsaPublic':
      return { kind, p: needed('P'), q: needed('Q'), g: needed('G'), y: needed('Y') };
    case 'dhPrivate':
      return { kind, p: needed('P'), g: needed('G'), q: given('Q'), j: given('J'), x: needed('X') };
    case 'dhPublic':
      return { kind, p: needed('P'), g: needed('G'), q: given('Q'), j: given('J'), y: needed('Y') };
    case 'ecPrivate':
      return readByteKey(material, true) ?? { kind, curve: requireCurve(material), d: needed('D') };
    case 'ecPublic':
      return (
        readByteKey(material, false) ?? {
          kind,
          curve: requireCurve(material),
          point: material.QString as Uint8Array,
        }
      );
    default:
      return { kind: 'symmetric', key: material.Key as Uint8Array };
  }
}

type IntegerField = Exclude<FieldName, 'Key' | 'QString' | 'RecommendedCurve'>;

/** A key must have one of the forms of the exponent (KMIP 2.1 §3.4, table 33). */
function buildRsaPrivateKey(
  material: TransparentKeyMaterial,
  given: (field: IntegerField) => Uint8Array | undefined,
): KeyComponents {
  const { PrivateExponent, P, Q, PrimeExponentP, PrimeExponentQ } = material;
  if (!PrivateExponent && !(P && Q) && !(PrimeExponentP && PrimeExponentQ)) {
    throw new InvalidKeyMaterialError(
      'TransparentRSAPrivateKey needs PrivateExponent, or P and Q, or both prime exponents',
    );
  }
  return {
    kind: 'rsaPrivate',
    n: given('Modulus') as Uint8Array,
    e: given('PublicExponent'),
    d: given('PrivateExponent'),
    p: given('P'),
    q: given('Q'),
    dP: given('PrimeExponentP'),
    dQ: given('PrimeExponentQ'),
    qInv: given('CRTCoefficient'),
  };
}

/**
 * Reads a key on Curve25519 or Curve448, which is a byte string (RFC 7748): Q String holds the public key, D
 * the private key, its bytes unchanged.
 */
function readByteKey(
  { RecommendedCurve, QString, D }: TransparentKeyMaterial,
  isPrivate: boolean,
): KeyComponents | undefined {
  const type = RecommendedCurve === undefined ? undefined : findTypeOfCurve(RecommendedCurve);
  if (type === undefined) return undefined;
  const key = isPrivate ? stripZeros(D as Uint8Array) : (QString as Uint8Array);
  if (isPrivate ? key.length > type.privateBytes : key.length !== type.publicBytes)
    throw new InvalidKeyMaterialError(`a key on ${type.name} has ${type.publicBytes} bytes`);
  return isPrivate
    ? { kind: 'bytePrivate', type, key: padToLength(key, type.privateBytes) }
    : { kind: 'bytePublic', type, key };
}

function requireCurve({ RecommendedCurve }: TransparentKeyMaterial) {
  const curve = RecommendedCurve === undefined ? undefined : findCurve(RecommendedCurve);
  if (curve === undefined)
    throw new UnsupportedKeyFormatError(`transparent keys on curve ${RecommendedCurve} are not supported`);
  return curve;
}

function readMagnitude(field: IntegerField, value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const bytes = stripZeros(value);
  if (bytes.length === 0 || (value[0] ?? 0) >= 0x80)
    throw new InvalidKeyMaterialError(`${field} is not positive`);
  return bytes;
}

/**
 * Writes key material in a transparent format, all bytes copied; undefined when the format is for another
 * kind of key.
 * @throws {InvalidKeyMaterialError} when a public point does not lie on its curve
 */
export function writeTransparent(
  format: TransparentFormat,
  key: KeyComponents,
  form: PointForm,
): TransparentKeyMaterial | undefined {
  if (key.kind === 'bytePublic' || key.kind === 'bytePrivate') return writeByteKey(format, key);
  if (key.kind !== transparentForms[format].kind) return undefined;
  switch (key.kind) {
    case 'symmetric':
      return { Key: new Uint8Array(key.key) };
    case 'rsaPublic':
      return encodeIntegers({ Modulus: key.n, PublicExponent: key.e });
    case 'rsaPrivate':
      return encodeIntegers({
        Modulus: key.n,
        PrivateExponent: key.d,
        PublicExponent: key.e,
        P: key.p,
        Q: key.q,
        PrimeExponentP: key.dP,
        PrimeExponentQ: key.dQ,
        CRTCoefficient: key.qInv,
      });
    case 'dsaPublic':
      return encodeIntegers({ P: key.p, Q: key.q, G: key.g, Y: key.y });
    case 'dsaPrivate':
      return encodeIntegers({ P: key.p, Q: key.q, G: key.g, X: key.x });
    case 'dhPublic':
      return encodeIntegers({ P: key.p, Q: key.q, G: key.g, J: key.j, Y: key.y });
    case 'dhPrivate':
      return encodeIntegers({ P: key.p, Q: key.q, G: key.g, J: key.j, X: key.x });
    case 'ecPublic':
      return { RecommendedCurve: key.curve.name, QString: convertPoint(key.curve, key.point, form) };
    case 'ecPrivate':
      return { RecommendedCurve: key.curve.name, ...encodeIntegers({ D: key.d }) };
    default:
      return undefined;
  }
}

function writeByteKey(
  format: TransparentFormat,
  { kind, type, key }: Extract<KeyComponents, { kind: 'bytePublic' | 'bytePrivate' }>,
): TransparentKeyMaterial | undefined {
  const isPrivate = kind === 'bytePrivate';
  if (type.name === undefined || transparentForms[format].kind !== (isPrivate ? 'ecPrivate' : 'ecPublic'))
    return undefined;
  return {
    RecommendedCurve: type.name,
    ...(isPrivate ? encodeIntegers({ D: key }) : { QString: new Uint8Array(key) }),
  };
}

/** Encodes magnitudes as Big Integers, padded to a multiple of 8 bytes as on the wire. */
function encodeIntegers(
  values: { readonly [F in IntegerField]?: Uint8Array | undefined },
): TransparentKeyMaterial {
  const material: TransparentKeyMaterial = {};
  for (const [field, value] of Object.entries(values)) {
    if (value !== undefined) material[field as IntegerField] = toBigInteger(value);
  }
  return material;
}

function toBigInteger(value: Uint8Array): Uint8Array {
  const signByte = (value[0] ?? 0) >= 0x80 ? 1 : 0;
  const length = Math.ceil((value.length + signByte) / 8) * 8;
  const bytes = new Uint8Array(length);
  bytes.set(value, length - value.length);
  return bytes;
}
