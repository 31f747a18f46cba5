import { PutFunction } from '../../../codec/enums.ts';
import { keyValueAttributes } from '../../../codec/eras.ts';
import { maybe, one, struct, text } from '../../../codec/schema.ts';
import { managedObjectField } from '../../../codec/structures/managed-objects.ts';
import { serverToClient } from '../operation.ts';

/**
 * Put (KMIP 2.1 §6.2.3, 1.4 §5.2), sent by the server to a client: a new object, or one that replaces
 * another.
 */
export const Put = serverToClient({
  name: 'Put',
  since: '1.0',
  request: struct({
    UniqueIdentifier: one(text),
    PutFunction: one(PutFunction),
    ReplacedUniqueIdentifier: maybe(text),
    Object: managedObjectField,
    Attributes: keyValueAttributes,
  }),
  response: struct({}),
});
