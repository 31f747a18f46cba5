import { powerModulo } from '../asn1/big-integers.ts';

/* Points of edwards25519 and edwards448 (RFC 8032 §5): OpenSSL takes any bytes as a public key. */

/** A twisted Edwards curve ax² + y² = 1 + dx²y². */
interface EdwardsCurve {
  readonly p: bigint;
  readonly a: bigint;
  readonly d: bigint;
  /** Order of the base point. */
  readonly order: bigint;
  /** A root of -1, for p = 5 modulo 8. */
  readonly rootOfMinusOne?: bigint;
}

const p25519 = 2n ** 255n - 19n;
const p448 = 2n ** 448n - 2n ** 224n - 1n;

const edwards25519: EdwardsCurve = {
  p: p25519,
  a: p25519 - 1n,
  d: 37095705934669439343138083508754565189542113879843219016388785533085940283555n,
  order: 2n ** 252n + 27742317777372353535851937790883648493n,
  rootOfMinusOne: powerModulo(2n, (p25519 - 1n) / 4n, p25519),
};

const edwards448: EdwardsCurve = {
  p: p448,
  a: 1n,
  d: p448 - 39081n,
  order: 2n ** 446n - 13818066809895115352007386748515426880336692474882178609894547503885n,
};

/**
 * Whether bytes are a public key of Ed25519 (32 bytes) or Ed448 (57): a point in its one encoding, on the
 * curve, not neutral, of the order of the base point (SP 800-186, appendix D.1.3). Takes some milliseconds.
 */
export function isEdwardsPublicKey(algorithm: 'Ed25519' | 'Ed448', key: Uint8Array): boolean {
  const curve = algorithm === 'Ed25519' ? edwards25519 : edwards448;
  const point = decodePoint(curve, key);
  if (point === undefined || isNeutral(curve, point)) return false;
  return isNeutral(curve, multiply(curve, point, curve.order));
}

/** Projective coordinates. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

/** Decodes a point (RFC 8032 §5.1.3, §5.2.3); undefined for bytes that encode none. */
function decodePoint(curve: EdwardsCurve, key: Uint8Array): Point | undefined {
  const { p, a, d } = curve;
  const last = key.length - 1;
  const sign = BigInt((key[last] as number) >> 7);
  const y = key.reduceRight(
    (value, byte, at) => (value << 8n) | BigInt(at === last ? byte & 0x7f : byte),
    0n,
  );
  if (y >= p) return undefined;
  // ax² + y² = 1 + dx²y², so x² = (y² - 1) / (dy² - a).
  const denominator = modulo(d * y * y - a, p);
  const square = modulo((y * y - 1n) * powerModulo(denominator, p - 2n, p), p);
  const x = squareRoot(curve, square);
  if (x === undefined || (x === 0n && sign === 1n)) return undefined;
  return { x: (x & 1n) === sign ? x : p - x, y, z: 1n };
}

function squareRoot({ p, rootOfMinusOne }: EdwardsCurve, square: bigint): bigint | undefined {
  const isRoot = (root: bigint) => (root * root) % p === square;
  const root = powerModulo(square, rootOfMinusOne === undefined ? (p + 1n) / 4n : (p + 3n) / 8n, p);
  const other = (root * (rootOfMinusOne ?? 1n)) % p;
  return [root, other].find(isRoot);
}

function isNeutral({ p }: EdwardsCurve, { x, y, z }: Point): boolean {
  return x === 0n && modulo(y - z, p) === 0n;
}

function multiply(curve: EdwardsCurve, point: Point, factor: bigint): Point {
  let [sum, term]: [Point, Point] = [{ x: 0n, y: 1n, z: 1n }, point];
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) sum = add(curve, sum, term);
    term = add(curve, term, term);
  }
  return sum;
}

/** Bernstein and others, Twisted Edwards Curves (2008), §6; complete on both curves. */
function add({ p, a, d }: EdwardsCurve, one: Point, other: Point): Point {
  const z = (one.z * other.z) % p;
  const zz = (z * z) % p;
  const x = (one.x * other.x) % p;
  const y = (one.y * other.y) % p;
  const e = (((d * x) % p) * y) % p;
  const [f, g] = [zz - e, zz + e];
  const cross = (one.x + one.y) * (other.x + other.y) - x - y;
  return {
    x: modulo(((z * f) % p) * cross, p),
    y: modulo(((z * g) % p) * (y - a * x), p),
    z: modulo(f * g, p),
  };
}

function modulo(value: bigint, p: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}
