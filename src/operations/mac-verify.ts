import { ValidityIndicator } from '../../codec/enums.ts';
import { bytes, maybe, one, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { object, operation } from './operation.ts';
import { keyFor, parametersFor, partFields, refuseParts, required, validity } from './using-keys.ts';

/** MAC Verify (KMIP 2.1 §6.1.35, 1.4 §4.34). */
export const MACVerify = operation({
  name: 'MACVerify',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    MACData: maybe(bytes),
    ...partFields,
  }),
  response: struct({ UniqueIdentifier: one(text), ValidityIndicator: one(ValidityIndicator) }),
  on: object({ types: ['SymmetricKey'] }),
  handle(request, { object: target, crypto, now }) {
    refuseParts(request);
    const data = required(request.Data, 'Data');
    const given = required(request.MACData, 'MAC Data');
    const key = keyFor(target, 'MACVerify', now);
    const valid = crypto.verifyMac(key, parametersFor(target, request.CryptographicParameters), data, given);
    return { UniqueIdentifier: target.id, ValidityIndicator: validity(valid) };
  },
});
