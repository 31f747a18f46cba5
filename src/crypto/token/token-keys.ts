import { randomFillSync, timingSafeEqual } from 'node:crypto';
import type { TokenDevice } from '../token-device.ts';
import type { TokenKeys } from '../token-keys.ts';
import { decryptInDevice, encryptInDevice } from './device-ciphers.ts';
import { describeMadeKey, specifyDeviceKey } from './device-keys.ts';
import { decryptRsaInDevice, macInDevice, signInDevice, startDeviceMessage } from './device-signatures.ts';

const identifierBytes = 16;

/** Makes KMIP's uses of keys from what a token can do. */
export function createTokenKeys(device: TokenDevice): TokenKeys {
  return {
    serial: () => device.serial(),
    async newReference() {
      const id = randomFillSync(new Uint8Array(identifierBytes)).toHex();
      return { id, token: await device.serial() };
    },
    async generate(reference, request) {
      const made = await device.make(reference, specifyDeviceKey(request), request.uses);
      return describeMadeKey(request, made);
    },
    requireOffered: (request) => void specifyDeviceKey(request),
    encrypt: (key, parameters, plaintext) => encryptInDevice(device, key, parameters, plaintext),
    decrypt: (key, parameters, ciphertext) =>
      key.objectType === 'PrivateKey'
        ? decryptRsaInDevice(device, key, parameters, ciphertext)
        : decryptInDevice(device, key, parameters, ciphertext),
    sign: (key, parameters, message) => signInDevice(device, key, parameters, message),
    startMessage: startDeviceMessage,
    mac: (key, parameters, data) => macInDevice(device, key, parameters, data),
    async verifyMac(key, parameters, data, given) {
      const expected = await macInDevice(device, key, parameters, data);
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
    destroy: (reference) => device.remove(reference),
  };
}
