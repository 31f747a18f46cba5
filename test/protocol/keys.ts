import type { Attribute } from '../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { versions } from '../../codec/version.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { having, succeed } from './operations/ask.ts';
import type { TestService } from './service.ts';

/** Keys that tests of the cryptographic operations use. */

export const active: Attribute = { name: 'ActivationDate', value: Date.parse('2025-12-31T00:00:00Z') / 1000 };
export const withMask = (...bits: Parameters<typeof CryptographicUsageMask.bit>[0][]): Attribute => ({
  name: 'CryptographicUsageMask',
  value: bits.reduce((mask, bit) => mask | CryptographicUsageMask.bit(bit), 0),
});
export const withParameters = (value: CryptographicParameters): Attribute => ({
  name: 'CryptographicParameters',
  value,
});
export const withLimits = (total: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal: total, UsageLimitsUnit: 'Byte' },
});

export const Data = new TextEncoder().encode('seventeen bytes..');
export const encryptVersions = versions.slice(versions.indexOf(Encrypt.since));

export function hex(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString('hex');
}

/** Identifiers of a private key and its public key. */
export interface Pair {
  readonly id: string;
  readonly publicId: string;
}

/** Registers an AES-128 key of zeros; returns its identifier. */
export async function registerKey(service: TestService, ...attributes: Attribute[]): Promise<string> {
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...attributes),
    Object: {
      type: 'SymmetricKey',
      value: {
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: new Uint8Array(16), Attributes: [] },
          CryptographicAlgorithm: 'AES',
          CryptographicLength: 128,
        },
      },
    },
  });
  return UniqueIdentifier;
}

/** Creates a key pair whose halves may be used for everything that such keys can do. */
export function createPair(
  service: TestService,
  algorithm: 'RSA' | 'EC',
  ...common: Attribute[]
): Promise<Pair> {
  return createPairWith(
    service,
    algorithm,
    withMask('Sign', 'Decrypt'),
    withMask('Verify', 'Encrypt'),
    ...common,
  );
}

export async function createPairWith(
  service: TestService,
  algorithm: 'RSA' | 'EC',
  privateMask: Attribute,
  publicMask: Attribute,
  ...common: Attribute[]
): Promise<Pair> {
  const request = {
    CommonAttributes: having(
      { name: 'CryptographicAlgorithm', value: algorithm },
      { name: 'CryptographicLength', value: algorithm === 'RSA' ? 2048 : 256 },
      active,
      ...common,
    ),
    PrivateKeyAttributes: having(privateMask),
    PublicKeyAttributes: having(publicMask),
  };
  const made = await succeed(service, '2.1', CreateKeyPair, request);
  return { id: made.PrivateKeyUniqueIdentifier, publicId: made.PublicKeyUniqueIdentifier };
}
