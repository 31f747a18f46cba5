import { ValidityIndicator } from '../../codec/enums.ts';
import { bytes, maybe, one, since, struct, text } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { object, operation } from './operation.ts';
import {
  keyFor,
  messageOf,
  parametersFor,
  partFields,
  refuseParts,
  required,
  validity,
} from './using-keys.ts';

/** Signature Verify (KMIP 2.1 §6.1.60, 1.4 §4.32). */
export const SignatureVerify = operation({
  name: 'SignatureVerify',
  since: '1.2',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    CryptographicParameters: maybe(CryptographicParameters),
    Data: maybe(bytes),
    DigestedData: since('1.4', maybe(bytes)),
    SignatureData: maybe(bytes),
    ...partFields,
  }),
  response: struct({ UniqueIdentifier: one(text), ValidityIndicator: one(ValidityIndicator) }),
  on: object({ types: ['PublicKey'] }),
  async handle(request, { object: target, crypto, now }) {
    refuseParts(request);
    const message = messageOf(request.Data, request.DigestedData);
    const signature = required(request.SignatureData, 'Signature Data');
    const key = keyFor(target, 'SignatureVerify', now);
    const parameters = parametersFor(target, request.CryptographicParameters);
    const valid = await crypto.verify(key, parameters, message, signature);
    return { UniqueIdentifier: target.id, ValidityIndicator: validity(valid) };
  },
});
