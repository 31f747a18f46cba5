import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { concatBytes } from '../../common/bytes.ts';
import type { Context } from '../context.ts';
import type { Digestion, Session } from './pkcs-11-application.ts';
import { answerArray, CKR, type Result, refuse, type SessionCall, succeedChanged } from './pkcs-11-calls.ts';
import type { ParameterReader } from './pkcs-11-parameters.ts';

/** Message digests of the PKCS#11 token (PKCS#11 2.40 §5.10). */

/** Algorithms by the number of their mechanism (PKCS#11 2.40 mechanisms, §2). */
const mechanisms: ReadonlyMap<number, HashingAlgorithm> = new Map<number, HashingAlgorithm>([
  [0x210, 'MD5'],
  [0x220, 'SHA_1'],
  [0x255, 'SHA_224'],
  [0x250, 'SHA_256'],
  [0x260, 'SHA_384'],
  [0x270, 'SHA_512'],
  [0x48, 'SHA_512_224'],
  [0x4c, 'SHA_512_256'],
  [0x2b5, 'SHA3_224'],
  [0x2b0, 'SHA3_256'],
  [0x2c0, 'SHA3_384'],
  [0x2d0, 'SHA3_512'],
]);

/**
 * Bytes of all unfinished digests of one application. They are kept in its record, which every call reads
 * whole.
 */
const maxDigestedBytes = 262_144;

/** Returns the numbers of the mechanisms that the crypto provider offers. */
export function offeredMechanisms({ crypto }: Context): number[] {
  return [...mechanisms].flatMap(([number, name]) =>
    crypto.hashingAlgorithms.includes(name) ? [number] : [],
  );
}

/** C_DigestInit. */
export function digestInit({ input, session, context }: SessionCall): Result {
  const mechanism = Number(input.ulong());
  const parameter = input.ended ? new Uint8Array() : input.array();
  input.end();
  if (!offeredMechanisms(context).includes(mechanism)) return refuse(CKR.MECHANISM_INVALID);
  if (parameter.length > 0) return refuse(CKR.MECHANISM_PARAM_INVALID);
  if (session.digest !== undefined) return refuse(CKR.OPERATION_ACTIVE);
  session.digest = { mechanism };
  return succeedChanged();
}

/** C_Digest. */
export function digestData({ input, session, context }: SessionCall): Result {
  const data = input.array();
  if (session.digest === undefined) return refuse(CKR.OPERATION_NOT_INITIALIZED);
  if (session.digest.data !== undefined) return refuse(CKR.OPERATION_ACTIVE);
  return finishDigest(session, session.digest, data, input, context);
}

/** C_DigestUpdate: keeps the part until C_DigestFinal, because a digest cannot be continued from a record. */
export function digestUpdate({ input, session, application }: SessionCall): Result {
  const part = input.array();
  input.end();
  if (session.digest === undefined) return refuse(CKR.OPERATION_NOT_INITIALIZED);
  const waiting = Object.values(application.sessions).reduce(
    (sum, each) => sum + (each.digest?.data?.length ?? 0),
    0,
  );
  if (waiting * (3 / 4) + part.length > maxDigestedBytes) {
    session.digest = undefined;
    return { code: CKR.HOST_MEMORY, changed: true };
  }
  session.digest.data = concatBytes([Uint8Array.fromBase64(session.digest.data ?? ''), part]).toBase64();
  return succeedChanged();
}

/** C_DigestFinal. */
export function digestFinal({ input, session, context }: SessionCall): Result {
  if (session.digest === undefined) return refuse(CKR.OPERATION_NOT_INITIALIZED);
  return finishDigest(
    session,
    session.digest,
    Uint8Array.fromBase64(session.digest.data ?? ''),
    input,
    context,
  );
}

/**
 * Answers the digest and ends it. A call that asks for the length, or has too short a buffer, leaves the
 * digest unfinished (PKCS#11 2.40 §5.2).
 */
function finishDigest(
  session: Session,
  { mechanism }: Digestion,
  data: Uint8Array,
  input: ParameterReader,
  { crypto }: Context,
): Result {
  const value = crypto.digest(mechanisms.get(mechanism) as HashingAlgorithm, data);
  let returned = false;
  const result = answerArray(input, value.length, () => {
    returned = true;
    return value;
  });
  if (!returned) return result;
  session.digest = undefined;
  return { ...result, changed: true };
}
