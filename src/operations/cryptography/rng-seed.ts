import { bytes, integer, one, struct } from '../../../codec/schema.ts';
import { conversation, operation } from '../operation.ts';

/**
 * RNG Seed (KMIP 2.1 §6.1.50, 1.4 §4.38): the client's offer of randomness. The operating system seeds the generator;
 * what a client sends is not mixed in, and the answer says so: 0 bytes were used.
 */
export const RNGSeed = operation({
  name: 'RNGSeed',
  since: '1.2',
  request: struct({ Data: one(bytes) }),
  response: struct({ DataLength: one(integer) }),
  target: conversation(),
  handle: () => ({ DataLength: 0 }),
});
