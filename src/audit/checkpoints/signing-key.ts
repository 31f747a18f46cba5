import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import { allocateSecretBytes } from '../../common/secret.ts';

/**
 * Keys of the day. Each is certified by the one before, so that whoever trusts the first key of a chain
 * trusts all of them. Ed25519 (RFC 8032); the text that a key signs of the next one is
 *
 *     kmipd signing key 1 LF
 *     day 20261130 key BASE64 first FINGERPRINT LF
 *
 * and the line that says it all, in a checkpoint and in the list of public keys, is
 *
 *     sign 20261130 BASE64 first FINGERPRINT signed-by 20261129 BASE64 SIGNATURE
 *
 * without `signed-by` for the first key. A fingerprint is the SHA-256 of the 32 bytes of the first key in
 * hexadecimal.
 */

export const seedBytes = 32;
const publicKeyBytes = 32;
const signatureBytes = 64;
/** What precedes the seed in PKCS #8, and the key in SubjectPublicKeyInfo (RFC 8410). */
const privatePrefix = Uint8Array.fromHex('302e020100300506032b657004220420');
const publicPrefix = Uint8Array.fromHex('302a300506032b6570032100');

/** The public part of a key of the day. */
export interface PublicSigningKey {
  /** UTC day of its beginning, such as `20261130`; a name, because a clock may be wrong. */
  readonly day: string;
  readonly key: Uint8Array;
  /** Fingerprint of the first key of its chain. */
  readonly first: string;
  /** The key before and its signature; undefined for the first key of a chain. */
  readonly signedBy: KeyCertificate | undefined;
}

/** What the key before says. */
export interface KeyCertificate {
  readonly day: string;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

/** Returns the UTC day of a time in milliseconds since 1970. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10).replaceAll('-', '');
}

/** Returns the fingerprint of a public key, 64 hexadecimal digits. */
export function keyFingerprintOf(key: Uint8Array): string {
  return hash('sha256', key, 'hex');
}

/** Runs `work` with a function that signs by the key of a seed, which stays with the caller. */
function withKey<T>(seed: Uint8Array, work: (key: ReturnType<typeof createPrivateKey>) => T): T {
  const encoded = allocateSecretBytes(privatePrefix.length + seedBytes);
  encoded.set(privatePrefix);
  encoded.set(seed, privatePrefix.length);
  try {
    // A view of the same memory, which is overwritten below.
    const key = Buffer.from(encoded.buffer);
    return work(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  } finally {
    encoded.fill(0);
  }
}

/** Returns the public key of a seed. */
export function derivePublicKey(seed: Uint8Array): Uint8Array {
  return withKey(seed, (key) => {
    const encoded = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return new Uint8Array(encoded.subarray(-publicKeyBytes));
  });
}

/** Signs a text by the key of a seed. Returns 64 bytes. */
export function signText(text: string, seed: Uint8Array): Uint8Array {
  return withKey(seed, (key) => new Uint8Array(sign(null, new TextEncoder().encode(text), key)));
}

/** Whether a signature of a text is by that key. */
export function isSignatureOf(text: string, signature: Uint8Array, key: Uint8Array): boolean {
  const encoded = Buffer.from([...publicPrefix, ...key]);
  try {
    const publicKey = createPublicKey({ key: encoded, format: 'der', type: 'spki' });
    return verify(null, new TextEncoder().encode(text), publicKey, signature);
  } catch {
    // 32 bytes that are no point of the curve.
    return false;
  }
}

/** Certifies the key of a seed by that of another one. */
export function certifyKey(
  day: string,
  seed: Uint8Array,
  by: { readonly seed: Uint8Array; readonly key: PublicSigningKey },
): PublicSigningKey {
  const key = derivePublicKey(seed);
  const { first } = by.key;
  const signature = signText(certifiedText({ day, key, first }), by.seed);
  return { day, key, first, signedBy: { day: by.key.day, key: by.key.key, signature } };
}

function certifiedText({ day, key, first }: Omit<PublicSigningKey, 'signedBy'>): string {
  return `kmipd signing key 1\nday ${day} key ${key.toBase64()} first ${first}\n`;
}

/** Whether a key is what it claims: the first one of its chain, or certified by the one that it names. */
export function isCertified({ signedBy, ...key }: PublicSigningKey): boolean {
  if (signedBy === undefined) return key.first === keyFingerprintOf(key.key);
  return isSignatureOf(certifiedText(key), signedBy.signature, signedBy.key);
}

/** Encodes a key as a line, without its end. */
export function encodeKeyLine({ day, key, first, signedBy }: PublicSigningKey): string {
  const own = `sign ${day} ${key.toBase64()} first ${first}`;
  if (signedBy === undefined) return own;
  return `${own} signed-by ${signedBy.day} ${signedBy.key.toBase64()} ${signedBy.signature.toBase64()}`;
}

const linePattern =
  /^sign (\d{8}) ([\w+/=]{44}) first ([0-9a-f]{64})(?: signed-by (\d{8}) ([\w+/=]{44}) ([\w+/=]{88}))?$/;

/** Decodes a line; undefined for any other text. */
export function decodeKeyLine(line: string): PublicSigningKey | undefined {
  const [, day, own, first, byDay, by, signature] = linePattern.exec(line) ?? [];
  const key = decodeBase64(own, publicKeyBytes);
  if (day === undefined || first === undefined || key === undefined) return undefined;
  if (byDay === undefined) return { day, key, first, signedBy: undefined };
  const signedBy = {
    key: decodeBase64(by, publicKeyBytes),
    signature: decodeBase64(signature, signatureBytes),
  };
  if (signedBy.key === undefined || signedBy.signature === undefined) return undefined;
  return { day, key, first, signedBy: { day: byDay, key: signedBy.key, signature: signedBy.signature } };
}

/** Decodes canonical Base64 of that many bytes; undefined for any other text. */
export function decodeBase64(text: string | undefined, length: number): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text ?? '', { lastChunkHandling: 'strict' });
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}
