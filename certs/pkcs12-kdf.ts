import { hash as digestOf } from 'node:crypto';

/** Diversifier of each purpose (RFC 7292, appendix B.3). */
const purposes = { key: 1, iv: 2, mac: 3 } as const;

/** Block size of each hash in bytes. */
const blocks = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 } as const;

/**
 * Derives `length` bytes for one purpose with the key derivation of PKCS#12 (RFC 7292, appendix B.2). Node
 * does not have it, because OpenSSL exposes it only inside its PKCS#12 code. The password is encoded as
 * BMPString with a final zero.
 */
export function derivePkcs12(
  hash: keyof typeof blocks,
  password: string,
  salt: Uint8Array,
  purpose: keyof typeof purposes,
  iterations: number,
  length: number,
): Uint8Array {
  const block = blocks[hash];
  const secret = new Uint8Array(2 * (password.length + 1));
  for (let i = 0; i < password.length; i++)
    new DataView(secret.buffer).setUint16(2 * i, password.charCodeAt(i));
  const input = new Uint8Array([...repeatToBlock(salt, block), ...repeatToBlock(secret, block)]);
  const diversifier = new Uint8Array(block).fill(purposes[purpose]);
  const derived = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    let digest: Uint8Array = digestOf(hash, Buffer.concat([diversifier, input]), 'buffer');
    for (let i = 1; i < iterations; i++) digest = digestOf(hash, digest, 'buffer');
    derived.set(digest.subarray(0, length - done), done);
    done += digest.length;
    const addend = repeatToBlock(digest, block).subarray(0, block);
    for (let at = 0; at < input.length; at += block) addPlusOne(input.subarray(at, at + block), addend);
  }
  return derived;
}

/** Repeats `bytes` up to the next multiple of `block`. */
function repeatToBlock(bytes: Uint8Array, block: number): Uint8Array {
  const length = block * Math.ceil(bytes.length / block);
  return Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] ?? 0);
}

/** target = target + addend + 1, big-endian, without the final carry. */
function addPlusOne(target: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let i = target.length - 1; i >= 0; i--) {
    const sum = (target[i] ?? 0) + (addend[i] ?? 0) + carry;
    target[i] = sum & 0xff;
    carry = sum >> 8;
  }
}
