import { bytes, integer, maybe, one, struct } from '../../../codec/schema.ts';
import { fail } from '../../common/errors.ts';
import { conversation, operation } from '../operation.ts';

/** Bytes of one answer; a client that wants more sends another request. */
const maxBytes = 65_536;

/** RNG Retrieve (KMIP 2.1 §6.1.49, 1.4 §4.35): random bytes from the server's generator. */
export const RNGRetrieve = operation({
  name: 'RNGRetrieve',
  since: '1.2',
  request: struct({ DataLength: one(integer) }),
  // Present unless the item is Ephemeral.
  response: struct({ Data: maybe(bytes) }),
  target: conversation(),
  limitedRight: 'public',
  handle({ DataLength: length }, { crypto }) {
    if (length < 0 || length > maxBytes) fail('InvalidField', `Data Length must be 0 to ${maxBytes}`);
    return { Data: crypto.random(length) };
  },
});
