import { ckm, mechanismFlags } from './cryptoki.ts';
import type { MechanismDescription } from './messages.ts';

/**
 * How a token wraps secrets. A wrapped secret begins with the byte of its format, so that it opens with the
 * same mechanism whatever kmipd prefers then. A byte is never used for another format.
 */

export interface WrappingFormat {
  readonly format: number;
  readonly name: string;
  readonly mechanism: number;
  readonly key: 'aes' | 'rsa';
}

/** In the order of preference for each kind of key. */
export const wrappingFormats: readonly WrappingFormat[] = [
  // RFC 5649.
  { format: 1, name: 'AES-KWP', mechanism: ckm.aesKeyWrapKwp, key: 'aes' },
  // RFC 5649 in most libraries of PKCS #11 2.40, PKCS #7 padding and RFC 3394 in others.
  { format: 2, name: 'AES-KW with padding', mechanism: ckm.aesKeyWrapPad, key: 'aes' },
  // RFC 3394; the secret has a length before it and zeros after it.
  { format: 3, name: 'AES-KW', mechanism: ckm.aesKeyWrap, key: 'aes' },
  // NIST SP 800-38D, IV of 96 and tag of 128 bits.
  { format: 4, name: 'AES-GCM', mechanism: ckm.aesGcm, key: 'aes' },
  // RFC 8017. Whoever has the public key can wrap too: it authenticates nobody.
  { format: 5, name: 'RSA-OAEP-SHA-256', mechanism: ckm.rsaPkcsOaep, key: 'rsa' },
  { format: 6, name: 'RSA-OAEP-SHA-1', mechanism: ckm.rsaPkcsOaep, key: 'rsa' },
];

/** A format, and the function of PKCS #11 that does it: C_Encrypt, or C_WrapKey of an imported secret. */
export interface TokenWrappingMethod {
  readonly format: WrappingFormat;
  readonly way: 'encrypt' | 'wrap';
}

/** Flags by which a token says that a mechanism works that way, in both directions. */
const flagsOfWays = {
  encrypt: mechanismFlags.encrypt | mechanismFlags.decrypt,
  wrap: mechanismFlags.wrap | mechanismFlags.unwrap,
} as const;

/**
 * Returns the methods that a token says it has for a kind of key, the preferred one first. C_Encrypt comes
 * before C_WrapKey of the same format, because the secret then is no object of the token.
 */
export function listWrappingMethods(
  key: 'aes' | 'rsa',
  mechanisms: readonly Pick<MechanismDescription, 'mechanism' | 'flags'>[],
): TokenWrappingMethod[] {
  const flags = new Map(mechanisms.map((each) => [each.mechanism, each.flags]));
  return wrappingFormats
    .filter((format) => format.key === key)
    .flatMap((format) => waysOf(format, flags.get(format.mechanism) ?? 0).map((way) => ({ format, way })));
}

function waysOf({ key, mechanism }: WrappingFormat, flags: number): ('encrypt' | 'wrap')[] {
  // The public operation of RSA is done outside the token.
  if (key === 'rsa') return (flags & mechanismFlags.decrypt) !== 0 ? ['encrypt'] : [];
  const ways = mechanism === ckm.aesGcm ? (['encrypt'] as const) : (['encrypt', 'wrap'] as const);
  return ways.filter((way) => (flags & flagsOfWays[way]) === flagsOfWays[way]);
}

/** Returns the format of that byte; undefined for none. */
export function findWrappingFormat(format: number | undefined): WrappingFormat | undefined {
  return wrappingFormats.find((each) => each.format === format);
}
