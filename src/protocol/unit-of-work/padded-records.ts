import { concatBytes } from '../../common/bytes.ts';
import { approvalKind } from '../../identity/approval.ts';
import { jobKinds } from '../../operations/asynchronous/jobs.ts';
import { applicationKind } from '../../operations/pkcs11/pkcs-11-application.ts';
import { wrappedValueKind } from '../../operations/transfer/wrapped-values.ts';

/**
 * Padding of records whose length would tell that of a secret, as the size of a box can be read:
 *
 *     1 (u8) | length (u32) | content | zeros to a multiple of 256 bytes
 *
 * Of older kmipds the content stands alone: it is TTLV or JSON, or begins with an overwritten payload, and
 * none of these begins with 1.
 */

/** Kinds of these records. */
export const paddedKinds: ReadonlySet<string> = new Set([
  // Requests and answers with the values of objects, and the ranges of the answers.
  jobKinds.message,
  jobKinds.answers,
  jobKinds.done,
  // Data that is being hashed.
  applicationKind,
  // Lengths of wrapped values, in decimal.
  wrappedValueKind,
  // The secret of a device for one-time passwords.
  approvalKind,
]);

const marker = 1;
const headBytes = 5;
/** Most passwords stay in one block, wherever in a message they stand; blocks of 64 bytes would part them. */
const blockBytes = 256;

/** Returns a padded copy of the content of a record of such a kind; the content itself of another one. */
export function padContent(kind: string, content: Uint8Array): Uint8Array {
  if (!paddedKinds.has(kind)) return content;
  const head = new Uint8Array(headBytes);
  head[0] = marker;
  new DataView(head.buffer).setUint32(1, content.length);
  const used = headBytes + content.length;
  return concatBytes([head, content, new Uint8Array(Math.ceil(used / blockBytes) * blockBytes - used)]);
}

/**
 * Returns a view of the content of a record, without padding if it has one.
 * @throws {RangeError} when the bytes end before the content does
 */
export function unpadContent(kind: string, bytes: Uint8Array): Uint8Array {
  if (!paddedKinds.has(kind) || bytes[0] !== marker) return bytes;
  const { buffer, byteOffset, length } = bytes;
  const end = headBytes + new DataView(buffer, byteOffset, length).getUint32(1);
  if (end > length) throw new RangeError('a length points beyond the bytes');
  return bytes.subarray(headBytes, end);
}
