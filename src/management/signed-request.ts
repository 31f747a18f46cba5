import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { concatBytes, joinBytes } from '../common/bytes.ts';

/** Requests that the private key of an administrator signs. */

/** What a signature binds a request to. */
export interface SignedRequest {
  /** Identity of the database, as `ServiceDescription.store`: a signature is of no use elsewhere. */
  readonly store: string;
  /** Random bytes that the server has made for the connection, in Base64. */
  readonly challenge: string;
  /** Number of the request on its connection, which grows. */
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

const label = 'kmipd management request 1';
const saltLength = 32;

/** Signs a request; the result is Base64. */
export function signCall(request: SignedRequest, key: KeyObject): string {
  const signature = sign(digestOf(key), toBytes(request), withPadding(key));
  return Uint8Array.from(signature).toBase64();
}

/** Whether a signature (Base64) is that of the key. */
export function isCallSigned(request: SignedRequest, key: KeyObject, signature: string): boolean {
  try {
    return verify(digestOf(key), toBytes(request), withPadding(key), Uint8Array.fromBase64(signature));
  } catch {
    return false;
  }
}

/** Ed25519 has a hash of its own. */
const digestOf = ({ asymmetricKeyType }: KeyObject) => (asymmetricKeyType === 'ed25519' ? null : 'sha256');

const withPadding = (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : { key };

function toBytes({ store, challenge, id, method, params }: SignedRequest): Uint8Array {
  const texts = [label, store, challenge, String(id), method, toCanonicalJson(params)];
  // Each with its length in front, so that no text can pass for a part of another.
  return concatBytes(texts.map((text) => joinBytes(new TextEncoder().encode(text), new Uint8Array())));
}

/** Returns JSON with the fields of every object sorted by name, and without those that are undefined. */
function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${toCanonicalJson(each)}`).join(',')}}`;
}
