import { attributeChanges } from '../../../codec/eras.ts';
import { one, struct, text } from '../../../codec/schema.ts';
import { serverToClient } from '../operation.ts';

/**
 * Notify (KMIP 2.1 §6.2.2, 1.4 §5.1), which the server asks of a client: attributes of an object have changed, Last
 * Change Date among them, or are gone.
 */
export const Notify = serverToClient({
  name: 'Notify',
  since: '1.0',
  request: struct({ UniqueIdentifier: one(text), Changes: attributeChanges }),
  response: struct({}),
});
