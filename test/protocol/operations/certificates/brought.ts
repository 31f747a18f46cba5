import { webcrypto } from 'node:crypto';
import type { Attribute } from '../../../../codec/attribute.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, succeed } from '../ask.ts';
import { attribute, mask, type Pair, p256 } from './authority.ts';

/** Certificates and keys that clients bring from outside. */

export const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;

/** Builds the Register of a certificate. */
export const bringing = (der: Uint8Array, ...attributes: readonly Attribute[]) => ({
  ObjectType: 'Certificate' as const,
  Attributes: having(...attributes),
  Object: { type: 'Certificate' as const, value: inline(der) },
});

/** Registers an Active certificate. */
export async function brought(
  service: TestService,
  der: Uint8Array,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const active = attribute('ActivationDate', service.now / 1000 - 2);
  return (await succeed(service, '2.1', Register, bringing(der, active, ...attributes))).UniqueIdentifier;
}

const p256Length = [attribute('CryptographicAlgorithm', 'ECDSA'), attribute('CryptographicLength', 256)];

/** Registers the Active private key of an authority. */
export async function broughtKey(
  service: TestService,
  { privateKey }: webcrypto.CryptoKeyPair,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const KeyMaterial = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const active = attribute('ActivationDate', service.now / 1000);
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'PrivateKey',
    Attributes: having(active, mask('CertificateSign'), ...p256Length, ...attributes),
    Object: { type: 'PrivateKey', value: keyBlock('PKCS_8', KeyMaterial) },
  });
  return UniqueIdentifier;
}

/** Registers a public key, SubjectPublicKeyInfo. */
export async function broughtPublicKey(
  service: TestService,
  KeyMaterial: Uint8Array,
  ...attributes: readonly Attribute[]
): Promise<string> {
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'PublicKey',
    Attributes: having(mask('Verify'), ...attributes),
    Object: { type: 'PublicKey', value: keyBlock('X_509', KeyMaterial) },
  });
  return UniqueIdentifier;
}

function keyBlock(KeyFormatType: 'PKCS_8' | 'X_509', KeyMaterial: Uint8Array) {
  const KeyValue = { KeyMaterial, Attributes: [] };
  return {
    KeyBlock: { KeyFormatType, KeyValue, CryptographicAlgorithm: 'ECDSA', CryptographicLength: 256 },
  } as const;
}

/** Creates an Active key pair of an authority with attributes of each half. */
export async function pairWith(
  service: TestService,
  privateAttributes: readonly Attribute[],
  publicAttributes: readonly Attribute[],
): Promise<Pair> {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...p256, attribute('ActivationDate', service.now / 1000)),
    PrivateKeyAttributes: having(mask('CertificateSign'), ...privateAttributes),
    PublicKeyAttributes: having(mask('Verify'), ...publicAttributes),
  });
  return { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
}
