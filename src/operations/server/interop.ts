import { InteropFunction } from '../../../codec/enums.ts';
import { one, struct, text } from '../../../codec/schema.ts';
import { operation, server } from '../operation.ts';

/**
 * Interop (KMIP 2.1 §6.1.26): marks begin and end of a conformance case. Offered only with `--interop`;
 * `execute` refuses it otherwise. Reset deletes nothing: the test runner gives every case its own group of
 * clients.
 */
export const Interop = operation({
  name: 'Interop',
  since: '2.0',
  request: struct({ InteropFunction: one(InteropFunction), InteropIdentifier: one(text) }),
  response: struct({}),
  target: server(),
  limitedRight: 'nothing',
  handle({ InteropFunction: what, InteropIdentifier }, context) {
    context.server.log(context.principal.client, `Interop ${what} ${InteropIdentifier}`);
    return {};
  },
});
