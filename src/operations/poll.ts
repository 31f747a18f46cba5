import { bytes, one, struct } from '../../codec/schema.ts';
import { fail } from '../errors.ts';
import { conversation, operation } from './operation.ts';

/**
 * Poll (KMIP 2.1 §6.1.39, 1.4 §4.28). Every request is answered at once, so no correlation value has ever been given
 * out, and whatever a client asks about is unknown.
 */
export const Poll = operation({
  name: 'Poll',
  since: '1.0',
  request: struct({ AsynchronousCorrelationValue: one(bytes) }),
  response: struct({}),
  on: conversation(),
  handle: () =>
    fail(
      'InvalidAsynchronousCorrelationValue',
      'no operation is known under that correlation value',
      'ItemNotFound',
    ),
});
