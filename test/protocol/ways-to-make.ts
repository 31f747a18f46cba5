import { Certify } from '../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../src/operations/certificates/re-certify.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../src/operations/creation/re-key-key-pair.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { createPair } from './keys.ts';
import { aes, algorithm, having, length, succeed } from './operations/ask.ts';
import { authority, name } from './operations/certificates/authority.ts';
import { active, counted, mask, register, symmetric } from './operations/transfer/wrapping-keys.ts';
import type { TestService } from './service.ts';

/** Every way to make an object. */

export interface Way {
  readonly what: string;
  readonly operation: AnyOperation;
  /** Makes what the request names, and returns the request. */
  readonly request: (service: TestService) => Promise<object>;
  /** Type and algorithm of what is made. */
  readonly makes: string;
  readonly algorithm: string;
  /** Whether the request names an object of that type, or of that algorithm, and the reason without one. */
  readonly names?: { readonly type?: boolean; readonly algorithm?: boolean; readonly reason?: string };
}

export const allUses = mask('Encrypt', 'Decrypt', 'WrapKey', 'UnwrapKey', 'DeriveKey', 'Export');
const parts = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' } as const;

const key = (service: TestService) => register(service, symmetric(counted(16)), active, allUses);
const make = (
  operation: AnyOperation,
  makes: string,
  of: string,
  request: Way['request'],
  names = {},
): Way => ({
  ...{ what: `${operation.name} of a ${makes}`, operation, makes, algorithm: of, request, names },
});
const split = async (service: TestService) => {
  const request = { ObjectType: 'SplitKey', ...parts, Attributes: having(...aes) } as const;
  return [...(await succeed(service, '2.1', CreateSplitKey, request)).UniqueIdentifier];
};
const kem = async (service: TestService) => {
  const CommonAttributes = having({ name: 'CryptographicAlgorithm', value: 'ML_KEM_512' }, active);
  return (await succeed(service, '2.1', CreateKeyPair, { CommonAttributes })).PublicKeyUniqueIdentifier;
};

/** Every request is for objects of its own. */
export const waysToMake: readonly Way[] = [
  make(Create, 'SymmetricKey', 'AES', async () => ({
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes),
  })),
  make(CreateKeyPair, 'PrivateKey', 'ECDSA', async () => ({
    CommonAttributes: having(algorithm('ECDSA'), length(256)),
    PrivateKeyAttributes: having(mask('Sign')),
    PublicKeyAttributes: having(mask('Verify')),
  })),
  make(Register, 'SymmetricKey', 'AES', async () => ({
    ...{ ObjectType: 'SymmetricKey', Attributes: having(allUses), Object: symmetric(counted(16)) },
  })),
  make(Import, 'SymmetricKey', 'AES', async () => ({
    ...{ UniqueIdentifier: crypto.randomUUID(), Attributes: [allUses], Object: symmetric(counted(16)) },
  })),
  make(
    ReKey,
    'SymmetricKey',
    'AES',
    async (service) => ({ UniqueIdentifier: await key(service), Attributes: having() }),
    { type: true, algorithm: true },
  ),
  make(
    ReKeyKeyPair,
    'PrivateKey',
    'EC',
    async (service) => ({ PrivateKeyUniqueIdentifier: (await createPair(service, 'EC')).id }),
    { type: true, algorithm: true },
  ),
  make(DeriveKey, 'SecretData', 'none', async (service) => ({
    ObjectType: 'SecretData',
    UniqueIdentifier: [await key(service)],
    DerivationMethod: 'HMAC',
    DerivationParameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
      DerivationData: [counted(8)],
    },
    Attributes: having(length(128), mask('DeriveKey')),
  })),
  make(CreateSplitKey, 'SplitKey', 'AES', async () => ({
    ...{ ObjectType: 'SplitKey', ...parts, Attributes: having(...aes) },
  })),
  make(
    CreateSplitKey,
    'SplitKey',
    'AES',
    async (service) => ({
      ObjectType: 'SplitKey',
      UniqueIdentifier: await key(service),
      ...parts,
      Attributes: having(),
    }),
    { algorithm: true },
  ),
  make(
    JoinSplitKey,
    'SymmetricKey',
    'AES',
    async (service) => ({
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: await split(service),
      Attributes: having(),
    }),
    { algorithm: true },
  ),
  make(Encrypt, 'SecretData', 'none', async (service) => ({ UniqueIdentifier: await kem(service) })),
  make(
    Certify,
    'Certificate',
    'EC',
    async (service) => {
      const { certificate, publicKey } = await authority(service);
      const Link = { LinkType: 'CertificateLink', LinkedObjectIdentifier: certificate } as const;
      const subject = name('Subject', { CN: 'renewed' });
      return { UniqueIdentifier: publicKey, Attributes: having(...subject, { name: 'Link', value: Link }) };
    },
    { type: true, algorithm: true, reason: 'ItemNotFound' },
  ),
  make(
    ReCertify,
    'Certificate',
    'EC',
    async (service) => ({ UniqueIdentifier: (await authority(service)).certificate, Attributes: having() }),
    { type: true, algorithm: true },
  ),
];
