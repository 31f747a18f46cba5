import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { block, object, template } from '../values.ts';
import type { Draw, Material } from './draw.ts';

/** Attributes, parameters and key material that actions choose from; the first is the simplest. */

const attribute = (name: string, value: unknown): Attribute => ({ name, value }) as Attribute;

const masks = [0x3fc, 12, 48, 0x3fc, 0x200, 4, 0x3fc, 0x14, 48, 0x3fc, 56] as const;
const pairMasks = [[1, 2] as const, [0x1001, 2] as const, [0x200, 0x200] as const] as const;

const sensitive = attribute('Sensitive', true);
const notExtractable = attribute('Extractable', false);

/** Sensitive and Extractable of a new object: none, one, or both. */
export function protection(draw: Draw): Attribute[] {
  return [
    ...draw.of([
      [],
      [sensitive],
      [],
      [sensitive],
      [notExtractable],
      [],
      [sensitive, notExtractable],
    ] as const),
  ];
}

/** Claims of a client about an object that is made from others. */
export function claims(draw: Draw): Attribute[] {
  const open = [attribute('Sensitive', false), attribute('Extractable', true)];
  return [...draw.of([[], open, [sensitive], open.slice(0, 1), [notExtractable], open.slice(1)] as const)];
}

/** Cryptographic Parameters of a key for ciphers; undefined: none, which restricts nothing. */
export const keyParameters = [
  undefined,
  undefined,
  { BlockCipherMode: 'GCM' },
  undefined,
  { BlockCipherMode: 'GCM', RandomIV: true },
  undefined,
  { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
  undefined,
  { BlockCipherMode: 'CTR' },
  { BlockCipherMode: 'NISTKeyWrap' },
] as const;

/** Cryptographic Parameters of a request. */
export const cipherParameters = [
  undefined,
  undefined,
  { BlockCipherMode: 'GCM' },
  undefined,
  { BlockCipherMode: 'CTR' },
  undefined,
  { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
  { BlockCipherMode: 'ECB' },
  { BlockCipherMode: 'NISTKeyWrap' },
  { BlockCipherMode: 'CCM' },
] as const;

export const wrapParameters = [
  undefined,
  undefined,
  { BlockCipherMode: 'NISTKeyWrap' },
  { BlockCipherMode: 'AESKeyWrapPadding' },
  { BlockCipherMode: 'GCM' },
  { BlockCipherMode: 'CTR' },
  { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
  { BlockCipherMode: 'ECB' },
] as const;

const groups = ['blue', 'red'] as const;
export const groupName = (draw: Draw): string => draw.of(groups);

/** Attributes of a new object beside its algorithm. */
export function commonAttributes(draw: Draw, { now }: Material): Attribute[] {
  return [
    ...(draw.once(4) ? [] : [attribute('ActivationDate', now)]),
    ...(draw.once(4) ? [attribute('ObjectGroup', groupName(draw))] : []),
    ...(draw.once(3) ? [attribute('UsageLimits', usageLimits(draw))] : []),
  ];
}

export function usageLimits(draw: Draw) {
  const [unit, total] = draw.of([['Object', 1n] as const, ['Object', 2n] as const, ['Byte', 48n] as const]);
  return { UsageLimitsTotal: total, UsageLimitsCount: total, UsageLimitsUnit: unit };
}

/** Attributes of a new AES or HMAC key. */
export function symmetricAttributes(draw: Draw, material: Material): Attribute[] {
  const isMac = draw.once(6);
  const parameters = isMac ? undefined : draw.of(keyParameters);
  return [
    attribute('CryptographicAlgorithm', isMac ? 'HMAC_SHA256' : 'AES'),
    attribute('CryptographicLength', draw.once(6) ? 128 : 256),
    attribute('CryptographicUsageMask', isMac ? 0x380 : draw.of(masks)),
    ...(parameters === undefined ? [] : [attribute('CryptographicParameters', parameters)]),
    ...protection(draw),
    ...commonAttributes(draw, material),
  ];
}

/** Attributes of a new key pair on P-256: of both halves, of the private and of the public one. */
export function pairAttributes(draw: Draw, material: Material) {
  const [privateMask, publicMask] = draw.of(pairMasks);
  return {
    CommonAttributes: template(
      attribute('CryptographicAlgorithm', 'EC'),
      attribute('CryptographicDomainParameters', { RecommendedCurve: 'P_256' }),
      attribute('ActivationDate', material.now),
    ),
    PrivateKeyAttributes: template(attribute('CryptographicUsageMask', privateMask), ...protection(draw)),
    PublicKeyAttributes: template(attribute('CryptographicUsageMask', publicMask)),
  };
}

const key = (seed: string): Uint8Array => new Uint8Array(createHash('sha256').update(seed).digest());

/** Keys of the attacking clients, which know their bytes. */
export const knownKeys: readonly Uint8Array[] = ['first', 'second', 'third'].map(key);

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = (bytes: Buffer): Uint8Array => new Uint8Array(bytes);
/** Key pairs of the attacking clients. */
export const knownPairs = [
  {
    algorithm: 'RSA',
    bits: 2048,
    privateKey: der(rsa.privateKey.export({ format: 'der', type: 'pkcs8' })),
    publicKey: der(rsa.publicKey.export({ format: 'der', type: 'spki' })),
  },
  {
    algorithm: 'EC',
    bits: 256,
    privateKey: der(ec.privateKey.export({ format: 'der', type: 'pkcs8' })),
    publicKey: der(ec.publicKey.export({ format: 'der', type: 'spki' })),
  },
] as const;

/**
 * A value to register, of one type where that is given: of the owner, bytes that nobody else has; of others,
 * bytes that they know.
 */
export function registeredValue(
  draw: Draw,
  { isOwner, unique }: Material,
  type?: ManagedObjectValue['type'],
): ManagedObjectValue {
  const bytes = isOwner ? unique(32) : (draw.of(knownKeys) ?? new Uint8Array(32));
  const pair = draw.of(knownPairs);
  const values = [
    object('SymmetricKey', { KeyBlock: block('Raw', bytes, 'AES', 256) }),
    object('SecretData', { SecretDataType: 'Seed', KeyBlock: block('Raw', bytes) }),
    object('PublicKey', { KeyBlock: block('X_509', pair.publicKey, pair.algorithm, pair.bits) }),
    object('PrivateKey', { KeyBlock: block('PKCS_8', pair.privateKey, pair.algorithm, pair.bits) }),
    object('OpaqueObject', { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes }),
    object('SymmetricKey', { KeyBlock: block('TransparentSymmetricKey', { Key: bytes }, 'AES', 256) }),
  ];
  const fitting = values.filter((each) => type === undefined || each.type === type);
  return draw.of(fitting) ?? (values[0] as ManagedObjectValue);
}

/** Attributes of an object that is registered or imported. */
export function registeredAttributes(
  draw: Draw,
  material: Material,
  type: ManagedObjectValue['type'],
): Attribute[] {
  const mask = { PublicKey: 0x16, PrivateKey: 0x1029, OpaqueObject: undefined }[type as 'PublicKey'];
  const chosen = draw.of(masks);
  const parameters = type === 'SymmetricKey' ? draw.of(keyParameters) : undefined;
  return [
    ...(type === 'OpaqueObject' ? [] : [attribute('CryptographicUsageMask', mask ?? chosen)]),
    ...(parameters === undefined ? [] : [attribute('CryptographicParameters', parameters)]),
    ...protection(draw),
    ...commonAttributes(draw, material),
  ];
}

export { attribute };
