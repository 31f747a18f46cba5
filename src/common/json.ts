/** Content of records beside objects: JSON in UTF-8. Only this server writes and reads it. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes a value as JSON in UTF-8. */
export function writeJson(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/**
 * Decodes JSON in UTF-8 without checking that it is a `T`: the vault authenticates records, so the content is
 * what this server wrote.
 *
 * @throws {SyntaxError} when the content is not JSON.
 */
export function readJson<T extends object>(content: Uint8Array): T {
  return JSON.parse(decoder.decode(content)) as T;
}
