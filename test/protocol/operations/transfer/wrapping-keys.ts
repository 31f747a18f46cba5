import type { Attribute } from '../../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../../codec/masks.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import type { KeyBlock, KeyValue, KeyWrappingData } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, succeed } from '../ask.ts';

/** Wrapping keys and wrapped keys for the tests of wrapping. */

type UsageBit = (typeof CryptographicUsageMask)['members'][number];

export const mask = (...bits: readonly UsageBit[]): Attribute => ({
  name: 'CryptographicUsageMask',
  value: bits.reduce((sum, bit) => sum | CryptographicUsageMask.bit(bit), 0),
});
export const active: Attribute = { name: 'ActivationDate', value: 1_000 };
export const parameters = (value: CryptographicParameters): Attribute => ({
  name: 'CryptographicParameters',
  value,
});

/** `count` bytes from 0 on, like the keys in RFC 3394. */
export const counted = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, n) => n);

export function symmetric(
  KeyMaterial: Uint8Array,
  CryptographicAlgorithm: KeyBlock['CryptographicAlgorithm'] = 'AES',
): ManagedObjectValue {
  const CryptographicLength = KeyMaterial.length * 8;
  const KeyValue = { KeyMaterial, Attributes: [] };
  return {
    type: 'SymmetricKey',
    value: { KeyBlock: { KeyFormatType: 'Raw', KeyValue, CryptographicAlgorithm, CryptographicLength } },
  };
}

export function secret(KeyMaterial: Uint8Array): ManagedObjectValue {
  const KeyBlock: KeyBlock = { KeyFormatType: 'Raw', KeyValue: { KeyMaterial, Attributes: [] } };
  return { type: 'SecretData', value: { SecretDataType: 'Seed', KeyBlock } };
}

/** A wrapped key for Register: the wrapped bytes replace the Key Value. */
export function wrappedAs(
  plain: ManagedObjectValue,
  KeyValue: KeyValue,
  KeyWrappingData: KeyWrappingData,
): ManagedObjectValue {
  const value = plain.value as { KeyBlock: KeyBlock };
  return {
    ...plain,
    value: { ...value, KeyBlock: { ...value.KeyBlock, KeyValue, KeyWrappingData } },
  } as ManagedObjectValue;
}

export async function register(
  service: TestService,
  Object: ManagedObjectValue,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const request = { ObjectType: Object.type, Attributes: having(...attributes), Object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

/** An Active AES key that may wrap and unwrap. */
export function wrappingKey(
  service: TestService,
  bytes = counted(32),
  ...attributes: readonly Attribute[]
): Promise<string> {
  return register(service, symmetric(bytes), active, mask('WrapKey', 'UnwrapKey'), ...attributes);
}

/** Returns the Key Block in the answer of Get. */
export async function blockOf(
  service: TestService,
  id: string,
  request: object,
  version: Parameters<typeof succeed>[1] = '2.1',
): Promise<KeyBlock> {
  const { Object } = await succeed(service, version, Get, { UniqueIdentifier: id, ...request });
  return (Object.value as { KeyBlock: KeyBlock }).KeyBlock;
}

/** Key Wrapping Specification: encryption with one key. */
export function encryptWith(UniqueIdentifier: string, rest: object = {}, params?: CryptographicParameters) {
  const EncryptionKeyInformation = { UniqueIdentifier, CryptographicParameters: params };
  return {
    KeyWrappingSpecification: {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation,
      AttributeName: [],
      ...rest,
    },
  } as const;
}

/** Registers both halves of a new pair, Active and linked, each with all of these uses. */
export async function pair(
  service: TestService,
  request: KeyPairRequest,
  uses: readonly UsageBit[],
): Promise<{ privateKey: string; publicKey: string }> {
  const made = await nodeCrypto.generateKeyPair(request);
  const half = (
    type: 'PrivateKey' | 'PublicKey',
    KeyFormatType: 'PKCS_8' | 'X_509',
    KeyMaterial: Uint8Array,
  ) =>
    register(
      service,
      { type, value: { KeyBlock: { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } } } },
      active,
      mask(...uses),
    );
  const privateKey = await half('PrivateKey', 'PKCS_8', made.privateKey);
  const publicKey = await half('PublicKey', 'X_509', made.publicKey);
  const link = async (
    from: string,
    LinkType: 'PublicKeyLink' | 'PrivateKeyLink',
    LinkedObjectIdentifier: string,
  ) => {
    const NewAttribute = { name: 'Link', value: { LinkType, LinkedObjectIdentifier } };
    await succeed(service, '2.1', AddAttribute, {
      UniqueIdentifier: from,
      NewAttribute: NewAttribute as never,
    });
  };
  await link(privateKey, 'PublicKeyLink', publicKey);
  await link(publicKey, 'PrivateKeyLink', privateKey);
  return { privateKey, publicKey };
}
