import { bool, bytes, maybe, one, since, struct } from '../../codec/schema.ts';
import { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../errors.ts';
import { conversation, operation } from './operation.ts';

/** Hash (KMIP 2.1 §6.1.27, 1.4 §4.39) of data that comes in one piece. */
export const Hash = operation({
  name: 'Hash',
  since: '1.2',
  request: struct({
    CryptographicParameters: one(CryptographicParameters),
    Data: maybe(bytes),
    CorrelationValue: since('1.3', maybe(bytes)),
    InitIndicator: since('1.3', maybe(bool)),
    FinalIndicator: since('1.3', maybe(bool)),
  }),
  response: struct({ Data: one(bytes) }),
  on: conversation(),
  handle(request, { crypto }) {
    const algorithm = request.CryptographicParameters.HashingAlgorithm;
    if (algorithm === undefined) fail('InvalidField', 'Hashing Algorithm is missing');
    const inPieces = request.CorrelationValue !== undefined || request.InitIndicator !== request.FinalIndicator;
    if (inPieces) fail('FeatureNotSupported', 'data is hashed in one piece only');
    if (request.Data === undefined) fail('InvalidMessage', 'Data is missing');
    return { Data: crypto.digest(algorithm, request.Data) };
  },
});
