import type { Attribute } from '../../codec/attribute.ts';
import { hasKeyBlock, type KeyedObjectValue } from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { TokenKey } from '../crypto/token-keys.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * Keys that stay in a token (docs/decisions/56-keys-in-the-token.md): the value of such an object is a Key
 * Block without Key Value, and its provenance, sealed with it, says where the key is.
 */

/** Whether the object is a key in a token; a destroyed one is not there any more. */
export function isInToken({ provenance }: Pick<ManagedObject, 'provenance'>): boolean {
  return provenance.token !== undefined;
}

const identifier = /^[0-9a-f]{32}$/;

/** Returns the key of an object; undefined when it is not in a token. */
export function tokenKeyIn({ type, value, provenance, attributes }: ManagedObject): TokenKey | undefined {
  const { token: reference } = provenance;
  if (reference === undefined || value === undefined || !hasKeyBlock(value)) return undefined;
  const { CryptographicAlgorithm, CryptographicLength } = value.value.KeyBlock;
  if (
    (type !== 'SymmetricKey' && type !== 'PrivateKey') ||
    CryptographicAlgorithm === undefined ||
    CryptographicLength === undefined ||
    !identifier.test(reference.id)
  )
    throw new TypeError('the key in the token has another form than kmipd gives it');
  return {
    reference,
    objectType: type,
    CryptographicAlgorithm,
    CryptographicLength,
    CryptographicDomainParameters: attributes.get('CryptographicDomainParameters'),
  };
}

/**
 * Refuses what needs the value of a key in a token: its value is nowhere but there.
 * @throws {KmipError} NotExtractable; `legacyReason` for 1.x clients
 */
export function requireValueAtHand(object: Pick<ManagedObject, 'provenance'>, legacyReason?: Reason): void {
  if (isInToken(object))
    fail('NotExtractable', 'the key is in a token and does not leave it: this needs its value', legacyReason);
}

/** Returns the value of an object whose key is in a token. */
export function describeTokenKey({
  objectType: type,
  CryptographicAlgorithm,
  CryptographicLength,
  format: KeyFormatType,
}: Pick<TokenKey, 'objectType' | 'CryptographicAlgorithm' | 'CryptographicLength'> & {
  /** The format in which the server would store such a key. */
  readonly format: 'Raw' | 'PKCS_1' | 'ECPrivateKey';
}): KeyedObjectValue {
  return { type, value: { KeyBlock: { KeyFormatType, CryptographicAlgorithm, CryptographicLength } } };
}

/**
 * Returns the attributes of a key that is made in a token: Sensitive and not Extractable, as it is.
 * @throws {KmipError} InvalidAttributeValue when the request states the contrary
 */
export function protectTokenKey(stated: readonly Attribute[]): readonly Attribute[] {
  const forced = { Sensitive: true, Extractable: false } as const;
  const isForced = ({ name, vendor }: Attribute) => vendor === undefined && name in forced;
  for (const attribute of stated.filter(isForced)) {
    const { name, value } = attribute;
    if (value !== forced[name as keyof typeof forced])
      fail(
        'InvalidAttributeValue',
        `${name} cannot be ${value}: the key is made in a token, which it never leaves`,
      );
  }
  return [
    ...stated.filter((attribute) => !isForced(attribute)),
    { name: 'Sensitive', value: true },
    { name: 'Extractable', value: false },
  ];
}
