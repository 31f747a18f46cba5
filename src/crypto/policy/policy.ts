import type { CryptographicAlgorithm, HashingAlgorithm, RecommendedCurve } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import type { CryptoProvider, Derivation, KeyPairRequest } from '../provider.ts';
import { type DisabledName, parseDisabled } from './disabled-names.ts';
import { approvesAlgorithm, approvesLength, approvesName } from './fips-approved.ts';

/** What the operator wants of the cryptography. */
export interface CryptographicSettings {
  /** Names of KMIP, of algorithms also `NAME<BITS` and `NAME=BITS`; see `disabledProblem`. */
  readonly disabled: readonly string[];
  /** Whether RSA may decrypt PKCS #1 v1.5 padding. */
  readonly pkcs1Decryption: boolean;
  /** Only what is approved by FIPS 140-3. */
  readonly fips: boolean;
}

type Purpose = 'generate' | 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'mac' | 'derive';

/** Names of one family for the rules: what EC says goes for all uses of the curves. */
const families: Readonly<Record<string, string>> = { ECDSA: 'EC', ECDH: 'EC', ECMQV: 'EC' };

/**
 * The operator's rules over a provider: what is switched off is neither made nor used, whoever asks. Keys of such
 * algorithms can still be stored, fetched and converted, so that they can be taken elsewhere. Refuses with
 * AlgorithmUnsupported.
 */
export class CryptographicPolicy {
  #settings: CryptographicSettings;
  #disabled: readonly DisabledName[] = [];
  /** Nothing to ask about keys: the usual case costs nothing. */
  #allowsAllKeys = true;

  /** The settings must have passed `disabledProblem`. */
  constructor(settings: CryptographicSettings) {
    this.#settings = settings;
    this.replace(settings);
  }

  replace(settings: CryptographicSettings): void {
    this.#disabled = settings.disabled.map(parseDisabled);
    this.#settings = settings;
    this.#allowsAllKeys = this.#disabled.length === 0 && !settings.fips;
  }

  /** The same provider, as far as the rules go. They are asked at every call, so `replace` takes effect at once. */
  over(provider: CryptoProvider): CryptoProvider {
    const uses = (purpose: Purpose, key: PlainKey, parameters: CryptographicParameters) =>
      this.#requireUse(provider, purpose, key, parameters);
    const allowed = (name: string) => !this.#refuses(name);
    const ruled: CryptoProvider = {
      ...provider,
      get hashingAlgorithms() {
        return provider.hashingAlgorithms.filter((name) => allowed(String(name)));
      },
      get curves() {
        return provider.curves.filter((name) => allowed(String(name)));
      },
      digest: (algorithm, data) => {
        this.#requireName(algorithm);
        return provider.digest(algorithm, data);
      },
      startDigest: (algorithm) => {
        this.#requireName(algorithm);
        return provider.startDigest(algorithm);
      },
      generateSymmetric: (algorithm, bits) => {
        this.#requireAlgorithm(algorithm, bits);
        return provider.generateSymmetric(algorithm, bits);
      },
      generateKeyPair: (request) => this.#generatePair(provider, request),
      encrypt: (key, parameters, plaintext) => {
        uses('encrypt', key, parameters);
        return provider.encrypt(key, parameters, plaintext);
      },
      encapsulate: (key, parameters) => {
        uses('encrypt', key, parameters);
        return provider.encapsulate(key, parameters);
      },
      decrypt: async (key, parameters, sealed) => {
        uses('decrypt', key, parameters);
        return provider.decrypt(key, parameters, sealed);
      },
      wrap: (key, parameters, data) => {
        uses('encrypt', key, parameters);
        return provider.wrap(key, parameters, data);
      },
      unwrap: async (key, parameters, wrapped) => {
        uses('decrypt', key, parameters);
        return provider.unwrap(key, parameters, wrapped);
      },
      sign: async (key, parameters, message) => {
        uses('sign', key, parameters);
        return provider.sign(key, parameters, message);
      },
      verify: async (key, parameters, message, signature) => {
        uses('verify', key, parameters);
        return provider.verify(key, parameters, message, signature);
      },
      mac: (key, parameters, data) => {
        uses('mac', key, parameters);
        return provider.mac(key, parameters, data);
      },
      verifyMac: (key, parameters, data, given) => {
        uses('mac', key, parameters);
        return provider.verifyMac(key, parameters, data, given);
      },
      deriveKey: async (derivation) => {
        this.#requireDerivation(provider, derivation);
        return provider.deriveKey(derivation);
      },
      startEncryption: (key, parameters, plaintext) => {
        uses('encrypt', key, parameters);
        return provider.startEncryption(key, parameters, plaintext);
      },
      startDecryption: (key, parameters, sealed) => {
        uses('decrypt', key, parameters);
        return provider.startDecryption(key, parameters, sealed);
      },
      startMessage: (key, parameters) => {
        uses(key.objectType === 'PublicKey' ? 'verify' : 'sign', key, parameters);
        return provider.startMessage(key, parameters);
      },
      startMac: (key, parameters) => {
        uses('mac', key, parameters);
        return provider.startMac(key, parameters);
      },
      certification: {
        ...provider.certification,
        issue: async (order) => {
          uses('sign', order.issuerKey, order.signature);
          const certificate = await provider.certification.issue(order);
          this.#requireCertificate(provider, certificate);
          return certificate;
        },
        revocationList: async (order) => {
          uses('sign', order.issuerKey, order.signature);
          return provider.certification.revocationList(order);
        },
      },
    };
    return ruled;
  }

