import type { HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { ByteCollector } from '../../common/bytes.ts';
import { InvalidParametersError } from '../errors.ts';
import { startDigest } from '../hashes/hashes.ts';
import { requireComponents } from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { MessageStream } from '../streams.ts';
import { canSignDigests } from './digest-signatures.ts';
import { hashOfScheme, selectScheme } from './schemes.ts';

/**
 * Starts to collect a message: as a digest where the scheme signs digests, else as data.
 * @throws {UnsupportedAlgorithmError} when the key makes no such signatures
 * @throws {InvalidParametersError} when the hash is missing, or parameters contradict each other or the key
 */
export function startMessage(key: PlainKey, parameters: CryptographicParameters): MessageStream {
  const components = requireComponents(key);
  const scheme = selectScheme(components, parameters);
  const hash = scheme.kind === 'pure' ? undefined : hashOfScheme(scheme);
  if (scheme.kind !== 'pure' && hash === undefined) {
    throw new InvalidParametersError('Hashing Algorithm is missing');
  }
  const isDigestSigned = scheme.kind === 'pss' || scheme.kind === 'pkcs1' || canSignDigests(components);
  return hash !== undefined && isDigestSigned ? digestParts(hash) : collectParts();
}

function digestParts(hash: HashingAlgorithm): MessageStream {
  const stream = startDigest(hash);
  return {
    collects: false,
    update: (data) => stream.update(data),
    final: () => ({ digest: stream.final() }),
  };
}

function collectParts(): MessageStream {
  const parts = new ByteCollector();
  return {
    collects: true,
    update: (data) => parts.add(data),
    final: () => ({ data: parts.takeAll() }),
  };
}
