import { bytes, maybe, one, struct } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../errors.ts';
import { conversation, operation } from './operation.ts';
import { partFields, refuseParts, required } from './using-keys.ts';

/** Hash (KMIP 2.1 §6.1.27, 1.4 §4.39) of data that comes in one piece. */
export const Hash = operation({
  name: 'Hash',
  since: '1.2',
  request: struct({
    CryptographicParameters: one(CryptographicParameters),
    Data: maybe(bytes),
    ...partFields,
  }),
  response: struct({ Data: one(bytes) }),
  on: conversation(),
  handle(request, { crypto }) {
    const algorithm = request.CryptographicParameters.HashingAlgorithm;
    if (algorithm === undefined) fail('InvalidField', 'Hashing Algorithm is missing');
    refuseParts(request);
    return { Data: crypto.digest(algorithm, required(request.Data, 'Data')) };
  },
});
