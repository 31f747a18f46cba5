import type { RecommendedCurve } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { Certification } from '../certification.ts';
import type { PlainKey } from '../plain-key.ts';
import type { CryptoProvider, GeneratedKeyPair, KeyPairRequest } from '../provider.ts';
import type { TokenKeys } from '../token-keys.ts';
import { CryptographicRules, type CryptographicSettings, type Purpose } from './rules.ts';
import { restrictTokenKeys } from './token-policy.ts';

type RequireUse = (purpose: Purpose, key: PlainKey, parameters: CryptographicParameters) => void;

/**
 * The operator's rules over a provider: algorithms that are switched off are neither used nor generated, for
 * all clients. Keys of such algorithms can still be stored, fetched and converted, so that they can be taken
 * elsewhere.
 *
 * Every member of the port is listed below, including those that no rule concerns: a new member of the port
 * fails to compile until it is listed, and so cannot pass by the rules unnoticed. Object spread may not be
 * used for it.
 */
export class CryptographicPolicy {
  readonly #rules: CryptographicRules;

  /** @throws {TypeError} for settings in which `findDisabledProblem` finds a problem */
  constructor(settings: CryptographicSettings) {
    this.#rules = new CryptographicRules(settings);
  }

  /** Takes other settings, which hold from the next call of each restricted provider on. */
  replace(settings: CryptographicSettings): void {
    this.#rules.replace(settings);
  }

