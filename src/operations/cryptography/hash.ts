import { bytes, maybe, one, struct } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { completeParameters } from '../../crypto/parameter-defaults.ts';
import { conversation, operation } from '../operation.ts';
import { requireField } from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse } from './multi-part.ts';

/** Hash (KMIP 2.1 §6.1.24, 1.4 §4.37): the digest of data that comes in one piece or in parts. */
export const Hash = operation({
  name: 'Hash',
  since: '1.2',
  request: struct({
    CryptographicParameters: one(CryptographicParameters),
    Data: maybe(bytes),
    ...multiPartFields,
  }),
  response: struct({ Data: maybe(bytes), ...multiPartResponse }),
  target: conversation(),
  limitedRight: 'public',
  handle(request, { crypto, multiPart }) {
    const none = { algorithm: undefined, bits: undefined };
    const { HashingAlgorithm } = completeParameters('hash', none, request.CryptographicParameters);
    const algorithm = requireField(HashingAlgorithm, 'Hashing Algorithm');
    if (!isPart(request)) return { Data: crypto.digest(algorithm, requireField(request.Data, 'Data')) };
    const start = () => crypto.startDigest(algorithm);
    return multiPart.take({ operation: 'Hash', request, start }, (stream, last) => {
      stream.update(request.Data ?? new Uint8Array());
      return last ? { Data: stream.final() } : {};
    });
  },
});
