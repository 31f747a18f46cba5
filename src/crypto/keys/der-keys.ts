import {
  type DerNode,
  encodeDer,
  findTagged,
  InvalidDerError,
  makeBits,
  makeExplicit,
  makeInteger,
  makeNull,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
  parseDer,
  readBits,
  readExplicit,
  readInteger,
  readOctets,
  readOid,
  readSequence,
  readSmallInteger,
  stripZeros,
} from '../asn1/der.ts';
import { UnsupportedKeyFormatError } from '../errors.ts';
import { readPrivateContent, requireKeyLength, requireTypeOfOid, writePrivateContent } from './byte-keys.ts';
import { findCurveByOid } from './curves.ts';
import { computePublicPoint } from './elliptic.ts';
import {
  type DhDomain,
  type DsaDomain,
  type EcPrivateKey,
  type KeyComponents,
  padToLength,
} from './key-components.ts';
import { type CompleteRsaPrivateKey, completeRsaKey } from './rsa.ts';

/*
 * Keys in DER: PKCS#1 (RFC 8017), PKCS#8 (RFC 5208, 5958), SubjectPublicKeyInfo (RFC 5280), SEC1 (RFC 5915).
 * Integers of keys that were read are views of the input; DER that is written is in memory of its own.
 */

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

/**
 * Reads a PKCS#1 RSAPublicKey (RFC 8017, appendix A.1.1).
 * @throws {InvalidDerError} when the bytes are not one
 */
export function readRsaPublicKey(der: Uint8Array): KeyComponents {
  const [n, e] = readSequence(parseDer(der));
  return { kind: 'rsaPublic', n: readInteger(n), e: readInteger(e) };
}

/** Writes a PKCS#1 RSAPublicKey from magnitudes (RFC 8017, appendix A.1.1). */
export function writeRsaPublicKey(key: { n: Uint8Array; e: Uint8Array }): Uint8Array {
  return encodeDer(makeSequence(makeInteger(key.n), makeInteger(key.e)));
}

/**
 * Reads a PKCS#1 RSAPrivateKey of two primes (RFC 8017, appendix A.1.2).
 * @throws {InvalidDerError} when the bytes are not one
 */
export function readRsaPrivateKey(der: Uint8Array): KeyComponents {
  const [form, n, e, d, p, q, dP, dQ, qInv] = readSequence(parseDer(der));
  if (readSmallInteger(form) !== 0)
    throw new InvalidDerError('RSA keys of more than two primes are not supported');
  return {
    kind: 'rsaPrivate',
    n: readInteger(n),
    e: readInteger(e),
    d: readInteger(d),
    p: readInteger(p),
    q: readInteger(q),
    dP: readInteger(dP),
    dQ: readInteger(dQ),
    qInv: readInteger(qInv),
  };
}

/** Writes a PKCS#1 RSAPrivateKey (RFC 8017, appendix A.1.2). */
export function writeRsaPrivateKey(key: CompleteRsaPrivateKey): Uint8Array {
  const { n, e, d, p, q, dP, dQ, qInv } = key;
  return encodeDer(makeSequence(makeVersion(0), ...[n, e, d, p, q, dP, dQ, qInv].map(makeInteger)));
}

/**
 * Reads a SEC1 ECPrivateKey (RFC 5915 §3); `outer` is the curve that PKCS#8 names outside.
 * @throws {InvalidDerError} when the bytes are not one, the key is zero, or the curves differ
 * @throws {UnsupportedKeyFormatError} when KMIP does not name the curve
 */
export function readEcPrivateKey(der: Uint8Array, outer?: DerNode): EcPrivateKey {
  const parts = readSequence(parseDer(der));
  if (readSmallInteger(parts[0]) !== 1) throw new InvalidDerError('its version is not 1');
  const parameters = findTagged(parts, 0);
  const curve = readNamedCurve(parameters === undefined ? outer : readExplicit(parameters));
  if (outer !== undefined && readNamedCurve(outer) !== curve)
    throw new InvalidDerError('it names two curves');
  const d = stripZeros(readOctets(parts[1]));
  if (d.length === 0) throw new InvalidDerError('the private key is zero');
  return { kind: 'ecPrivate', curve, d };
}

