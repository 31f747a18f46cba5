import { bytes, maybe, one, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { countUse } from '../object/usage.ts';
import { object, operation } from './operation.ts';
import { keyFor, parametersFor, partFields, refuseParts, required } from './using-keys.ts';

/** MAC (KMIP 2.1 §6.1.34, 1.4 §4.33) of data that comes in one piece. */
export const MAC = operation({
  name: 'MAC',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    ...partFields,
  }),
  response: struct({ UniqueIdentifier: one(text), MACData: one(bytes) }),
  on: object({ types: ['SymmetricKey'] }),
  handle(request, { object: target, crypto, now }) {
    refuseParts(request);
    const data = required(request.Data, 'Data');
    const key = keyFor(target, 'MAC', now);
    countUse(target, data.length, now);
    const mac = crypto.mac(key, parametersFor(target, request.CryptographicParameters), data);
    return { UniqueIdentifier: target.id, MACData: mac };
  },
});
