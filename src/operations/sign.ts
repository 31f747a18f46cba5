import { bytes, maybe, one, since, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { countUse } from '../object/usage.ts';
import { object, operation } from './operation.ts';
import { keyFor, messageOf, parametersFor, partFields, refuseParts } from './using-keys.ts';

/** Sign (KMIP 2.1 §6.1.59, 1.4 §4.31) data that comes in one piece, or its digest. */
export const Sign = operation({
  name: 'Sign',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    DigestedData: since('1.4', maybe(bytes)),
    ...partFields,
  }),
  response: struct({ UniqueIdentifier: one(text), SignatureData: one(bytes) }),
  on: object({ types: ['PrivateKey'] }),
  async handle(request, { object: target, crypto, now }) {
    refuseParts(request);
    const message = messageOf(request.Data, request.DigestedData);
    const key = keyFor(target, 'Sign', now);
    countUse(target, (request.Data ?? request.DigestedData ?? []).length, now);
    const signature = await crypto.sign(key, parametersFor(target, request.CryptographicParameters), message);
    return { UniqueIdentifier: target.id, SignatureData: signature };
  },
});
