import { ValidityIndicator } from '../../../codec/enums.ts';
import { bytes, type Infer, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { fail } from '../../common/errors.ts';
import { requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { object, operation } from '../operation.ts';
import {
  keyForUse,
  parametersToVerify,
  requireField,
  signedMessage,
  validityIndicator,
} from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  DigestedData: since('1.4', maybe(bytes)),
  SignatureData: maybe(bytes),
  ...multiPartFields,
});

/**
 * Signature Verify (KMIP 2.1 §6.1.56, 1.4 §4.32): verifies the signature of data in one piece or in parts, or
 * of a digest.
 */
export const SignatureVerify = operation({
  name: 'SignatureVerify',
  since: '1.2',
  request: Request,
  response: struct({
    UniqueIdentifier: one(text),
    ValidityIndicator: maybe(ValidityIndicator),
    ...multiPartResponse,
  }),
  target: object({ types: ['PublicKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target, crypto } = context;
    if (isPart(request)) return verifyPart(request, context);
    const message = signedMessage(request.Data, request.DigestedData);
    const signature = requireField(request.SignatureData, 'Signature Data');
    const key = keyForUse(target, 'SignatureVerify', context);
    const use = 'data' in message ? 'sign' : 'signDigest';
    const parameters = parametersToVerify(target, { use, requested: request.CryptographicParameters });
    const valid = parameters !== undefined && (await crypto.verify(key, parameters, message, signature));
    return { UniqueIdentifier: target.id, ValidityIndicator: validityIndicator(valid) };
  },
});

/** The signature may come with the first part or with the last. */
function verifyPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, crypto, multiPart } = context;
  const { Data: data = new Uint8Array() } = request;
  if (request.DigestedData !== undefined) fail('InvalidField', 'Digested Data does not come in parts');
  requireUsage(target, 'SignatureVerify', context);
  const kept = () => ({
    parameters: parametersToVerify(target, { use: 'sign', requested: request.CryptographicParameters }),
    signature: request.SignatureData,
  });
  const start = ({ parameters, signature }: ReturnType<typeof kept>) => {
    const key = keyForUse(target, 'SignatureVerify', context);
    return { parameters, message: parameters && crypto.startMessage(key, parameters), signature };
  };
  const keptBytes = ({ message }: ReturnType<typeof start>) => (message?.collects ? data.length : 0);
  const spec = { operation: 'SignatureVerify', object: target.id, request, kept, start, keptBytes } as const;
  return multiPart.take(spec, async ({ parameters, message, signature }, last) => {
    message?.update(data);
    if (!last) return { UniqueIdentifier: target.id };
    const given = requireField(request.SignatureData ?? signature, 'Signature Data');
    const key = keyForUse(target, 'SignatureVerify', context);
    const valid =
      parameters !== undefined &&
      message !== undefined &&
      (await crypto.verify(key, parameters, message.final(), given));
    return { UniqueIdentifier: target.id, ValidityIndicator: validityIndicator(valid) };
  });
}
