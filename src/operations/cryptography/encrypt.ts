import { bytes, type Infer, maybe, one, since, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { isTagKnownIn } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { concatBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';
import { needsUniqueIv } from '../../crypto/parameter-names.ts';
import { countUse, requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { encryptBy, startEncryptionBy } from '../key-uses.ts';
import { object, operation } from '../operation.ts';
import {
  cipherKeyForUse,
  type ParameterRequest,
  parametersToEncrypt,
  requireField,
  usableKey,
} from '../usable-key.ts';
import { createSharedSecret, usesKeyEncapsulation } from './kem.ts';
import { isPart, multiPartFields, multiPartResponse, nonEmptyData } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  IVCounterNonce: maybe(bytes),
  ...multiPartFields,
  AuthenticatedEncryptionAdditionalData: since('1.4', maybe(bytes)),
});

/**
 * Encrypt (KMIP 2.1 §6.1.17, 1.4 §4.29): encrypts data in one piece or in parts; with ML-KEM, encapsulates.
 */
export const Encrypt = operation({
  name: 'Encrypt',
  since: '1.2',
  request: Request,
  response: struct({
    UniqueIdentifier: one(text),
    Data: maybe(bytes),
    IVCounterNonce: maybe(bytes),
    ...multiPartResponse,
    AuthenticatedEncryptionTag: since('1.4', maybe(bytes)),
  }),
  target: object({ types: ['SymmetricKey', 'PublicKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target, version } = context;
    if (isPart(request)) return encryptPart(request, context);
    const asked = parameterRequest(request);
    if (usesKeyEncapsulation(target))
      return createSharedSecret(request, parametersToEncrypt(target, asked), context);
    const data = requireField(request.Data, 'Data');
    const { key, parameters, objects } = await cipherKeyForUse(context, 'Encrypt', asked);
    for (const each of objects) countUse(each, data.length, context);
    const plaintext = {
      data,
      iv: request.IVCounterNonce,
      additionalData: request.AuthenticatedEncryptionAdditionalData,
    };
    const { iv, ...output } = await encryptBy(key, parameters, plaintext, context);
    if (iv !== undefined && needsUniqueIv(key.CryptographicAlgorithm, parameters))
      await context.randomIvUses.count(target.id);
    return { UniqueIdentifier: target.id, IVCounterNonce: iv, ...placeTag(output, version) };
  },
});

function parameterRequest({
  CryptographicParameters: requested,
  IVCounterNonce: iv,
}: Infer<typeof Request>): ParameterRequest {
  return { use: 'encrypt', requested, iv };
}

function encryptPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, version, multiPart } = context;
  const { Data: data = new Uint8Array(), AuthenticatedEncryptionAdditionalData: additionalData } = request;
  const first = request.CorrelationValue === undefined;
  if (!first && additionalData !== undefined)
    fail('InvalidField', 'the additional data must come with the first part');
  requireUsage(target, 'Encrypt', context);
  countUse(target, data.length, context);
  const start = () => {
    const key = usableKey(target, 'Encrypt', context);
    const parameters = parametersToEncrypt(target, parameterRequest(request));
    const plaintext = { iv: request.IVCounterNonce, additionalData };
    const stream = startEncryptionBy(key, parameters, plaintext, context);
    const isCounted = stream.iv !== undefined && needsUniqueIv(key.CryptographicAlgorithm, parameters);
    return { stream, isCounted };
  };
  const spec = { operation: 'Encrypt', object: target.id, request, start } as const;
  return multiPart.take(spec, async ({ stream, isCounted }, last) => {
    if (first && isCounted) await context.randomIvUses.count(target.id);
    const answer = { UniqueIdentifier: target.id, IVCounterNonce: first ? stream.iv : undefined };
    const output = stream.update(data);
    if (!last) return { ...answer, ...nonEmptyData(output) };
    const end = stream.final();
    const { Data, ...tag } = placeTag({ data: concatBytes([output, end.data]), tag: end.tag }, version);
    return { ...answer, ...nonEmptyData(Data), ...tag };
  });
}

/** Appends the tag to the data in versions without a field for the tag. */
function placeTag({ data, tag }: { data: Uint8Array; tag?: Uint8Array | undefined }, version: Version) {
  return tag === undefined || isTagKnownIn('AuthenticatedEncryptionTag', version)
    ? { Data: data, AuthenticatedEncryptionTag: tag }
    : { Data: concatBytes([data, tag]) };
}
