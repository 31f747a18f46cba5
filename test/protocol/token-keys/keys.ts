import type { Attribute } from '../../../codec/attribute.ts';
import { ProtectionStorageMask } from '../../../codec/masks.ts';
import type { Version } from '../../../codec/version.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { active, withMask } from '../keys.ts';
import { having, succeed } from '../operations/ask.ts';
import type { TestService } from '../service.ts';

/** Requests for keys in a token. */

const masks = (...names: readonly ('Software' | 'Hardware' | 'Validated')[]) => ({
  ProtectionStorageMask: names.map((name) => ProtectionStorageMask.bit(name)),
});
export const hardware = masks('Hardware');
export const software = masks('Software');
export const either = masks('Hardware', 'Software');
export const validated = masks('Validated');

const algorithm = (value: string): Attribute => ({ name: 'CryptographicAlgorithm', value }) as Attribute;
const length = (value: number): Attribute => ({ name: 'CryptographicLength', value });

export const aes = [algorithm('AES'), length(256), withMask('Encrypt', 'Decrypt'), active];
export const hmac = [algorithm('HMAC_SHA256'), length(256), withMask('MACGenerate', 'MACVerify'), active];

/** A request for a symmetric key in the token. */
export const symmetric = (...attributes: readonly Attribute[]) => ({
  ObjectType: 'SymmetricKey',
  Attributes: having(...attributes),
  ProtectionStorageMasks: hardware,
});

/** Makes a key in the token; returns its identifier. */
export async function createKey(
  service: TestService,
  attributes: readonly Attribute[] = aes,
  version: Version = '2.1',
): Promise<string> {
  return (await succeed(service, version, Create, symmetric(...attributes))).UniqueIdentifier;
}

/** A request for a pair whose private half is in the token. */
export const pair = (
  name: 'RSA' | 'EC',
  bits: number,
  uses: readonly ('Sign' | 'Decrypt' | 'CertificateSign')[] = ['Sign'],
) => ({
  CommonAttributes: having(algorithm(name), length(bits), active),
  PrivateKeyAttributes: having(withMask(...uses)),
  PublicKeyAttributes: having(withMask('Verify', 'Encrypt')),
  PrivateProtectionStorageMasks: hardware,
});

/** Makes a pair; returns the identifiers of its halves. */
export async function createPair(
  service: TestService,
  ...parameters: Parameters<typeof pair>
): Promise<{ readonly own: string; readonly open: string }> {
  const made = await succeed(service, '2.1', CreateKeyPair, pair(...parameters));
  return { own: made.PrivateKeyUniqueIdentifier, open: made.PublicKeyUniqueIdentifier };
}
