import { bytes, maybe, one, since, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { tagKnown } from '../../codec/tags.ts';
import { countUse } from '../object/usage.ts';
import { object, operation } from './operation.ts';
import { keyFor, parametersFor, partFields, refuseParts, required } from './using-keys.ts';

/** Encrypt (KMIP 2.1 §6.1.18, 1.4 §4.29) data that comes in one piece. */
export const Encrypt = operation({
  name: 'Encrypt',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    IVCounterNonce: maybe(bytes),
    ...partFields,
    AuthenticatedEncryptionAdditionalData: since('1.4', maybe(bytes)),
  }),
  response: struct({
    UniqueIdentifier: one(text),
    Data: one(bytes),
    IVCounterNonce: maybe(bytes),
    AuthenticatedEncryptionTag: since('1.4', maybe(bytes)),
  }),
  on: object({ types: ['SymmetricKey', 'PublicKey'] }),
  handle(request, { object: target, crypto, now, version }) {
    refuseParts(request);
    const data = required(request.Data, 'Data');
    const key = keyFor(target, 'Encrypt', now);
    countUse(target, data.length, now);
    const encrypted = crypto.encrypt(key, parametersFor(target, request.CryptographicParameters), {
      data,
      iv: request.IVCounterNonce,
      additionalData: request.AuthenticatedEncryptionAdditionalData,
    });
    const answer = { UniqueIdentifier: target.id, IVCounterNonce: encrypted.iv };
    if (tagKnown('AuthenticatedEncryptionTag', version)) {
      return { ...answer, Data: encrypted.data, AuthenticatedEncryptionTag: encrypted.tag };
    }
    return { ...answer, Data: joined(encrypted.data, encrypted.tag) };
  },
});

/** Clients of versions without a field for the tag expect it after the data. */
function joined(data: Uint8Array, tag: Uint8Array = new Uint8Array()): Uint8Array {
  const both = new Uint8Array(data.length + tag.length);
  both.set(data);
  both.set(tag, data.length);
  return both;
}
