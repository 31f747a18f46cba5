import { hash } from 'node:crypto';
import { concatBytes } from '../../common/bytes.ts';
import { allocateSecretBytes } from '../../common/secret.ts';
import { lengthAndText } from '../keyed-hash.ts';

const blockBytes = 64;

/**
 * Derives 32 bytes from a root as `deriveVaultKey` does, HKDF-SHA256 (RFC 5869), in memory that is
 * overwritten: `hkdfSync` and `createHmac` of Node keep the secret in a key object until it is collected.
 */
export function deriveFromRoot(root: Uint8Array, salt: Uint8Array, label: string): Uint8Array {
  const extracted = hmacSha256(salt, root);
  try {
    return hmacSha256(extracted, concatBytes([lengthAndText(label), Uint8Array.of(1)]));
  } finally {
    extracted.fill(0);
  }
}

/** HMAC-SHA256 (RFC 2104) with a key of at most 64 bytes. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const inner = hashPadded(key, 0x36, message);
  try {
    return hashPadded(key, 0x5c, inner);
  } finally {
    inner.fill(0);
  }
}

function hashPadded(key: Uint8Array, pad: number, message: Uint8Array): Uint8Array {
  const input = new Uint8Array(blockBytes + message.length).fill(pad, 0, blockBytes);
  for (const [at, byte] of key.entries()) input[at] = byte ^ pad;
  input.set(message, blockBytes);
  const digest = hash('sha256', input, 'buffer');
  input.fill(0);
  // Small buffers of Node are parts of a pool.
  const result = allocateSecretBytes(digest.length);
  result.set(digest);
  digest.fill(0);
  return result;
}
