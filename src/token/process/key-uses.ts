import { copySecret } from '../../common/secret.ts';
import { cko, ckr } from '../cryptoki.ts';
import { decodeUse, encodeUseAnswer, type UseAnswer, type UseKeyRequest } from '../keys/key-messages.ts';
import { TokenFailure } from '../messages.ts';
import { classifyCallFailure } from './key-codes.ts';
import { buildMechanism, type KeyMechanism, UnsupportedMechanismError } from './key-mechanisms.ts';
import type { OpenSession } from './key-wrapper.ts';
import { codeOf, type Handle, toFailure, viewOf } from './library.ts';
import type { MadeKeys } from './made-keys.ts';

/** Bytes that an output may have beside those of the input: padding, a tag, a signature of RSA-8192. */
const maxAddedBytes = 1_024;
/** See `DeviceMechanism`. */
const ownIvBytes = 12;

/** Encrypts, decrypts or signs by a key in the token; the body and its answer are those of `keyUse`. */
export function answerUse(body: Uint8Array, session: OpenSession, keys: MadeKeys): Uint8Array {
  const { request, data } = decodeUse(body);
  const answer = useKey(request, data, session, keys);
  try {
    return encodeUseAnswer(answer);
  } finally {
    answer.output.fill(0);
  }
}

function useKey(request: UseKeyRequest, data: Uint8Array, session: OpenSession, keys: MadeKeys): UseAnswer {
  const output = new Uint8Array();
  const isPrivate = request.type === 'rsa' || request.type === 'ec';
  const handle = keys.find(request.id, isPrivate ? cko.privateKey : cko.secretKey);
  if (handle === undefined) return { status: 'missing', output };
  try {
    const { iv, output: result } = callOnce(request, handle, data, session);
    return { status: 'done', output: result, ...(iv && { iv }) };
  } catch (error) {
    if (error instanceof UnsupportedMechanismError) return { status: 'unsupported', output };
    const failure = classifyCallFailure(error, () => keys.ask(handle));
    if (failure === 'lost') throw error;
    // Data to encrypt has no form that could be wrong.
    const isRefused = failure === 'refused' || (failure === 'unclear' && request.function === 'encrypt');
    if (isRefused) throw new TokenFailure('request', toFailure(error).message);
    return { status: failure === 'unsupported' ? 'unsupported' : 'rejected', output };
  }
}

/** Makes the call; by an Initialization Vector of the token where that takes no other, and may choose. */
function callOnce(
  { function: name, mechanism: fields }: UseKeyRequest,
  handle: Handle,
  data: Uint8Array,
  session: OpenSession,
): Pick<UseAnswer, 'iv' | 'output'> {
  const mechanism = buildMechanism(fields, session.pkcs11);
  try {
    return { iv: mechanism.iv, output: call(name, mechanism, handle, data, session) };
  } catch (error) {
    if (fields.mayChooseIv !== true || codeOf(error) !== ckr.mechanismParamInvalid) throw error;
  }
  const own = buildMechanism({ ...fields, iv: '00'.repeat(ownIvBytes) }, session.pkcs11);
  const output = call(name, own, handle, data, session);
  // A token that took the zeros would take them again.
  if (own.iv?.every((byte) => byte === 0) !== false)
    throw new UnsupportedMechanismError('the token has encrypted with an IV of zeros');
  return { iv: own.iv, output };
}

function call(
  name: UseKeyRequest['function'],
  { mechanism }: KeyMechanism,
  key: Handle,
  data: Uint8Array,
  { module, handle: session }: OpenSession,
): Uint8Array {
  const buffer = new Uint8Array(data.length + maxAddedBytes);
  try {
    switch (name) {
      case 'encrypt':
        module.C_EncryptInit(session, mechanism, key);
        return copySecret(module.C_Encrypt(session, viewOf(data), viewOf(buffer)));
      case 'decrypt':
        module.C_DecryptInit(session, mechanism, key);
        return copySecret(module.C_Decrypt(session, viewOf(data), viewOf(buffer)));
      case 'sign':
        module.C_SignInit(session, mechanism, key);
        return copySecret(module.C_Sign(session, viewOf(data), viewOf(buffer)));
    }
  } finally {
    buffer.fill(0);
  }
}