  /** Wraps keys in a token likewise. */
  restrictTokenKeys(keys: TokenKeys): TokenKeys {
    return restrictTokenKeys(keys, this.#rules);
  }

  /** Wraps a provider: its methods throw UnsupportedAlgorithmError when the rules forbid a call. */
  restrict(provider: CryptoProvider): CryptoProvider {
    const rules = this.#rules;
    const requireUse: RequireUse = (purpose, key, parameters) =>
      rules.requireUse(provider, purpose, key, parameters);
    const keys = restrictKeys(provider, rules);
    const uses = restrictUses(provider, requireUse);
    const streams = restrictStreams(provider, requireUse);
    return {
      randomNumberGenerator: provider.randomNumberGenerator,
      get hashingAlgorithms() {
        return provider.hashingAlgorithms.filter((name) => rules.isAllowed(name));
      },
      get curves() {
        return provider.curves.filter((name) => rules.isAllowed(name));
      },
      random: keys.random,
      digest: keys.digest,
      digestObject: keys.digestObject,
      generateSymmetric: keys.generateSymmetric,
      generateKeyPair: keys.generateKeyPair,
      describeKey: keys.describeKey,
      checkObject: keys.checkObject,
      convertKey: keys.convertKey,
      describeCertificate: keys.describeCertificate,
      deriveKey: keys.deriveKey,
      splitSecret: keys.splitSecret,
      joinShares: keys.joinShares,
      encrypt: uses.encrypt,
      decrypt: uses.decrypt,
      encapsulate: uses.encapsulate,
      sign: uses.sign,
      verify: uses.verify,
      mac: uses.mac,
      verifyMac: uses.verifyMac,
      wrap: uses.wrap,
      unwrap: uses.unwrap,
      encodePkcs12: uses.encodePkcs12,
      decodePkcs12: uses.decodePkcs12,
      startEncryption: streams.startEncryption,
      startDecryption: streams.startDecryption,
      startMessage: streams.startMessage,
      startMac: streams.startMac,
      startDigest: keys.startDigest,
      certification: restrictCertification(provider, rules, requireUse),
    };
  }
}

function restrictKeys(provider: CryptoProvider, rules: CryptographicRules) {
  return {
    random: (length) => provider.random(length),
    digest: (algorithm, data) => {
      rules.requireName(algorithm);
      return provider.digest(algorithm, data);
    },
    startDigest: (algorithm) => {
      rules.requireName(algorithm);
      return provider.startDigest(algorithm);
    },
    digestObject: (object) => provider.digestObject(object),
    generateSymmetric: (algorithm, bits) => {
      rules.requireMade(algorithm, bits);
      return provider.generateSymmetric(algorithm, bits);
    },
    generateKeyPair: (request) => generateKeyPair(provider, rules, request),
    describeKey: (key) => provider.describeKey(key),
    checkObject: async (object) => {
      rules.requireThreeKeys(object);
      await provider.checkObject(object);
    },
    convertKey: (key, format, compression) => provider.convertKey(key, format, compression),
    describeCertificate: (certificate) => provider.describeCertificate(certificate),
    deriveKey: async (derivation) => {
      rules.requireDerivation(provider, derivation);
      return provider.deriveKey(derivation);
    },
    splitSecret: (secret, scheme) => provider.splitSecret(secret, scheme),
    joinShares: (shares, scheme, length) => provider.joinShares(shares, scheme, length),
  } satisfies Partial<CryptoProvider>;
}

async function generateKeyPair(
  provider: CryptoProvider,
  rules: CryptographicRules,
  request: KeyPairRequest,
): Promise<GeneratedKeyPair> {
  const { bits, curve } = request as { readonly bits?: number; readonly curve?: RecommendedCurve };
  rules.requireMade(request.algorithm, bits);
  rules.requireName(curve);
  const pair = await provider.generateKeyPair(request);
  try {
    // The length of a key on a curve is known only now.
    rules.requireMade(request.algorithm, pair.bits);
  } catch (error) {
    pair.privateKey.fill(0);
    throw error;
  }
  return pair;
}

function restrictUses(provider: CryptoProvider, requireUse: RequireUse) {
  return {
    encrypt: (key, parameters, plaintext) => {
      requireUse('encrypt', key, parameters);
      return provider.encrypt(key, parameters, plaintext);
    },
    decrypt: async (key, parameters, ciphertext) => {
      requireUse('decrypt', key, parameters);
      return provider.decrypt(key, parameters, ciphertext);
    },
    encapsulate: (key, parameters) => {
      requireUse('encrypt', key, parameters);
      return provider.encapsulate(key, parameters);
    },
    sign: async (key, parameters, message) => {
      requireUse('sign', key, parameters);
      return provider.sign(key, parameters, message);
    },
    verify: async (key, parameters, message, signature) => {
      requireUse('verify', key, parameters);
      return provider.verify(key, parameters, message, signature);
    },
    mac: (key, parameters, data) => {
      requireUse('mac', key, parameters);
      return provider.mac(key, parameters, data);
    },
    verifyMac: (key, parameters, data, given) => {
      requireUse('mac', key, parameters);
      return provider.verifyMac(key, parameters, data, given);
    },
    wrap: (key, parameters, data, ivSeed) => {
      requireUse('encrypt', key, parameters);
      return provider.wrap(key, parameters, data, ivSeed);
    },
    unwrap: async (key, parameters, wrapped) => {
      requireUse('decrypt', key, parameters);
      return provider.unwrap(key, parameters, wrapped);
    },
    encodePkcs12: (key, parts) => provider.encodePkcs12(key, parts),
    decodePkcs12: (file, password) => provider.decodePkcs12(file, password),
  } satisfies Partial<CryptoProvider>;
}

function restrictStreams(provider: CryptoProvider, requireUse: RequireUse) {
  return {
    startEncryption: (key, parameters, plaintext) => {
      requireUse('encrypt', key, parameters);
      return provider.startEncryption(key, parameters, plaintext);
    },
    startDecryption: (key, parameters, ciphertext) => {
      requireUse('decrypt', key, parameters);
      return provider.startDecryption(key, parameters, ciphertext);
    },
    startMessage: (key, parameters) => {
      requireUse(key.objectType === 'PublicKey' ? 'verify' : 'sign', key, parameters);
      return provider.startMessage(key, parameters);
    },
    startMac: (key, parameters) => {
      requireUse('mac', key, parameters);
      return provider.startMac(key, parameters);
    },
  } satisfies Partial<CryptoProvider>;
}

function restrictCertification(
  provider: CryptoProvider,
  rules: CryptographicRules,
  requireUse: RequireUse,
): Certification {
  const { certification } = provider;
  return {
    readCertificateRequest: (type, value) => certification.readCertificateRequest(type, value),
    readCertificate: (der) => certification.readCertificate(der),
    encodeName: (name) => certification.encodeName(name),
    encodeAlternativeName: (text) => certification.encodeAlternativeName(text),
    nameContains: (name, stated) => certification.nameContains(name, stated),
    comparableName: (name) => certification.comparableName(name),
    findNamingProblem: (content, policies) => certification.findNamingProblem(content, policies),
    encodeNameConstraints: (policies) => certification.encodeNameConstraints(policies),
    canonicalKey: (publicKey) => certification.canonicalKey(publicKey),
    publicKeyOf: (privateKey) => certification.publicKeyOf(privateKey),
    signedPart: (certificate) => certification.signedPart(certificate),
    isPair: (privateKey, publicKey) => certification.isPair(privateKey, publicKey),
    issueCertificate: async (specification) => {
      requireUse('sign', specification.issuerKey, specification.signature);
      const certificate = await certification.issueCertificate(specification);
      rules.requireCertificate(provider, certificate);
      return certificate;
    },
    issueRevocationList: async (specification) => {
      requireUse('sign', specification.issuerKey, specification.signature);
      return certification.issueRevocationList(specification);
    },
    buildChain: (certificates) => certification.buildChain(certificates),
    isIssuedBy: (certificate, issuer) => certification.isIssuedBy(certificate, issuer),
    validatePath: (chain, date, isAnchored) => certification.validatePath(chain, date, isAnchored),
  };
}
