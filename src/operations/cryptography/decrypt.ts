import { bytes, type Infer, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { isTagKnownIn } from '../../../codec/tags.ts';
import { concatBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';
import { requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { decryptBy, startDecryptionBy } from '../key-uses.ts';
import { object, operation } from '../operation.ts';
import {
  cipherKeyForUse,
  decryptingWith,
  type ParameterRequest,
  parametersFor,
  requireField,
  usableKey,
} from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse, nonEmptyData } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  IVCounterNonce: maybe(bytes),
  ...multiPartFields,
  AuthenticatedEncryptionAdditionalData: since('1.4', maybe(bytes)),
  AuthenticatedEncryptionTag: since('1.4', maybe(bytes)),
});

/** Decrypt (KMIP 2.1 §6.1.11, 1.4 §4.30): decrypts data that comes in one piece or in parts. */
export const Decrypt = operation({
  name: 'Decrypt',
  since: '1.2',
  request: Request,
  response: struct({ UniqueIdentifier: one(text), Data: maybe(bytes), ...multiPartResponse }),
  target: object({ types: ['SymmetricKey', 'PrivateKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target, attempts, version } = context;
    if (isPart(request)) return decryptPart(request, context);
    const data = requireField(request.Data, 'Data');
    const { key, parameters, objects } = await cipherKeyForUse(context, 'Decrypt', parameterRequest(request));
    const tag = isTagKnownIn('AuthenticatedEncryptionTag', version)
      ? request.AuthenticatedEncryptionTag
      : ('appended' as const);
    const sealed = {
      data,
      iv: request.IVCounterNonce,
      additionalData: request.AuthenticatedEncryptionAdditionalData,
      tag,
    };
    const decrypt = () => decryptBy(key, parameters, sealed, context);
    const decrypted = await decryptingWith(objects, decrypt, attempts);
    return { UniqueIdentifier: target.id, Data: decrypted };
  },
});

function parameterRequest({
  CryptographicParameters: requested,
  IVCounterNonce: iv,
}: Infer<typeof Request>): ParameterRequest {
  return { use: 'encrypt', requested, iv };
}

/** Of a mode that authenticates, the last part answers all output, once the tag has been verified. */
function decryptPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, attempts, version, multiPart } = context;
  const { Data: data = new Uint8Array(), AuthenticatedEncryptionAdditionalData: additionalData } = request;
  if (request.CorrelationValue !== undefined && additionalData !== undefined)
    fail('InvalidField', 'the additional data must come with the first part');
  requireUsage(target, 'Decrypt', context);
  const kept = () => ({
    parameters: parametersFor(target, parameterRequest(request)),
    iv: request.IVCounterNonce,
    additionalData,
    tag: request.AuthenticatedEncryptionTag,
  });
  const start = ({ parameters, tag, ...sealed }: ReturnType<typeof kept>) => {
    const appendedTag = !isTagKnownIn('AuthenticatedEncryptionTag', version);
    const key = usableKey(target, 'Decrypt', context);
    return { stream: startDecryptionBy(key, parameters, { ...sealed, appendedTag }, context), tag };
  };
  const keptBytes = ({ stream }: ReturnType<typeof start>) => (stream.collects ? data.length : 0);
  const spec = { operation: 'Decrypt', object: target.id, request, kept, start, keptBytes } as const;
  const step = (work: ReturnType<typeof start>, last: boolean) => {
    const output = work.stream.update(data);
    const tag = request.AuthenticatedEncryptionTag ?? work.tag;
    const all = last ? concatBytes([output, work.stream.final(tag)]) : output;
    return { UniqueIdentifier: target.id, ...nonEmptyData(all) };
  };
  return attempts.decrypting(target.id, () => multiPart.take(spec, step));
}
