import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicAlgorithm, KeyFormatType } from '../../../codec/enums.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { defaultUsageMask } from '../../crypto/default-usage-mask.ts';
import { describeTokenKey, protectTokenKey } from '../../object/token-keys.ts';
import { hasUsageBits } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { createInToken, type NewTokenKey } from '../made-token-keys.ts';
import { valueOf } from '../new-object.ts';
import { encodePublicHalf, type PairSpecification, requestedPair } from './key-pair.ts';
import type { StatedFormats } from './stated-formats.ts';

/** Keys that are made in the token by the operations that make keys. */

/** What a new object of a key in the token is made from. */
export interface TokenKeyParts {
  /** Identifier of the object. */
  readonly id: string;
  readonly value: KeyedObjectValue;
  readonly token: NewTokenKey;
}

/** What a request demands of a symmetric key. */
interface SymmetricSpecification {
  /** The effective attributes. */
  readonly attributes: readonly Attribute[];
  readonly stated: readonly Attribute[];
  readonly formats: StatedFormats;
}

/**
 * Makes a symmetric key in the token, and an object of it by `create`.
 * @throws {KmipError} KeyFormatTypeNotSupported, as `protectTokenKey`, or as `createInToken`
 */
export function createSymmetricInToken<T>(
  { algorithm, bits }: { readonly algorithm: CryptographicAlgorithm; readonly bits: number },
  { attributes, stated, formats }: SymmetricSpecification,
  context: Context,
  create: (parts: TokenKeyParts) => Promise<T>,
): Promise<T> {
  protectTokenKey(stated);
  requireFormat(formats.required, 'Raw');
  const may = maskedUses(attributes, 'SymmetricKey', algorithm);
  const uses = {
    encrypt: may('Encrypt'),
    decrypt: may('Decrypt'),
    sign: may('MACGenerate') || may('MACVerify'),
  };
  return createInToken({ key: { algorithm, bits }, uses }, context, ({ id, reference }) => {
    const value = describeTokenKey({
      ...{ objectType: 'SymmetricKey', format: 'Raw' },
      ...{ CryptographicAlgorithm: algorithm, CryptographicLength: bits },
    });
    return create({ id, value, token: { reference } });
  });
}

/** Both halves of a pair whose private half is in the token. */
export interface TokenPairParts {
  readonly privateKey: TokenKeyParts;
  readonly publicKey: KeyedObjectValue;
}

/**
 * Makes a key pair in the token, and objects of it by `create`: the private half stays there, the public one
 * is an object like others.
 * @throws {KmipError} KeyFormatTypeNotSupported, as `requestedPair` or as `createInToken`
 */
export function createPairInToken<T>(
  specification: PairSpecification,
  context: Context,
  create: (parts: TokenPairParts) => Promise<T>,
): Promise<T> {
  const { algorithm, request } = requestedPair(specification);
  const { privateKey, publicKey, commonFormat } = specification;
  protectTokenKey(privateKey.stated ?? []);
  const format = algorithm === 'RSA' ? 'PKCS_1' : 'ECPrivateKey';
  requireFormat(privateKey.format, format);
  const may = maskedUses(privateKey.attributes, 'PrivateKey', algorithm);
  const uses = { encrypt: false, decrypt: algorithm === 'RSA' && may('Decrypt'), sign: may('Sign') };
  return createInToken({ pair: request, uses }, context, ({ id, reference, made }) => {
    const { bits, publicKey: spki } = made;
    if (spki === undefined) throw new TypeError('the token has made a pair without a public half');
    const open = encodePublicHalf(
      spki,
      { request, algorithm, bits },
      publicKey,
      commonFormat,
      context.crypto,
    );
    const domain = context.crypto.describeKey({
      ...{ objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: spki },
    }).CryptographicDomainParameters;
    const value = describeTokenKey({
      ...{ objectType: 'PrivateKey', format },
      ...{ CryptographicAlgorithm: algorithm, CryptographicLength: bits },
    });
    return create({ privateKey: { id, value, token: { reference, domain } }, publicKey: open });
  });
}

/**
 * Returns the attributes of a key that a new one in the token replaces: what the old key was protected by
 * says nothing of the new one, which is Sensitive and not Extractable.
 */
export function withoutOldProtection(
  attributes: readonly Attribute[],
  stated: readonly Attribute[],
): readonly Attribute[] {
  return attributes.filter(
    ({ name, vendor }) =>
      vendor !== undefined ||
      (name !== 'Sensitive' && name !== 'Extractable') ||
      valueOf(stated, name) !== undefined,
  );
}

/** The token lets a key do for its whole life what its usage mask says when it is made. */
function maskedUses(
  attributes: readonly Attribute[],
  type: 'SymmetricKey' | 'PrivateKey',
  algorithm: CryptographicAlgorithm,
): (bit: 'Encrypt' | 'Decrypt' | 'Sign' | 'MACGenerate' | 'MACVerify') => boolean {
  const mask = valueOf(attributes, 'CryptographicUsageMask') ?? defaultUsageMask(type, algorithm) ?? 0;
  return (bit) => hasUsageBits(mask, CryptographicUsageMask.bit(bit));
}

function requireFormat(stated: KeyFormatType | undefined, format: KeyFormatType): void {
  if (stated !== undefined && stated !== format)
    fail('KeyFormatTypeNotSupported', `a key in a token is given out in no format; state ${format}, or none`);
}
