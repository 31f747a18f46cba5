import { bytes, maybe, one, since, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { tagKnown } from '../../codec/tags.ts';
import { object, operation } from './operation.ts';
import { keyFor, parametersFor, partFields, refuseParts, required } from './using-keys.ts';

/** Decrypt (KMIP 2.1 §6.1.14, 1.4 §4.30) data that comes in one piece. */
export const Decrypt = operation({
  name: 'Decrypt',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    IVCounterNonce: maybe(bytes),
    ...partFields,
    AuthenticatedEncryptionAdditionalData: since('1.4', maybe(bytes)),
    AuthenticatedEncryptionTag: since('1.4', maybe(bytes)),
  }),
  response: struct({ UniqueIdentifier: one(text), Data: one(bytes) }),
  on: object({ types: ['SymmetricKey', 'PrivateKey'] }),
  handle(request, { object: target, crypto, now, version }) {
    refuseParts(request);
    const data = required(request.Data, 'Data');
    const key = keyFor(target, 'Decrypt', now);
    const tag = tagKnown('AuthenticatedEncryptionTag', version)
      ? request.AuthenticatedEncryptionTag
      : 'appended';
    const decrypted = crypto.decrypt(key, parametersFor(target, request.CryptographicParameters), {
      data,
      iv: request.IVCounterNonce,
      additionalData: request.AuthenticatedEncryptionAdditionalData,
      tag,
    });
    return { UniqueIdentifier: target.id, Data: decrypted };
  },
});