/**
 * Writes a SEC1 ECPrivateKey with its public key (RFC 5915 §3); inside PKCS#8 without the curve, which PKCS#8
 * names outside.
 * @throws {InvalidKeyMaterialError} when the key is out of range for its curve
 */
export function writeEcPrivateKey({ curve, d }: EcPrivateKey, insidePkcs8 = false): Uint8Array {
  const scalar = padToLength(d, curve.orderBytes);
  const parts = [makeVersion(1), makeOctets(scalar)];
  if (!insidePkcs8) parts.push(makeExplicit(0, makeOid(curve.oid)));
  parts.push(makeExplicit(1, makeBits(computePublicPoint(curve, d))));
  const der = encodeDer(makeSequence(...parts));
  scalar.fill(0);
  return der;
}

/**
 * Reads a PKCS#8 PrivateKeyInfo (RFC 5958 §2); undefined for an EncryptedPrivateKeyInfo, unreadable without
 * its password.
 * @throws {InvalidDerError} when the bytes are neither
 * @throws {UnsupportedKeyFormatError} when algorithm or curve is not supported
 * @throws {InvalidKeyMaterialError} when the key has another length than its algorithm's
 */
export function readPkcs8(der: Uint8Array): KeyComponents | undefined {
  const parts = readSequence(parseDer(der));
  if (isEncrypted(parts)) return undefined;
  if (readSmallInteger(parts[0]) > 1) throw new InvalidDerError('its version is not known');
  const [algorithm, parameters] = readSequence(parts[1]);
  const content = readOctets(parts[2]);
  const identifier = readOid(algorithm);
  switch (identifier) {
    case oids.rsa:
    case oids.rsaPss:
      return readRsaPrivateKey(content);
    case oids.ec:
    case oids.ecDh:
    case oids.ecMqv:
      return readEcPrivateKey(content, parameters);
    case oids.dsa:
      return { kind: 'dsaPrivate', ...readDsaDomain(parameters), x: readInteger(parseDer(content)) };
    case oids.dh:
    case oids.dhX942:
      return {
        kind: 'dhPrivate',
        ...readDhDomain(identifier, parameters),
        x: readInteger(parseDer(content)),
      };
    default: {
      const type = requireTypeOfOid(identifier);
      return { kind: 'bytePrivate', type, key: readPrivateContent(type, content) };
    }
  }
}

function isEncrypted(parts: readonly DerNode[]): boolean {
  return parts.length === 2 && parts[0]?.idBlock.tagNumber === 16 && parts[1]?.idBlock.tagNumber === 4;
}

/**
 * Writes a PKCS#8 PrivateKeyInfo (RFC 5958 §2); undefined for keys that are not private.
 * @throws {UnsupportedKeyFormatError} for an RSA key without its primes
 * @throws {InvalidKeyMaterialError} when the numbers of the key contradict each other
 */
export function writePkcs8(key: KeyComponents): Uint8Array | undefined {
  switch (key.kind) {
    case 'rsaPrivate':
      return encodePrivateKeyInfo([makeOid(oids.rsa), makeNull()], writeRsaPrivateKey(completeRsaKey(key)));
    case 'ecPrivate':
      return encodePrivateKeyInfo([makeOid(oids.ec), makeOid(key.curve.oid)], writeEcPrivateKey(key, true));
    case 'bytePrivate':
      return encodePrivateKeyInfo([makeOid(key.type.oid)], writePrivateContent(key.type, key.key));
    case 'dsaPrivate':
      return encodePrivateKeyInfo([makeOid(oids.dsa), makeDsaDomain(key)], encodeDer(makeInteger(key.x)));
    case 'dhPrivate':
      return encodePrivateKeyInfo(makeDhDomain(key), encodeDer(makeInteger(key.x)));
    default:
      return undefined;
  }
}

