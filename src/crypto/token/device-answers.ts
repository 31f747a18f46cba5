import { TokenAnswerError } from '../token-device.ts';

/**
 * Returns the output of a token, whose length is known before.
 * @throws {TokenAnswerError} when it has another: it is overwritten, and no client gets it
 */
export function requireBytes(output: Uint8Array, bytes: number): Uint8Array {
  if (output.length === bytes) return output;
  output.fill(0);
  throw new TokenAnswerError(`the token has answered with ${output.length} bytes instead of ${bytes}`);
}
