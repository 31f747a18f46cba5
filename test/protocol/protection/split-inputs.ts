import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyFormatType } from '../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { SecretSharingScheme } from '../../../src/crypto/secret-sharing.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { aes, having, materialOf, succeed } from '../operations/ask.ts';
import { p256 } from '../operations/certificates/authority.ts';
import { counted, mask, secret } from '../operations/transfer/wrapping-keys.ts';
import type { TestService } from '../service.ts';
import { type Protection, protectLater, sensitive } from './flow-inputs.ts';

/** Keys that are divided, and parts, for the tests of split keys. */

export { sensitive };

export const methods = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
] as const;

/** The prime 2^521 − 1. */
export const mersenne = new Uint8Array(72).fill(255, 7).fill(1, 6, 7);

/** A part that a client makes up. */
interface Share {
  readonly method: SecretSharingScheme['method'];
  readonly part: number;
  readonly bytes: number;
  readonly format?: KeyFormatType;
  /** Cryptographic Length that the part states. */
  readonly bits?: number | undefined;
  /** Value of the last byte; the number of the part when left out. */
  readonly last?: number;
}

/** Registers a part, as a client that makes parts up would. */
export async function registerShare(
  service: TestService,
  { method, part, bytes, format = 'Raw', bits, last = part }: Share,
  protection: Protection,
): Promise<string> {
  const KeyBlock = {
    KeyFormatType: format,
    KeyValue: { KeyMaterial: new Uint8Array(bytes).fill(last, bytes - 1), Attributes: [] },
    CryptographicAlgorithm: 'AES' as const,
    CryptographicLength: bits,
  };
  const scheme = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: method };
  const prime = method === 'PolynomialSharingPrimeField' ? { PrimeFieldSize: mersenne } : {};
  const value = { ...scheme, ...prime, KeyPartIdentifier: part, KeyBlock };
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Register, {
    ObjectType: 'SplitKey',
    Attributes: having(...protection.first),
    Object: { type: 'SplitKey', value },
  });
  await protectLater(service, id, protection);
  return id;
}

/** Makes a key that may leave in parts, of 256 bits when it is symmetric. */
export async function createWhole(
  service: TestService,
  type: 'SymmetricKey' | 'PrivateKey' | 'SecretData',
  ...attributes: readonly Attribute[]
): Promise<string> {
  if (type === 'SecretData') {
    const Attributes = having(mask('DeriveKey', 'Export'), ...attributes);
    const Object = secret(counted(16));
    return (await succeed(service, '2.1', Register, { ObjectType: type, Attributes, Object }))
      .UniqueIdentifier;
  }
  if (type === 'PrivateKey') {
    const pair = await succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having({ name: 'CryptographicAlgorithm', value: 'ECDSA' }, ...p256),
      PrivateKeyAttributes: having(mask('Sign', 'Export'), ...attributes),
    });
    return pair.PrivateKeyUniqueIdentifier;
  }
  const Attributes = having(...aes.slice(0, 2), mask('Encrypt', 'Decrypt', 'Export'), ...attributes);
  return (await succeed(service, '2.1', Create, { ObjectType: type, Attributes })).UniqueIdentifier;
}

type Make = (service: TestService, ...attributes: readonly Attribute[]) => Promise<string>;

/** Each type of a key that can be divided. */
export const wholes = (['SymmetricKey', 'PrivateKey', 'SecretData'] as const).map(
  (type) =>
    [type, (service, ...attributes) => createWhole(service, type, ...attributes)] as const satisfies [
      string,
      Make,
    ],
);

/** The request to divide a key, a new one without `id`, into two parts that are both needed. */
export function splitting(
  id: string | undefined,
  SplitKeyMethod: SecretSharingScheme['method'],
  ...attributes: readonly Attribute[]
) {
  return {
    ObjectType: 'SplitKey' as const,
    UniqueIdentifier: id,
    SplitKeyParts: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod,
    Attributes: having(...attributes),
  };
}

/** The Key Material of an object in its row, in hexadecimal; protected keys show no Digest. */
export async function storedMaterial({ store, vault }: TestService, id: string): Promise<string> {
  const [row] = await store.load('g', [id]);
  if (row === undefined) throw new Error(`there is no object ${id}`);
  const object = ManagedObject.fromStored(row, vault);
  await object.openValue();
  const { value } = object;
  const material = materialOf(value as ManagedObjectValue);
  if (material.length === 0) throw new Error(`${id} has no Key Material`);
  return material.toHex();
}

/** Divides a key and returns the identifiers of the parts. */
export async function split(
  service: TestService,
  ...request: Parameters<typeof splitting>
): Promise<readonly string[]> {
  return (await succeed(service, '2.1', CreateSplitKey, splitting(...request))).UniqueIdentifier;
}
