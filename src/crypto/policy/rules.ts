import type { CryptographicAlgorithm, HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { hashOfDerivation } from '../derivation-hash.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import { hmacOfHash } from '../parameter-names.ts';
import type { PlainKey } from '../plain-key.ts';
import type { CryptoProvider, KeyDerivation } from '../provider.ts';
import { type DisabledName, parseDisabled } from './disabled-names.ts';
import { isApprovedAlgorithm, isApprovedLength, isApprovedName } from './fips-approved.ts';
import { requireIterations, requireStrongHash, requireStrongKey, requireThreeKeys } from './legacy.ts';

/** The operator's settings of the cryptography. */
export interface CryptographicSettings {
  /** Names of KMIP, of algorithms also `NAME<BITS` and `NAME=BITS`; see `findDisabledProblem`. */
  readonly disabled: readonly string[];
  /** Whether RSA may decrypt PKCS #1 v1.5 padding. */
  readonly pkcs1Decryption: boolean;
  /** Whether only algorithms approved by FIPS 140-3 are allowed. */
  readonly fips: boolean;
  /** Whether weak algorithms may protect something new. */
  readonly legacy: boolean;
}

/** The use of a key that a rule is about. */
export type Purpose = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'mac';

/** The uses that protect something new; no weak key makes MACs (HMAC, CMAC with AES or three-key 3DES). */
const protecting: ReadonlySet<Purpose> = new Set(['encrypt', 'sign']);

/** An entry for EC is about every algorithm on its curves. */
const families: Readonly<Record<string, string>> = { ECDSA: 'EC', ECDH: 'EC', ECMQV: 'EC' };

/**
 * The rules that settings make. Every `require…` method throws UnsupportedAlgorithmError when a rule forbids
 * one of its arguments. `provider` tells algorithm and length of a key.
 */
export class CryptographicRules {
  #settings: CryptographicSettings;
  #disabled: readonly DisabledName[] = [];
  /** Avoids inspecting keys in the usual case that no rule concerns keys. */
  #allowsAllKeys = true;

  /** @throws {TypeError} for an entry of `disabled` in which `findDisabledProblem` finds a problem */
  constructor(settings: CryptographicSettings) {
    this.#settings = settings;
    this.replace(settings);
  }

  /** @throws {TypeError} as the constructor, and then changes nothing */
  replace(settings: CryptographicSettings): void {
    this.#disabled = settings.disabled.map(parseDisabled);
    this.#settings = settings;
    this.#allowsAllKeys = this.#disabled.length === 0 && !settings.fips;
  }

  /** Tells whether the rules allow a hash or curve. */
  isAllowed(name: string | number): boolean {
    const text = String(name);
    return !(this.#settings.fips && !isApprovedName(text)) && !this.#isDisabled(text);
  }

  /** Checks a key and the parameters of its use. */
  requireUse(
    provider: Pick<CryptoProvider, 'describeKey'>,
    purpose: Purpose,
    key: PlainKey,
    parameters: CryptographicParameters,
  ): void {
    const hash = hashOfUse(purpose, parameters);
    const padding = parameters.PaddingMethod ?? impliedPadding(purpose, key, parameters);
    if (purpose === 'decrypt' && padding === 'PKCS1V1_5' && !this.#settings.pkcs1Decryption)
      throw new UnsupportedAlgorithmError(
        'the server does not decrypt RSA with PKCS #1 v1.5 padding: use OAEP, or ask its operator',
      );
    if (!this.#settings.legacy && protecting.has(purpose)) {
      requireStrongUse(provider, key);
      if (purpose === 'sign') requireStrongHash(hash);
    }
    if (this.#allowsAllKeys) return;
    if (this.#settings.fips) requireApprovedUse(purpose, hash, parameters);
    this.#requireKey(provider, key, purpose === 'mac' ? parameters.CryptographicAlgorithm : undefined);
    this.#requireEnabled(parameters.DigitalSignatureAlgorithm);
    for (const name of [hash, parameters.MaskGeneratorHashingAlgorithm, parameters.BlockCipherMode, padding])
      this.requireName(name);
  }

  /**
   * Checks the signature of a new certificate, in DER: without a stated hash, the issuer's key has decided
   * it.
   */
  requireCertificate(provider: CryptoProvider, CertificateValue: Uint8Array): void {
    if (this.#allowsAllKeys && this.#settings.legacy) return;
    const certificate = { CertificateType: 'X_509', CertificateValue } as const;
    for (const { name, value } of provider.describeCertificate(certificate)) {
      if (name !== 'DigitalSignatureAlgorithm') continue;
      if (!this.#settings.legacy) requireStrongHash(hashOfSignature(String(value)));
      this.#requireEnabled(String(value));
      this.requireName(hashOfSignature(String(value)));
    }
  }

  /** Checks a derivation: its method, its key, its parameters and the key that is made. */
  requireDerivation(provider: CryptoProvider, derivation: KeyDerivation): void {
    const { method, key, parameters, iterations, result } = derivation;
    if (result !== undefined) this.requireMade(result.algorithm, result.bits);
    if (!this.#settings.legacy) {
      if (key.objectType !== 'SecretData') requireStrongUse(provider, key);
      if (method === 'PBKDF2' && iterations !== undefined) requireIterations(iterations);
    }
    if (this.#allowsAllKeys) return;
    this.requireName(method);
    if (key.objectType !== 'SecretData') this.#requireKey(provider, key);
    const algorithm = parameters.CryptographicAlgorithm;
    if (algorithm !== undefined) this.requireAlgorithm(algorithm);
    const hash = hashOfDerivation(derivation);
    this.requireName(hash);
    const hmac = method === 'HASH' ? undefined : hmacOfHash(hash);
    if (hmac !== undefined) this.requireAlgorithm(hmac);
    const isCmac = hash === undefined && String(method).startsWith('NIST800_108');
    this.requireName(parameters.BlockCipherMode ?? (isCmac ? 'CMAC' : undefined));
  }

  /** Checks the algorithm of a key that is made, with its length in bits where it is known. */
  requireMade(algorithm: CryptographicAlgorithm, bits?: number): void {
    this.requireAlgorithm(algorithm, bits);
    if (!this.#settings.legacy) requireStrongKey(algorithm, bits);
  }

  /** Checks an algorithm, with a length in bits where it is known. */
  requireAlgorithm(algorithm: CryptographicAlgorithm, bits?: number): void {
    if (this.#allowsAllKeys) return;
    const name = String(algorithm);
    if (this.#settings.fips && !isApprovedAlgorithm(name)) throw notApproved(name);
    if (this.#settings.fips && bits !== undefined && !isApprovedLength(name, bits))
      throw notApproved(`${name} of ${bits} bits`);
    for (const rule of this.#disabled) {
      if (rule.name !== name && rule.name !== families[name]) continue;
      if (rule.bits === undefined) throw switchedOff(name);
      if (bits === undefined) continue;
      const matches = rule.comparison === '<' ? bits < rule.bits : bits === rule.bits;
      if (matches) throw switchedOff(`${name} of ${bits} bits`);
    }
  }

  /** Refuses new keys of 3DES that encrypt as DES does. */
  requireThreeKeys(object: ManagedObjectValue): void {
    if (!this.#settings.legacy) requireThreeKeys(object);
  }

  /** Checks a hash, mode, padding, curve or derivation method. */
  requireName(name: string | number | undefined): void {
    if (name === undefined || this.#allowsAllKeys) return;
    if (this.#settings.fips && !isApprovedName(String(name))) throw notApproved(String(name));
    this.#requireEnabled(name);
  }

  /** `algorithm`: that of a MAC, where it is not the key's own. */
  #requireKey(
    provider: Pick<CryptoProvider, 'describeKey'>,
    key: PlainKey,
    algorithm?: CryptographicAlgorithm,
  ): void {
    const description = provider.describeKey(key);
    const used = algorithm ?? key.CryptographicAlgorithm ?? description.CryptographicAlgorithm;
    if (used !== undefined) this.requireAlgorithm(used, description.CryptographicLength);
    this.requireName(description.CryptographicDomainParameters?.RecommendedCurve);
  }

  #requireEnabled(name: string | number | undefined): void {
    if (name !== undefined && this.#isDisabled(String(name))) throw switchedOff(String(name));
  }

  #isDisabled(name: string): boolean {
    return this.#disabled.some((rule) => rule.name === name && rule.bits === undefined);
  }
}

/**
 * Requires a key that may protect something new. Only keys without claims are read: those of stored keys were
 * compared with the material.
 */
function requireStrongUse(provider: Pick<CryptoProvider, 'describeKey'>, key: PlainKey): void {
  const isStated = key.CryptographicAlgorithm !== undefined && key.CryptographicLength !== undefined;
  const { CryptographicAlgorithm: algorithm, CryptographicLength: bits } = isStated
    ? key
    : provider.describeKey(key);
  if (algorithm !== undefined) requireStrongKey(algorithm, bits);
}

/**
 * Resolves the hash of a use from every field that can state it. Undefined for MACs: HMAC is a name of its
 * own.
 */
function hashOfUse(
  purpose: Purpose,
  { DigitalSignatureAlgorithm: name, HashingAlgorithm }: CryptographicParameters,
): HashingAlgorithm | undefined {
  if (purpose === 'mac') return undefined;
  return HashingAlgorithm ?? (name === undefined ? undefined : hashOfSignature(String(name)));
}

/** SHA-1 and PKCS #1 v1.5 are approved for some purposes only (SP 800-131A Rev. 2 §3, §6, §9). */
function requireApprovedUse(
  purpose: Purpose,
  hash: HashingAlgorithm | undefined,
  { PaddingMethod }: CryptographicParameters,
): void {
  if (purpose === 'sign' && hash === 'SHA_1') throw notApproved('a signature with SHA_1');
  if ((purpose === 'encrypt' || purpose === 'decrypt') && PaddingMethod === 'PKCS1V1_5')
    throw notApproved('encryption with PKCS1V1_5');
}

/** Signatures of RSA without a Padding Method are those of PKCS #1 v1.5. */
function impliedPadding(
  purpose: Purpose,
  key: PlainKey,
  { DigitalSignatureAlgorithm: name }: CryptographicParameters,
): 'PKCS1V1_5' | 'PSS' | undefined {
  if (key.CryptographicAlgorithm !== 'RSA' || (purpose !== 'sign' && purpose !== 'verify')) return undefined;
  return name === 'RSASSA_PSS' ? 'PSS' : 'PKCS1V1_5';
}

/**
 * Reads the hash from a name such as `SHA_256WithRSAEncryption` or `ECDSAWithSHA256`; undefined where it has
 * none.
 */
function hashOfSignature(name: string): HashingAlgorithm | undefined {
  const [, before, after] = /^(.+)WithRSAEncryption$|With(SHA.+)$/.exec(name) ?? [];
  const hash = before ?? after?.replace(/^SHA_?(\d+)$/, 'SHA_$1');
  return hash as HashingAlgorithm | undefined;
}

function switchedOff(subject: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(`${subject} is switched off on this server`);
}

function notApproved(subject: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(
    `${subject} is not approved by FIPS 140-3, and this server does nothing else`,
  );
}
