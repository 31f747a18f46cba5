import { struct } from '../../../codec/schema.ts';
import { operation, server } from '../operation.ts';

/** Ping (KMIP 2.1 §6.1.36): tests whether the server answers. */
export const Ping = operation({
  name: 'Ping',
  since: '2.1',
  request: struct({}),
  response: struct({}),
  target: server(),
  limitedRight: 'public',
  handle: () => ({}),
});
