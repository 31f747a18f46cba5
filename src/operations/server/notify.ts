import { attributeChanges } from '../../../codec/eras.ts';
import { one, struct, text } from '../../../codec/schema.ts';
import { serverToClient } from '../operation.ts';

/**
 * Notify (KMIP 2.1 §6.2.2, 1.4 §5.1), sent by the server to a client: attributes of an object have changed,
 * including Last Change Date, or have been removed.
 */
export const Notify = serverToClient({
  name: 'Notify',
  since: '1.0',
  request: struct({ UniqueIdentifier: one(text), Changes: attributeChanges }),
  response: struct({}),
});
