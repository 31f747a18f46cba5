import {
  bits,
  encode,
  explicit,
  InvalidDerError,
  integer,
  items,
  makeBits,
  makeExplicit,
  makeInteger,
  makeNull,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
  type Node,
  octets,
  oid,
  parse,
  stripZeros,
  tagged,
  version,
} from '../asn1/der.ts';
import { UnsupportedKeyFormatError } from '../errors.ts';
import { byteKeysOfOid, readPrivate, requireLength, writePrivate } from './byte-keys.ts';
import { curveOfOid } from './curves.ts';
import { publicPoint } from './elliptic.ts';
import {
  type DhDomain,
  type DsaDomain,
  type EcPrivateKey,
  type KeyComponents,
  padded,
} from './key-components.ts';
import { type CompleteRsaPrivateKey, completeRsa } from './rsa.ts';

/** Keys in DER: PKCS#1 (RFC 8017), PKCS#8 (RFC 5208, 5958), SubjectPublicKeyInfo (RFC 5280), SEC1 (RFC 5915). */

const oids = {
  rsa: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  ec: '1.2.840.10045.2.1',
  ecDh: '1.3.132.1.12',
  ecMqv: '1.3.132.1.13',
  dsa: '1.2.840.10040.4.1',
  /** PKCS#3: prime and generator. */
  dh: '1.2.840.113549.1.3.1',
  /** X9.42: with the subgroup. */
  dhX942: '1.2.840.10046.2.1',
} as const;

export function readRsaPublicKey(der: Uint8Array): KeyComponents {
  const [n, e] = items(parse(der));
  return { kind: 'rsaPublic', n: integer(n), e: integer(e) };
}

export function writeRsaPublicKey(key: { n: Uint8Array; e: Uint8Array }): Uint8Array {
  return encode(makeSequence(makeInteger(key.n), makeInteger(key.e)));
}

export function readRsaPrivateKey(der: Uint8Array): KeyComponents {
  const [form, n, e, d, p, q, dP, dQ, qInv] = items(parse(der));
  if (version(form) !== 0) throw new InvalidDerError('RSA keys of more than two primes are not supported');
  return {
    kind: 'rsaPrivate',
    n: integer(n),
    e: integer(e),
    d: integer(d),
    p: integer(p),
    q: integer(q),
    dP: integer(dP),
    dQ: integer(dQ),
    qInv: integer(qInv),
  };
}

export function writeRsaPrivateKey(key: CompleteRsaPrivateKey): Uint8Array {
  const { n, e, d, p, q, dP, dQ, qInv } = key;
  return encode(makeSequence(makeVersion(0), ...[n, e, d, p, q, dP, dQ, qInv].map(makeInteger)));
}

/** SEC1 ECPrivateKey; `outer` is the curve where PKCS#8 names it already. */
export function readEcPrivateKey(der: Uint8Array, outer?: Node): EcPrivateKey {
  const parts = items(parse(der));
  if (version(parts[0]) !== 1) throw new InvalidDerError('its version is not 1');
  const parameters = tagged(parts, 0);
  const curve = namedCurve(parameters === undefined ? outer : explicit(parameters));
  if (outer !== undefined && namedCurve(outer) !== curve) throw new InvalidDerError('it names two curves');
  const d = stripZeros(octets(parts[1]));
  if (d.length === 0) throw new InvalidDerError('the private key is zero');
  return { kind: 'ecPrivate', curve, d };
}

/** SEC1 ECPrivateKey with its public key; without the curve inside PKCS#8, which names it outside. */
export function writeEcPrivateKey({ curve, d }: EcPrivateKey, insidePkcs8 = false): Uint8Array {
  const scalar = padded(d, curve.orderBytes);
  const parts = [makeVersion(1), makeOctets(scalar)];
  if (!insidePkcs8) parts.push(makeExplicit(0, makeOid(curve.oid)));
  parts.push(makeExplicit(1, makeBits(publicPoint(curve, d))));
  const der = encode(makeSequence(...parts));
  scalar.fill(0);
  return der;
}

/** PKCS#8 PrivateKeyInfo; undefined for an EncryptedPrivateKeyInfo, which says nothing without its password. */
export function readPkcs8(der: Uint8Array): KeyComponents | undefined {
  const parts = items(parse(der));
  if (isEncrypted(parts)) return undefined;
  if (version(parts[0]) > 1) throw new InvalidDerError('its version is not known');
  const [algorithm, parameters] = items(parts[1]);
  const content = octets(parts[2]);
  const identifier = oid(algorithm);
  switch (identifier) {
    case oids.rsa:
    case oids.rsaPss:
      return readRsaPrivateKey(content);
    case oids.ec:
    case oids.ecDh:
    case oids.ecMqv:
      return readEcPrivateKey(content, parameters);
    case oids.dsa:
      return { kind: 'dsaPrivate', ...dsaDomain(parameters), x: integer(parse(content)) };
    case oids.dh:
    case oids.dhX942:
      return { kind: 'dhPrivate', ...dhDomain(identifier, parameters), x: integer(parse(content)) };
    default: {
      const sort = byteKeysOfOid(identifier);
      return { kind: 'bytePrivate', sort, key: readPrivate(sort, content) };
    }
  }
}

