import { allocateSecretBytes, copySecret } from '../../common/secret.ts';
import type {
  DeviceCall,
  DeviceKeySpecification,
  DeviceKeyType,
  DeviceKeyUses,
  DeviceMechanism,
  DeviceOutput,
} from '../../crypto/token-device.ts';
import { decodeJson, encodeJson } from '../messages.ts';

/**
 * Bodies of the frames about keys that are made and used in the token. Bytes in JSON are hexadecimal digits;
 * the data of a call stands behind the JSON, and the output of one in the answer alone.
 */

/** Asks for a key, in place of one that an interrupted request has left under the same identifier. */
export interface MakeKeyRequest {
  /** CKA_ID in hexadecimal digits. */
  readonly id: string;
  /** Serial number of the token that is meant. */
  readonly token: string;
  readonly label: string;
  readonly uses: DeviceKeyUses;
  readonly key:
    | Exclude<DeviceKeySpecification, { type: 'ec' }>
    | { readonly type: 'ec'; readonly parameters: string };
}

export type MakeKeyAnswer =
  /** The token makes no such keys; `reason` is one line. */
  | { readonly status: 'unsupported'; readonly reason: string }
  | { readonly status: 'done'; readonly publicKey: Readonly<Record<string, string>> | null };

export interface RemoveKeyRequest {
  readonly id: string;
  readonly token: string;
}

export interface RemoveKeyAnswer {
  /** Whether the key is of the token that is here; a key of another one stays. */
  readonly isOwn: boolean;
  /** Why the token has kept the key, in one line; null: it is gone. */
  readonly reason: string | null;
}

export interface UseKeyRequest {
  readonly id: string;
  readonly type: DeviceKeyType;
  readonly function: DeviceCall['function'];
  readonly mechanism: Readonly<Record<string, string | number | boolean>>;
}

export interface ListKeysRequest {
  readonly prefix: string;
  /** How many of the keys in the token are left out. */
  readonly from: number;
}

export interface ListedKeys {
  /** Keys that the token has; those with another label are not listed. */
  readonly total: number;
  /** How many of them this page and those before it have seen. */
  readonly next: number;
  readonly keys: readonly { readonly id: string; readonly label: string }[];
}

/** What became of a use, as the first byte of its answer. */
export const useStatuses = ['done', 'rejected', 'unsupported', 'missing'] as const;
export type UseStatus = (typeof useStatuses)[number];

export interface UseAnswer extends DeviceOutput {
  readonly status: UseStatus;
}

const none = new Uint8Array();

export function encodeMakeKey(
  request: Omit<MakeKeyRequest, 'key'> & { readonly key: DeviceKeySpecification },
): Uint8Array {
  const { key } = request;
  return encodeJson({
    ...request,
    key: key.type === 'ec' ? { type: 'ec', parameters: key.parameters.toHex() } : key,
  });
}

/** Returns u32 length ‖ JSON ‖ data. */
export function encodeUse(id: string, type: DeviceKeyType, call: DeviceCall, data: Uint8Array): Uint8Array {
  const mechanism = encodeMechanism(call.mechanism);
  const json = encodeJson({ id, type, function: call.function, mechanism } satisfies UseKeyRequest);
  const body = allocateSecretBytes(4 + json.length + data.length);
  new DataView(body.buffer).setUint32(0, json.length);
  body.set(json, 4);
  body.set(data, 4 + json.length);
  return body;
}

/**
 * Returns the request and a view of the data.
 * @throws {SyntaxError} or {RangeError} when the body is not possible
 */
export function decodeUse(body: Uint8Array): { readonly request: UseKeyRequest; readonly data: Uint8Array } {
  const end = 4 + new DataView(body.buffer, body.byteOffset, body.length).getUint32(0);
  if (end > body.length) throw new RangeError('a request is shorter than it says');
  return { request: decodeJson<UseKeyRequest>(body.subarray(4, end)), data: body.subarray(end) };
}

function encodeMechanism(mechanism: DeviceMechanism): UseKeyRequest['mechanism'] {
  const fields = Object.entries(mechanism).flatMap(([name, value]: [string, unknown]) =>
    value === undefined ? [] : [[name, value instanceof Uint8Array ? value.toHex() : value] as const],
  );
  return Object.fromEntries(fields) as UseKeyRequest['mechanism'];
}

/** Returns u8 status ‖ u8 length of the Initialization Vector ‖ that ‖ output. */
export function encodeUseAnswer({ status, iv = none, output }: UseAnswer): Uint8Array {
  const body = allocateSecretBytes(2 + iv.length + output.length);
  body[0] = useStatuses.indexOf(status);
  body[1] = iv.length;
  body.set(iv, 2);
  body.set(output, 2 + iv.length);
  return body;
}

/**
 * Returns the answer in memory of its own.
 * @throws {RangeError} when it is not possible
 */
export function decodeUseAnswer(body: Uint8Array): UseAnswer {
  const status = useStatuses[body[0] ?? useStatuses.length];
  const ivEnd = 2 + (body[1] ?? 0);
  if (status === undefined || ivEnd > body.length) throw new RangeError('an answer is not possible');
  const iv = ivEnd === 2 ? {} : { iv: body.slice(2, ivEnd) };
  return { status, ...iv, output: copySecret(body.subarray(ivEnd)) };
}
