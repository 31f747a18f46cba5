import { bytes, type Infer, maybe, one, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse, requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { macBy, startMacBy } from '../key-uses.ts';
import { object, operation } from '../operation.ts';
import { parametersFor, requireField, usableKey } from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  ...multiPartFields,
});

/** MAC (KMIP 2.1 §6.1.32, 1.4 §4.33): the MAC of data that comes in one piece or in parts. */
export const MAC = operation({
  name: 'MAC',
  since: '1.2',
  request: Request,
  response: struct({ UniqueIdentifier: one(text), MACData: maybe(bytes), ...multiPartResponse }),
  target: object({ types: ['SymmetricKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target } = context;
    if (isPart(request)) return macPart(request, context);
    const data = requireField(request.Data, 'Data');
    const key = usableKey(target, 'MAC', context);
    countUse(target, data.length, context);
    const mac = await macBy(key, chooseParameters(target, request), data, context);
    return { UniqueIdentifier: target.id, MACData: mac };
  },
});

function chooseParameters(
  target: ManagedObject,
  { CryptographicParameters: requested }: Infer<typeof Request>,
): CryptographicParameters {
  return parametersFor(target, { use: 'mac', requested });
}

function macPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, multiPart } = context;
  const { Data: data = new Uint8Array() } = request;
  requireUsage(target, 'MAC', context);
  countUse(target, data.length, context);
  const start = () =>
    startMacBy(usableKey(target, 'MAC', context), chooseParameters(target, request), context);
  return multiPart.take({ operation: 'MAC', object: target.id, request, start }, (stream, last) => {
    stream.update(data);
    return { UniqueIdentifier: target.id, ...(last ? { MACData: stream.final() } : {}) };
  });
}
