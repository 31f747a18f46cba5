import type { RecommendedCurve } from '../../../codec/enums.ts';

/** The curves that KMIP names. */
export type CurveName = Exclude<RecommendedCurve, number>;

/** A named curve in Weierstrass form. */
export interface Curve {
  readonly name: CurveName;
  /** Name in OpenSSL. */
  readonly openssl: string;
  readonly oid: string;
  /** Size of the field, which is the Cryptographic Length. */
  readonly bits: number;
  /** Length of a private key in SEC1 (RFC 5915 §3): bytes of the group's order. */
  readonly orderBytes: number;
}

type Row = readonly [name: CurveName, openssl: string, oid: string, bits: number, orderBytes: number];

// SEC 2 v1 and v2, ANSI X9.62, RFC 5639; CURVE25519 and CURVE448 have key forms of their own
// (`byte-keys.ts`).
const rows: readonly Row[] = [
  ['P_192', 'prime192v1', '1.2.840.10045.3.1.1', 192, 24],
  ['K_163', 'sect163k1', '1.3.132.0.1', 163, 21],
  ['B_163', 'sect163r2', '1.3.132.0.15', 163, 21],
  ['P_224', 'secp224r1', '1.3.132.0.33', 224, 28],
  ['K_233', 'sect233k1', '1.3.132.0.26', 233, 29],
  ['B_233', 'sect233r1', '1.3.132.0.27', 233, 30],
  ['P_256', 'prime256v1', '1.2.840.10045.3.1.7', 256, 32],
  ['K_283', 'sect283k1', '1.3.132.0.16', 283, 36],
  ['B_283', 'sect283r1', '1.3.132.0.17', 283, 36],
  ['P_384', 'secp384r1', '1.3.132.0.34', 384, 48],
  ['K_409', 'sect409k1', '1.3.132.0.36', 409, 51],
  ['B_409', 'sect409r1', '1.3.132.0.37', 409, 52],
  ['P_521', 'secp521r1', '1.3.132.0.35', 521, 66],
  ['K_571', 'sect571k1', '1.3.132.0.38', 571, 72],
  ['B_571', 'sect571r1', '1.3.132.0.39', 571, 72],
  ['SECP112R1', 'secp112r1', '1.3.132.0.6', 112, 14],
  ['SECP112R2', 'secp112r2', '1.3.132.0.7', 112, 14],
  ['SECP128R1', 'secp128r1', '1.3.132.0.28', 128, 16],
  ['SECP128R2', 'secp128r2', '1.3.132.0.29', 128, 16],
  ['SECP160K1', 'secp160k1', '1.3.132.0.9', 160, 21],
  ['SECP160R1', 'secp160r1', '1.3.132.0.8', 160, 21],
  ['SECP160R2', 'secp160r2', '1.3.132.0.30', 160, 21],
  ['SECP192K1', 'secp192k1', '1.3.132.0.31', 192, 24],
  ['SECP224K1', 'secp224k1', '1.3.132.0.32', 224, 29],
  ['SECP256K1', 'secp256k1', '1.3.132.0.10', 256, 32],
  ['SECT113R1', 'sect113r1', '1.3.132.0.4', 113, 15],
  ['SECT113R2', 'sect113r2', '1.3.132.0.5', 113, 15],
  ['SECT131R1', 'sect131r1', '1.3.132.0.22', 131, 17],
  ['SECT131R2', 'sect131r2', '1.3.132.0.23', 131, 17],
  ['SECT163R1', 'sect163r1', '1.3.132.0.2', 163, 21],
  ['SECT193R1', 'sect193r1', '1.3.132.0.24', 193, 25],
  ['SECT193R2', 'sect193r2', '1.3.132.0.25', 193, 25],
  ['SECT239K1', 'sect239k1', '1.3.132.0.3', 239, 30],
  ['ANSIX9P192V2', 'prime192v2', '1.2.840.10045.3.1.2', 192, 24],
  ['ANSIX9P192V3', 'prime192v3', '1.2.840.10045.3.1.3', 192, 24],
  ['ANSIX9P239V1', 'prime239v1', '1.2.840.10045.3.1.4', 239, 30],
  ['ANSIX9P239V2', 'prime239v2', '1.2.840.10045.3.1.5', 239, 30],
  ['ANSIX9P239V3', 'prime239v3', '1.2.840.10045.3.1.6', 239, 30],
  ['ANSIX9C2PNB163V1', 'c2pnb163v1', '1.2.840.10045.3.0.1', 163, 21],
  ['ANSIX9C2PNB163V2', 'c2pnb163v2', '1.2.840.10045.3.0.2', 163, 21],
  ['ANSIX9C2PNB163V3', 'c2pnb163v3', '1.2.840.10045.3.0.3', 163, 21],
  ['ANSIX9C2PNB176V1', 'c2pnb176v1', '1.2.840.10045.3.0.4', 176, 21],
  ['ANSIX9C2TNB191V1', 'c2tnb191v1', '1.2.840.10045.3.0.5', 191, 24],
  ['ANSIX9C2TNB191V2', 'c2tnb191v2', '1.2.840.10045.3.0.6', 191, 24],
  ['ANSIX9C2TNB191V3', 'c2tnb191v3', '1.2.840.10045.3.0.7', 191, 24],
  ['ANSIX9C2PNB208W1', 'c2pnb208w1', '1.2.840.10045.3.0.10', 208, 25],
  ['ANSIX9C2TNB239V1', 'c2tnb239v1', '1.2.840.10045.3.0.11', 239, 30],
  ['ANSIX9C2TNB239V2', 'c2tnb239v2', '1.2.840.10045.3.0.12', 239, 30],
  ['ANSIX9C2TNB239V3', 'c2tnb239v3', '1.2.840.10045.3.0.13', 239, 30],
  ['ANSIX9C2PNB272W1', 'c2pnb272w1', '1.2.840.10045.3.0.16', 272, 33],
  ['ANSIX9C2PNB304W1', 'c2pnb304w1', '1.2.840.10045.3.0.17', 304, 37],
  ['ANSIX9C2TNB359V1', 'c2tnb359v1', '1.2.840.10045.3.0.18', 359, 45],
  ['ANSIX9C2PNB368W1', 'c2pnb368w1', '1.2.840.10045.3.0.19', 368, 45],
  ['ANSIX9C2TNB431R1', 'c2tnb431r1', '1.2.840.10045.3.0.20', 431, 53],
  ['BRAINPOOLP160R1', 'brainpoolP160r1', '1.3.36.3.3.2.8.1.1.1', 160, 20],
  ['BRAINPOOLP160T1', 'brainpoolP160t1', '1.3.36.3.3.2.8.1.1.2', 160, 20],
  ['BRAINPOOLP192R1', 'brainpoolP192r1', '1.3.36.3.3.2.8.1.1.3', 192, 24],
  ['BRAINPOOLP192T1', 'brainpoolP192t1', '1.3.36.3.3.2.8.1.1.4', 192, 24],
  ['BRAINPOOLP224R1', 'brainpoolP224r1', '1.3.36.3.3.2.8.1.1.5', 224, 28],
  ['BRAINPOOLP224T1', 'brainpoolP224t1', '1.3.36.3.3.2.8.1.1.6', 224, 28],
  ['BRAINPOOLP256R1', 'brainpoolP256r1', '1.3.36.3.3.2.8.1.1.7', 256, 32],
  ['BRAINPOOLP256T1', 'brainpoolP256t1', '1.3.36.3.3.2.8.1.1.8', 256, 32],
  ['BRAINPOOLP320R1', 'brainpoolP320r1', '1.3.36.3.3.2.8.1.1.9', 320, 40],
  ['BRAINPOOLP320T1', 'brainpoolP320t1', '1.3.36.3.3.2.8.1.1.10', 320, 40],
  ['BRAINPOOLP384R1', 'brainpoolP384r1', '1.3.36.3.3.2.8.1.1.11', 384, 48],
  ['BRAINPOOLP384T1', 'brainpoolP384t1', '1.3.36.3.3.2.8.1.1.12', 384, 48],
  ['BRAINPOOLP512R1', 'brainpoolP512r1', '1.3.36.3.3.2.8.1.1.13', 512, 64],
  ['BRAINPOOLP512T1', 'brainpoolP512t1', '1.3.36.3.3.2.8.1.1.14', 512, 64],
];

/** All named curves in Weierstrass form. */
export const curves: readonly Curve[] = rows.map(([name, openssl, oid, bits, orderBytes]) => ({
  name,
  openssl,
  oid,
  bits,
  orderBytes,
}));

const byName = new Map<RecommendedCurve, Curve>(curves.map((curve) => [curve.name, curve]));
const byOid = new Map(curves.map((curve) => [curve.oid, curve]));

/** Returns the curve of a Recommended Curve; undefined for others. */
export function findCurve(name: RecommendedCurve): Curve | undefined {
  return byName.get(name);
}

/** Returns the curve of an object identifier in dotted form; undefined for others. */
export function findCurveByOid(oid: string): Curve | undefined {
  return byOid.get(oid);
}
