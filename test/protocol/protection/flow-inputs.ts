import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicAlgorithm, DerivationMethod } from '../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active, withMask } from '../keys.ts';
import { having, length, outcome, succeed } from '../operations/ask.ts';
import type { TestService } from '../service.ts';

/** Objects that go into others, for the tests of protection flows. */

export const sensitive: Attribute = { name: 'Sensitive', value: true };
export const locked: Attribute = { name: 'Extractable', value: false };
export const open: readonly Attribute[] = [
  { name: 'Sensitive', value: false },
  { name: 'Extractable', value: true },
];

/** Protection of an input: attributes that it has from its creation on, and later ones. */
export interface Protection {
  readonly name: string;
  readonly first: readonly Attribute[];
  readonly later?: readonly Attribute[];
}
export const protections: readonly Protection[] = [
  { name: 'none', first: [] },
  { name: 'Sensitive', first: [sensitive] },
  { name: 'not Extractable', first: [locked] },
  { name: 'both', first: [sensitive, locked] },
  { name: 'not always', first: [], later: [sensitive, locked] },
];

/** What a request states of the protection of the new object. */
export const statements: readonly (readonly Attribute[])[] = [[], open, [sensitive, locked]];

/** Gives an object the attributes that its protection has later. */
export async function protectLater(service: TestService, id: string, { later = [] }: Protection) {
  for (const NewAttribute of later)
    await succeed(service, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute });
}

async function register(
  service: TestService,
  Object: ManagedObjectValue,
  protection: Protection,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const request = {
    ObjectType: Object.type,
    Attributes: having(active, ...attributes, ...protection.first),
    Object,
  };
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Register, request);
  await protectLater(service, id, protection);
  return id;
}

const raw = (KeyMaterial: Uint8Array) => ({
  KeyFormatType: 'Raw' as const,
  KeyValue: { KeyMaterial, Attributes: [] },
});
const numbered = (count: number) => Uint8Array.from({ length: count }, (_, at) => at + 1);

/** Registers a key of 128 bits, from which others can be derived. */
export function registerKey(
  service: TestService,
  protection: Protection,
  CryptographicAlgorithm: CryptographicAlgorithm = 'AES',
): Promise<string> {
  const block = { ...raw(numbered(16)), CryptographicAlgorithm, CryptographicLength: 128 };
  const object = { type: 'SymmetricKey', value: { KeyBlock: block } } as const;
  return register(service, object, protection, withMask('DeriveKey', 'WrapKey', 'UnwrapKey'));
}

/** Registers Secret Data, which are derivation data. */
export function registerSecret(service: TestService, protection: Protection, value = numbered(16)) {
  const object = { type: 'SecretData', value: { SecretDataType: 'Seed', KeyBlock: raw(value) } } as const;
  return register(service, object, protection, withMask('DeriveKey'));
}

/** Registers a part of a split key. */
export function registerPart(
  service: TestService,
  identifier: number,
  protection: Protection,
  share = numbered(16),
  method: 'XOR' | 'PolynomialSharingGF2_8' = 'XOR',
): Promise<string> {
  const value = {
    SplitKeyParts: 2,
    KeyPartIdentifier: identifier,
    SplitKeyThreshold: 2,
    SplitKeyMethod: method,
    KeyBlock: {
      ...raw(share),
      CryptographicAlgorithm: 'AES' as const,
      CryptographicLength: share.length * 8,
    },
  };
  return register(service, { type: 'SplitKey', value }, protection);
}

/** Creates a key pair of which one half is protected. */
export async function createPair(
  service: TestService,
  algorithm: CryptographicAlgorithm,
  protection: Protection,
  half: 'private' | 'public',
  ...attributes: readonly Attribute[]
): Promise<{ privateKey: string; publicKey: string }> {
  const own = (which: string) => having(...(which === half ? protection.first : []));
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having({ name: 'CryptographicAlgorithm', value: algorithm }, active, ...attributes),
    PrivateKeyAttributes: own('private'),
    PublicKeyAttributes: own('public'),
  });
  const [privateKey, publicKey] = [made.PrivateKeyUniqueIdentifier, made.PublicKeyUniqueIdentifier];
  await protectLater(service, half === 'private' ? privateKey : publicKey, protection);
  return { privateKey, publicKey };
}

const hash = { HashingAlgorithm: 'SHA_256' } as const;
const data = [new Uint8Array(16)];

/** Valid parameters of each method, over data of the request. */
export const derivations: Readonly<Record<Exclude<DerivationMethod, number>, object>> = {
  PBKDF2: { CryptographicParameters: hash, Salt: numbered(8), IterationCount: 2_000 },
  // SHA-256 of a key is its Digest.
  HASH: { CryptographicParameters: { HashingAlgorithm: 'SHA_512' } },
  HMAC: { CryptographicParameters: hash, DerivationData: data },
  ENCRYPT: {
    CryptographicParameters: { BlockCipherMode: 'ECB', PaddingMethod: 'None' },
    DerivationData: data,
  },
  NIST800_108_C: { CryptographicParameters: hash, DerivationData: data },
  NIST800_108_F: { CryptographicParameters: hash, DerivationData: data },
  NIST800_108_DPI: { CryptographicParameters: hash, DerivationData: data },
  AsymmetricKey: {},
  AWSSignatureVersion4: { DerivationData: [Uint8Array.from(Buffer.from('20260101/here/kms'))] },
  HKDF: { CryptographicParameters: hash, DerivationData: data },
};

/** A request of Derive Key. */
export interface Derivation {
  readonly method: Exclude<DerivationMethod, number>;
  readonly ids: readonly string[];
  readonly parameters?: object;
  readonly type?: 'SymmetricKey' | 'SecretData';
  readonly bits?: number;
  readonly algorithm?: CryptographicAlgorithm;
  readonly stated?: readonly Attribute[];
}

export function deriving({
  method,
  ids,
  parameters = derivations[method],
  type = 'SecretData',
  bits = 128,
  algorithm = 'AES',
  stated = [],
}: Derivation) {
  const named: Attribute = { name: 'CryptographicAlgorithm', value: algorithm };
  return {
    ObjectType: type,
    UniqueIdentifier: ids,
    DerivationMethod: method,
    DerivationParameters: { DerivationData: [], ...parameters },
    Attributes: having(length(bits), ...(type === 'SymmetricKey' ? [named] : []), ...stated),
  };
}

export async function derive(service: TestService, version: Version, derivation: Derivation) {
  return (await succeed(service, version, DeriveKey, deriving(derivation))).UniqueIdentifier;
}

export function tryDerive(service: TestService, version: Version, derivation: Derivation): Promise<string> {
  return outcome(service, version, DeriveKey, deriving(derivation));
}