function isEncrypted(parts: readonly Node[]): boolean {
  return parts.length === 2 && parts[0]?.idBlock.tagNumber === 16 && parts[1]?.idBlock.tagNumber === 4;
}

export function writePkcs8(key: KeyComponents): Uint8Array | undefined {
  switch (key.kind) {
    case 'rsaPrivate':
      return privateKeyInfo([makeOid(oids.rsa), makeNull()], writeRsaPrivateKey(completeRsa(key)));
    case 'ecPrivate':
      return privateKeyInfo([makeOid(oids.ec), makeOid(key.curve.oid)], writeEcPrivateKey(key, true));
    case 'bytePrivate':
      return privateKeyInfo([makeOid(key.sort.oid)], writePrivate(key.sort, key.key));
    case 'dsaPrivate':
      return privateKeyInfo([makeOid(oids.dsa), makeDsaDomain(key)], encode(makeInteger(key.x)));
    case 'dhPrivate':
      return privateKeyInfo(makeDhDomain(key), encode(makeInteger(key.x)));
    default:
      return undefined;
  }
}

/** Wipes `content`, which is a copy made for this. */
function privateKeyInfo(algorithm: Node[], content: Uint8Array): Uint8Array {
  const der = encode(makeSequence(makeVersion(0), makeSequence(...algorithm), makeOctets(content)));
  content.fill(0);
  return der;
}

export function readSpki(der: Uint8Array): KeyComponents {
  const parts = items(parse(der));
  const [algorithm, parameters] = items(parts[0]);
  const content = bits(parts[1]);
  const identifier = oid(algorithm);
  switch (identifier) {
    case oids.rsa:
    case oids.rsaPss:
      return readRsaPublicKey(content);
    case oids.ec:
    case oids.ecDh:
    case oids.ecMqv:
      return { kind: 'ecPublic', curve: namedCurve(parameters), point: content };
    case oids.dsa:
      return { kind: 'dsaPublic', ...dsaDomain(parameters), y: integer(parse(content)) };
    case oids.dh:
    case oids.dhX942:
      return { kind: 'dhPublic', ...dhDomain(identifier, parameters), y: integer(parse(content)) };
    default: {
      const sort = byteKeysOfOid(identifier);
      requireLength(sort, true, content);
      return { kind: 'bytePublic', sort, key: content };
    }
  }
}

export function writeSpki(key: KeyComponents): Uint8Array | undefined {
  switch (key.kind) {
    case 'rsaPublic':
      return subjectPublicKeyInfo([makeOid(oids.rsa), makeNull()], writeRsaPublicKey(key));
    case 'ecPublic':
      return subjectPublicKeyInfo([makeOid(oids.ec), makeOid(key.curve.oid)], key.point);
    case 'bytePublic':
      return subjectPublicKeyInfo([makeOid(key.sort.oid)], key.key);
    case 'dsaPublic':
      return subjectPublicKeyInfo([makeOid(oids.dsa), makeDsaDomain(key)], encode(makeInteger(key.y)));
    case 'dhPublic':
      return subjectPublicKeyInfo(makeDhDomain(key), encode(makeInteger(key.y)));
    default:
      return undefined;
  }
}

function subjectPublicKeyInfo(algorithm: Node[], content: Uint8Array): Uint8Array {
  return encode(makeSequence(makeSequence(...algorithm), makeBits(content)));
}

/** Curves by name only: explicit parameters let an attacker choose the generator (CVE-2020-0601). */
function namedCurve(parameters: Node | undefined) {
  const curve = curveOfOid(oid(parameters));
  if (curve === undefined)
    throw new UnsupportedKeyFormatError(`curve ${oid(parameters)} is not known to KMIP`);
  return curve;
}

function dsaDomain(parameters: Node | undefined): DsaDomain {
  const [p, q, g] = items(parameters);
  return { p: integer(p), q: integer(q), g: integer(g) };
}

function makeDsaDomain({ p, q, g }: DsaDomain): Node {
  return makeSequence(makeInteger(p), makeInteger(q), makeInteger(g));
}

function dhDomain(identifier: string, parameters: Node | undefined): DhDomain {
  const [p, g, q, j] = items(parameters);
  if (identifier === oids.dh) return { p: integer(p), g: integer(g) };
  const hasJ = j !== undefined && j.idBlock.tagNumber === 2;
  return { p: integer(p), g: integer(g), q: integer(q), ...(hasJ ? { j: integer(j) } : {}) };
}

function makeDhDomain({ p, g, q, j }: DhDomain): Node[] {
  if (q === undefined) return [makeOid(oids.dh), makeSequence(makeInteger(p), makeInteger(g))];
  const parts = [p, g, q, ...(j === undefined ? [] : [j])];
  return [makeOid(oids.dhX942), makeSequence(...parts.map(makeInteger))];
}
