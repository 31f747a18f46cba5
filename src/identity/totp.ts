import { createHmac, timingSafeEqual } from 'node:crypto';

/** Time-based one-time passwords (RFC 6238): six digits, steps of 30 seconds from 1970 on. */

/** The hash functions, by the names of RFC 6238, as stored and in otpauth URIs. */
export const totpHashes = ['SHA1', 'SHA256'] as const;
export type TotpHash = (typeof totpHashes)[number];

/** Bytes of a secret: as many as the hash has (RFC 4226 §4, R6, and RFC 6238 §5.1). */
export const totpSecretBytes = { SHA1: 20, SHA256: 32 } as const satisfies Record<TotpHash, number>;

export const totpStepSeconds = 30;
export const totpDigits = 6;

/** Steps before and after that of the present time whose passwords are valid (RFC 6238 §5.2). */
const maxDrift = 1;

/** What makes passwords, and the last step whose password was used; -1: none was. */
export interface TotpGenerator {
  readonly hash: TotpHash;
  readonly secret: Uint8Array;
  readonly lastStep: number;
}

/** Returns the password of a step, six digits in ASCII (RFC 4226 §5.3). */
export function totpCode(secret: Uint8Array, step: number, hash: TotpHash): Uint8Array {
  const counter = new Uint8Array(8);
  new DataView(counter.buffer).setBigUint64(0, BigInt(step));
  const mac = createHmac(hash, secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  const number = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** totpDigits;
  mac.fill(0);
  return new TextEncoder().encode(String(number).padStart(totpDigits, '0'));
}

/**
 * Returns the step whose password was given; undefined when it is none of the steps around `now` (POSIX
 * seconds), or not later than the last one that was used. Takes the same time in each case.
 */
export function findTotpStep(
  given: Uint8Array,
  { hash, secret, lastStep }: TotpGenerator,
  now: number,
): number | undefined {
  const present = Math.floor(now / totpStepSeconds);
  let found: number | undefined;
  for (let step = Math.max(0, present - maxDrift); step <= present + maxDrift; step += 1) {
    const code = totpCode(secret, step, hash);
    const isSame = given.length === code.length && timingSafeEqual(given, code);
    if (isSame && step > lastStep) found = step;
  }
  return found;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Encodes bytes in Base32 without padding (RFC 4648 §6), as authenticator apps take a secret. */
export function toBase32(bytes: Uint8Array): string {
  let [text, buffer, bits] = ['', 0, 0];
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet[(buffer >> (bits - 5)) & 31];
    buffer &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet[(buffer << (5 - bits)) & 31];
}

/** Returns the URI that authenticator apps take, in the Key URI Format of Google Authenticator. */
export function otpauthUri(name: string, { hash, secret }: Omit<TotpGenerator, 'lastStep'>): string {
  const label = encodeURIComponent(`kmipd:${name}`);
  return `otpauth://totp/${label}?secret=${toBase32(secret)}&issuer=kmipd&algorithm=${hash}&digits=${totpDigits}&period=${totpStepSeconds}`;
}
