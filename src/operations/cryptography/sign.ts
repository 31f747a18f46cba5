import { bytes, type Infer, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { fail } from '../../common/errors.ts';
import { countUse, requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { signBy, startMessageBy } from '../key-uses.ts';
import { object, operation } from '../operation.ts';
import { parametersFor, signedMessage, usableKey } from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  DigestedData: since('1.4', maybe(bytes)),
  ...multiPartFields,
});

/** Sign (KMIP 2.1 §6.1.55, 1.4 §4.31): signs data that comes in one piece or in parts, or its digest. */
export const Sign = operation({
  name: 'Sign',
  since: '1.2',
  request: Request,
  response: struct({ UniqueIdentifier: one(text), SignatureData: maybe(bytes), ...multiPartResponse }),
  target: object({ types: ['PrivateKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target } = context;
    if (isPart(request)) return signPart(request, context);
    const message = signedMessage(request.Data, request.DigestedData);
    const key = usableKey(target, 'Sign', context);
    countUse(target, (request.Data ?? request.DigestedData ?? []).length, context);
    const use = 'data' in message ? 'sign' : 'signDigest';
    const parameters = parametersFor(target, { use, requested: request.CryptographicParameters });
    const signature = await signBy(key, parameters, message, context);
    return { UniqueIdentifier: target.id, SignatureData: signature };
  },
});

function signPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, multiPart } = context;
  const { Data: data = new Uint8Array() } = request;
  if (request.DigestedData !== undefined) fail('InvalidField', 'Digested Data does not come in parts');
  requireUsage(target, 'Sign', context);
  countUse(target, data.length, context);
  const kept = () => parametersFor(target, { use: 'sign', requested: request.CryptographicParameters });
  const start = (parameters: CryptographicParameters) => {
    const key = usableKey(target, 'Sign', context);
    return { parameters, message: startMessageBy(key, parameters, context) };
  };
  const keptBytes = ({ message }: ReturnType<typeof start>) => (message.collects ? data.length : 0);
  const spec = { operation: 'Sign', object: target.id, request, kept, start, keptBytes } as const;
  return multiPart.take(spec, async ({ parameters, message }, last) => {
    message.update(data);
    if (!last) return { UniqueIdentifier: target.id };
    const key = usableKey(target, 'Sign', context);
    const signature = await signBy(key, parameters, message.final(), context);
    return { UniqueIdentifier: target.id, SignatureData: signature };
  });
}
