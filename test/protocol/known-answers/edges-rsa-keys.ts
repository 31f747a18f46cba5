import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { concat, toNumber } from './edges.ts';
import { asymmetricKey, type VectorClient } from './vector-client.ts';

/* RSA keys with which the tests encrypt and sign blocks that no library would make. */

/** Generates a key for blocks of any content; with 1,025 bits the first byte of a block is unused. */
async function generateRsaKey(client: VectorClient, modulusLength: number, publicExponent = 65_537) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength,
    publicExponent,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const secret = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
  const open = createPublicKey(secret);
  const padding = constants.RSA_NO_PADDING;
  return {
    bytes: Math.ceil(modulusLength / 8),
    bits: modulusLength,
    modulus: toNumber(new Uint8Array(Buffer.from(open.export({ format: 'jwk' }).n as string, 'base64url'))),
    encrypted: (block: Uint8Array) => new Uint8Array(publicEncrypt({ key: open, padding }, block)),
    signed: (block: Uint8Array) => new Uint8Array(privateDecrypt({ key: secret, padding }, block)),
    privateId: await client.registerKey(
      asymmetricKey('PrivateKey', 'PKCS_8', new Uint8Array(privateKey)),
      'Decrypt',
    ),
    publicId: await client.registerKey(
      asymmetricKey('PublicKey', 'X_509', new Uint8Array(publicKey)),
      'Encrypt',
      'Verify',
    ),
  };
}

/**
 * Generates keys of common sizes, of sizes that leave bits or a byte of the block unused, and with the
 * exponent 3.
 */
export function generateRsaKeys(client: VectorClient): Promise<RsaKey[]> {
  return Promise.all([
    generateRsaKey(client, 2048),
    generateRsaKey(client, 1024),
    generateRsaKey(client, 1025),
    generateRsaKey(client, 1031),
    generateRsaKey(client, 2048, 3),
  ]);
}

export type RsaKey = Awaited<ReturnType<typeof generateRsaKey>>;

/** Fills a block: 0, 1, bytes of 255, 0, the rest. */
export function fillBlock(bytes: number, rest: Uint8Array, type = 1, fill = 0xff): Uint8Array {
  return concat([0, type], new Uint8Array(bytes - rest.length - 3).fill(fill), [0], rest);
}

/**
 * Makes a value that begins with a zero and cuts it; half of the values of the key of 1,025 bits do, so only
 * that key is tried.
 */
export function cutLeadingZero(
  { bits }: RsaKey,
  make: (attempt: number) => Uint8Array,
): Record<string, Uint8Array> {
  for (let attempt = 0; bits === 1025 && attempt < 64; attempt += 1) {
    const made = make(attempt);
    if (made[0] === 0) return { 'the zero in front cut': made.slice(1) };
  }
  return {};
}
