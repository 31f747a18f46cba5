import { CancellationResult } from '../../codec/enums.ts';
import { bytes, one, struct } from '../../codec/schema.ts';
import { conversation, operation } from './operation.ts';

/** Cancel (KMIP 2.1 §6.1.6, 1.4 §4.27). Every request is answered at once, so there is never anything left to cancel. */
export const Cancel = operation({
  name: 'Cancel',
  since: '1.0',
  request: struct({ AsynchronousCorrelationValue: one(bytes) }),
  response: struct({ AsynchronousCorrelationValue: one(bytes), CancellationResult: one(CancellationResult) }),
  on: conversation(),
  handle: ({ AsynchronousCorrelationValue }) => ({
    AsynchronousCorrelationValue,
    CancellationResult: 'Unavailable' as const,
  }),
});
