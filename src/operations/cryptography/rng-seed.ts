import { bytes, integer, one, struct } from '../../../codec/schema.ts';
import { conversation, operation } from '../operation.ts';

/**
 * RNG Seed (KMIP 2.1 §6.1.50, 1.4 §4.36): seed bytes from the client. The operating system seeds the
 * generator; the bytes of a client are not used, and the answer says so with a Data Length of 0.
 */
export const RNGSeed = operation({
  name: 'RNGSeed',
  since: '1.2',
  request: struct({ Data: one(bytes) }),
  response: struct({ DataLength: one(integer) }),
  target: conversation(),
  limitedRight: 'nothing',
  handle: () => ({ DataLength: 0 }),
});
