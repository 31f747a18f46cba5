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
 * Encapsulation by Encrypt (docs/decisions/20-post-quantum.md), which KMIP 2.1 has no operation for: Encrypt without Data
 * makes a shared secret and its ciphertext, Decrypt of the ciphertext gives the shared secret.
 */

/** Whether the key is one for a key encapsulation mechanism. */
export function isEncapsulationKey({ attributes }: ManagedObject): boolean {
  const algorithm = attributes.get('CryptographicAlgorithm');
  return algorithm !== undefined && useOf(algorithm) === 'encapsulation';
}

interface Request {
  readonly Data?: Uint8Array | undefined;
  readonly IVCounterNonce?: Uint8Array | undefined;
  readonly AuthenticatedEncryptionAdditionalData?: Uint8Array | undefined;
}

/**
 * The ciphertext, and the identifier of the shared secret, which becomes Secret Data to derive keys from. Fails as `keyFor`;
 * with InvalidField for data, that no such key encrypts.
 */
export async function encapsulateSecret(
  { Data: data, IVCounterNonce: iv, AuthenticatedEncryptionAdditionalData: additionalData }: Request,
  parameters: CryptographicParameters,
  context: ObjectContext,
): Promise<{ UniqueIdentifier: string; Data: Uint8Array }> {
  const { object: target, crypto, now } = context;
  const key = keyForUse(target, 'Encrypt', now);
  if ((data !== undefined && data.length > 0) || iv !== undefined || additionalData !== undefined) {
    const algorithm = target.attributes.get('CryptographicAlgorithm');
    fail(
      'InvalidField',
      `${algorithm} encrypts no data: leave it out, and protect it with the shared secret`,
    );
  }
  const { sharedSecret, ciphertext } = crypto.encapsulate(key, parameters);
  countUse(target, sharedSecret.length, now);
  const secret = await createObject(
    {
      operation: 'DeriveKey',
      type: 'SecretData',
      attributes: [{ name: 'ActivationDate', value: now }],
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