  #requireUse(
    provider: CryptoProvider,
    purpose: Purpose,
    key: PlainKey,
    parameters: CryptographicParameters,
  ): void {
    const { HashingAlgorithm: hash } = parameters;
    const padding = parameters.PaddingMethod ?? impliedPadding(purpose, key, parameters);
    if (purpose === 'decrypt' && padding === 'PKCS1V1_5' && !this.#settings.pkcs1Decryption)
      throw new UnsupportedAlgorithmError(
        'the server does not decrypt RSA with PKCS #1 v1.5 padding: use OAEP, or ask its operator',
      );
    if (this.#allowsAllKeys) return;
    if (this.#settings.fips) requireApprovedUse(purpose, parameters);
    this.#requireKey(provider, key, purpose === 'mac' ? parameters.CryptographicAlgorithm : undefined);
    const signature = parameters.DigitalSignatureAlgorithm;
    this.#requireName(signature === undefined ? undefined : hashOfSignature(String(signature)));
    this.#requireListed(signature);
    for (const name of [hash, parameters.MaskGeneratorHashingAlgorithm, parameters.BlockCipherMode, padding])
      this.#requireName(name);
  }

  /** Where the order names no hash, the issuer's key has decided it. */
  #requireCertificate(provider: CryptoProvider, CertificateValue: Uint8Array): void {
    if (this.#allowsAllKeys) return;
    for (const { name, value } of provider.describeCertificate({
      CertificateType: 'X_509',
      CertificateValue,
    })) {
      if (name !== 'DigitalSignatureAlgorithm') continue;
      this.#requireListed(String(value));
      this.#requireName(hashOfSignature(String(value)));
    }
  }

  /** `used`: the algorithm of a MAC, where it is not the key's own. */
  #requireKey(provider: CryptoProvider, key: PlainKey, used?: CryptographicAlgorithm): void {
    const description = provider.describeKey(key);
    const algorithm = used ?? key.CryptographicAlgorithm ?? description.CryptographicAlgorithm;
    if (algorithm !== undefined) this.#requireAlgorithm(algorithm, description.CryptographicLength);
    this.#requireName(description.CryptographicDomainParameters?.RecommendedCurve);
  }

  #requireDerivation(provider: CryptoProvider, { method, key, parameters }: Derivation): void {
    if (this.#allowsAllKeys) return;
    this.#requireName(method);
    if (key.objectType !== 'SecretData') this.#requireKey(provider, key);
    const algorithm = parameters.CryptographicAlgorithm;
    if (algorithm !== undefined) this.#requireAlgorithm(algorithm);
    // Where nothing is said PBKDF2 takes SHA-1.
    this.#requireName(parameters.HashingAlgorithm ?? (method === 'PBKDF2' ? 'SHA_1' : undefined));
    this.#requireName(parameters.BlockCipherMode);
  }

  async #generatePair(provider: CryptoProvider, request: KeyPairRequest) {
    const { bits, curve } = request as { readonly bits?: number; readonly curve?: RecommendedCurve };
    this.#requireAlgorithm(request.algorithm, bits);
    this.#requireName(curve);
    const pair = await provider.generateKeyPair(request);
    try {
      // Of curves it is known only now.
      this.#requireAlgorithm(request.algorithm, pair.bits);
    } catch (error) {
      pair.privateKey.fill(0);
      throw error;
    }
    return pair;
  }

  #requireAlgorithm(algorithm: CryptographicAlgorithm, bits?: number): void {
    if (this.#allowsAllKeys) return;
    const name = String(algorithm);
    if (this.#settings.fips && !approvesAlgorithm(name)) throw notApproved(name);
    if (this.#settings.fips && bits !== undefined && !approvesLength(name, bits))
      throw notApproved(`${name} of ${bits} bits`);
    for (const rule of this.#disabled) {
      if (rule.name !== name && rule.name !== families[name]) continue;
      if (rule.bits === undefined) throw switchedOff(name);
      if (bits === undefined) continue;
      const meets = rule.comparison === '<' ? bits < rule.bits : bits === rule.bits;
      if (meets) throw switchedOff(`${name} of ${bits} bits`);
    }
  }

  /** Hashes, modes, paddings, curves and derivation methods. */
  #requireName(name: string | number | undefined): void {
    if (name === undefined || this.#allowsAllKeys) return;
    if (this.#settings.fips && !approvesName(String(name))) throw notApproved(String(name));
    this.#requireListed(name);
  }

  #requireListed(name: string | number | undefined): void {
    if (name !== undefined && this.#lists(String(name))) throw switchedOff(String(name));
  }

  #refuses(name: string): boolean {
    return (this.#settings.fips && !approvesName(name)) || this.#lists(name);
  }

  #lists(name: string): boolean {
    return this.#disabled.some((rule) => rule.name === name && rule.bits === undefined);
  }
}

/** SHA-1 and PKCS #1 v1.5 are approved for some purposes only (SP 800-131A Rev. 2 §3, §6, §9). */
function requireApprovedUse(purpose: Purpose, parameters: CryptographicParameters): void {
  const { DigitalSignatureAlgorithm: name, HashingAlgorithm, PaddingMethod } = parameters;
  const hash = name === undefined ? undefined : hashOfSignature(String(name));
  if (purpose === 'sign' && (HashingAlgorithm === 'SHA_1' || hash === 'SHA_1'))
    throw notApproved('a signature with SHA_1');
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

/** The hash in a name such as `SHA_256WithRSAEncryption` or `ECDSAWithSHA256`; undefined where there is none. */
function hashOfSignature(name: string): HashingAlgorithm | undefined {
  const [, before, after] = /^(.+)WithRSAEncryption$|With(SHA.+)$/.exec(name) ?? [];
  const hash = before ?? after?.replace(/^SHA_?(\d+)$/, 'SHA_$1');
  return hash as HashingAlgorithm | undefined;
}

function switchedOff(what: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(`${what} is switched off on this server`);
}

function notApproved(what: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(
    `${what} is not approved by FIPS 140-3, and this server does nothing else`,
  );
}
