import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { PlainKey } from '../plain-key.ts';
import type { TokenKey, TokenKeyRequest, TokenKeys } from '../token-keys.ts';
import type { CryptographicRules, Purpose } from './rules.ts';

/**
 * The operator's rules over keys in a token, the same as over others. Every member of the port is listed, so
 * that a new one does not pass by the rules unnoticed.
 */
export function restrictTokenKeys(keys: TokenKeys, rules: CryptographicRules): TokenKeys {
  const requireUse = (purpose: Purpose, key: TokenKey, parameters: CryptographicParameters) =>
    rules.requireUse({ describeKey: () => key }, purpose, claimsOf(key), parameters);
  const requireMade = ({ key, pair }: TokenKeyRequest) => {
    if (pair === undefined) return rules.requireMade(key.algorithm, key.bits);
    rules.requireMade(pair.algorithm, 'bits' in pair ? pair.bits : undefined);
    if ('curve' in pair) rules.requireName(pair.curve);
  };
  return {
    serial: () => keys.serial(),
    newReference: () => keys.newReference(),
    async generate(reference, request) {
      requireMade(request);
      const made = await keys.generate(reference, request);
      // The length of a key on a curve is known only now; the caller removes the key.
      const algorithm = request.pair?.algorithm ?? request.key?.algorithm;
      if (algorithm !== undefined) rules.requireMade(algorithm, made.bits);
      return made;
    },
    requireOffered(request) {
      requireMade(request);
      keys.requireOffered(request);
    },
    async encrypt(key, parameters, plaintext) {
      requireUse('encrypt', key, parameters);
      return keys.encrypt(key, parameters, plaintext);
    },
    async decrypt(key, parameters, ciphertext) {
      requireUse('decrypt', key, parameters);
      return keys.decrypt(key, parameters, ciphertext);
    },
    async sign(key, parameters, message) {
      requireUse('sign', key, parameters);
      return keys.sign(key, parameters, message);
    },
    startMessage(key, parameters) {
      requireUse('sign', key, parameters);
      return keys.startMessage(key, parameters);
    },
    async mac(key, parameters, data) {
      requireUse('mac', key, parameters);
      return keys.mac(key, parameters, data);
    },
    async verifyMac(key, parameters, data, given) {
      requireUse('mac', key, parameters);
      return keys.verifyMac(key, parameters, data, given);
    },
    destroy: (reference) => keys.destroy(reference),
  };
}

/** The rules judge a key by what is stated of it; none of its value is needed. */
function claimsOf({ objectType, CryptographicAlgorithm, CryptographicLength }: TokenKey): PlainKey {
  const claims = { CryptographicAlgorithm, CryptographicLength };
  return { objectType, KeyFormatType: 'Opaque', KeyMaterial: new Uint8Array(), ...claims };
}