/** Wipes `content`, a copy that the caller made for this call. */
function encodePrivateKeyInfo(algorithm: DerNode[], content: Uint8Array): Uint8Array {
  const der = encodeDer(makeSequence(makeVersion(0), makeSequence(...algorithm), makeOctets(content)));
  content.fill(0);
  return der;
}

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
 * @throws {InvalidDerError} when the bytes are not one
 * @throws {UnsupportedKeyFormatError} when algorithm or curve is not supported
 * @throws {InvalidKeyMaterialError} when the key has another length than its algorithm's
 */
export function readSpki(der: Uint8Array): KeyComponents {
  const parts = readSequence(parseDer(der));
  const [algorithm, parameters] = readSequence(parts[0]);
  const content = readBits(parts[1]);
  const identifier = readOid(algorithm);
  switch (identifier) {
    case oids.rsa:
    case oids.rsaPss:
      return readRsaPublicKey(content);
    case oids.ec:
    case oids.ecDh:
    case oids.ecMqv:
      return { kind: 'ecPublic', curve: readNamedCurve(parameters), point: content };
    case oids.dsa:
      return { kind: 'dsaPublic', ...readDsaDomain(parameters), y: readInteger(parseDer(content)) };
    case oids.dh:
    case oids.dhX942:
      return { kind: 'dhPublic', ...readDhDomain(identifier, parameters), y: readInteger(parseDer(content)) };
    default: {
      const type = requireTypeOfOid(identifier);
      requireKeyLength(type, true, content);
      return { kind: 'bytePublic', type, key: content };
    }
  }
}

/** Writes a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); undefined for keys that are not public. */
export function writeSpki(key: KeyComponents): Uint8Array | undefined {
  switch (key.kind) {
    case 'rsaPublic':
      return encodeSubjectPublicKeyInfo([makeOid(oids.rsa), makeNull()], writeRsaPublicKey(key));
    case 'ecPublic':
      return encodeSubjectPublicKeyInfo([makeOid(oids.ec), makeOid(key.curve.oid)], key.point);
    case 'bytePublic':
      return encodeSubjectPublicKeyInfo([makeOid(key.type.oid)], key.key);
    case 'dsaPublic':
      return encodeSubjectPublicKeyInfo(
        [makeOid(oids.dsa), makeDsaDomain(key)],
        encodeDer(makeInteger(key.y)),
      );
    case 'dhPublic':
      return encodeSubjectPublicKeyInfo(makeDhDomain(key), encodeDer(makeInteger(key.y)));
    default:
      return undefined;
  }
}

function encodeSubjectPublicKeyInfo(algorithm: DerNode[], content: Uint8Array): Uint8Array {
  return encodeDer(makeSequence(makeSequence(...algorithm), makeBits(content)));
}

/** Accepts curves by name only: explicit parameters let an attacker choose the generator (CVE-2020-0601). */
function readNamedCurve(parameters: DerNode | undefined) {
  const curve = findCurveByOid(readOid(parameters));
  if (curve === undefined)
    throw new UnsupportedKeyFormatError(`curve ${readOid(parameters)} is not known to KMIP`);
  return curve;
}

function readDsaDomain(parameters: DerNode | undefined): DsaDomain {
  const [p, q, g] = readSequence(parameters);
  return { p: readInteger(p), q: readInteger(q), g: readInteger(g) };
}

function makeDsaDomain({ p, q, g }: DsaDomain): DerNode {
  return makeSequence(makeInteger(p), makeInteger(q), makeInteger(g));
}

function readDhDomain(identifier: string, parameters: DerNode | undefined): DhDomain {
  const [p, g, q, j] = readSequence(parameters);
  if (identifier === oids.dh) return { p: readInteger(p), g: readInteger(g) };
  const hasJ = j !== undefined && j.idBlock.tagNumber === 2;
  return { p: readInteger(p), g: readInteger(g), q: readInteger(q), ...(hasJ ? { j: readInteger(j) } : {}) };
}

function makeDhDomain({ p, g, q, j }: DhDomain): DerNode[] {
  if (q === undefined) return [makeOid(oids.dh), makeSequence(makeInteger(p), makeInteger(g))];
  const parts = [p, g, q, ...(j === undefined ? [] : [j])];
  return [makeOid(oids.dhX942), makeSequence(...parts.map(makeInteger))];
}
