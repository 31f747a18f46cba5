import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../../common/errors.ts';
import { useOf } from '../../crypto/algorithms.ts';
import { linkDerivation } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { createObject } from '../new-object.ts';
import { keyForUse } from '../usable-key.ts';

/**
 * Key encapsulation by Encrypt (docs/decisions/20-post-quantum.md), because KMIP 2.1 has no operation for it:
 * Encrypt without Data makes a shared secret and its ciphertext, Decrypt of the ciphertext returns the shared
 * secret.
 */

/** Whether the key is for a key encapsulation mechanism. */
export function usesKeyEncapsulation({ attributes }: ManagedObject): boolean {
  const algorithm = attributes.get('CryptographicAlgorithm');
  return algorithm !== undefined && useOf(algorithm) === 'encapsulation';
}

interface Request {
  readonly Data?: Uint8Array | undefined;
  readonly IVCounterNonce?: Uint8Array | undefined;
  readonly AuthenticatedEncryptionAdditionalData?: Uint8Array | undefined;
}

/**
 * Creates a shared secret for the public key, stores it as Secret Data to derive keys from, and returns its
 * identifier and the ciphertext.
 * @throws {KmipError} InvalidField for data, which such a key cannot encrypt, or as `keyForUse` does
 */
export async function createSharedSecret(
  { Data: data, IVCounterNonce: iv, AuthenticatedEncryptionAdditionalData: additionalData }: Request,
  parameters: CryptographicParameters,
  context: ObjectContext,
): Promise<{ UniqueIdentifier: string; Data: Uint8Array }> {
  const { object: target, crypto, now } = context;
  const key = keyForUse(target, 'Encrypt', context);
  if ((data !== undefined && data.length > 0) || iv !== undefined || additionalData !== undefined) {
    const algorithm = target.attributes.get('CryptographicAlgorithm');
    fail(
      'InvalidField',
      `${algorithm} encrypts no data: leave it out, and protect it with the shared secret`,
    );
  }
  const { sharedSecret, ciphertext } = crypto.encapsulate(key, parameters);
  countUse(target, sharedSecret.length, context);
  const secret = await createObject(
    {
      operation: 'DeriveKey',
      type: 'SecretData',
      attributes: [{ name: 'ActivationDate', value: now }],
      inputs: [target],
      value: {
        type: 'SecretData',
        value: {
          SecretDataType: 'Seed',
          KeyBlock: {
            KeyFormatType: 'Raw',
            KeyValue: { KeyMaterial: sharedSecret, Attributes: [] },
            CryptographicLength: sharedSecret.length * 8,
          },
        },
      },
    },
    context,
  );
  linkDerivation(target, secret, now);
  return { UniqueIdentifier: secret.id, Data: ciphertext };
}
