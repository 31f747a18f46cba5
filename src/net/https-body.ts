import type { IncomingMessage } from 'node:http';
import type { BodyDescription, HttpError } from './https-head.ts';

/** `CONNECTION_GONE`: the client closed the connection in the middle of a request. */
export class ConnectionGoneError extends Error {
  override readonly name = 'ConnectionGoneError';
  readonly code = 'CONNECTION_GONE';
}

/** A response whose body is complete. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body may contain a key and is wiped after sending. */
  readonly secret: boolean;
}

/** Makes the response to a request that was refused because of HTTP. */
export function toErrorResponse({ status, line, headers }: HttpError): HttpResponse {
  const body = Buffer.from(`${line}\n`);
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    body,
    secret: false,
  };
}

/** Encodes a TTLV response for the request's media type; wipes the TTLV form when the encoding copies it. */
export function toMessageResponse(
  { mediaType, encoding }: BodyDescription,
  answer: Uint8Array,
  status: number,
): HttpResponse {
  const body = encoding.fromTtlv(answer);
  if (body !== answer) answer.fill(0);
  return { status, headers: { 'Content-Type': mediaType }, body, secret: true };
}

/**
 * First size of a body's buffer without Content-Length, and the largest size allocated before bytes arrive.
 */
const initialBodyBytes = 4_096;
const maxInitialBodyBytes = 65_536;

/**
 * Reads a request's body into one buffer; resolves with undefined when the body exceeds `maxBytes`.
 *
 * @throws {ConnectionGoneError} when the connection closes before the body is complete.
 */
export function readBody(
  request: IncomingMessage,
  { length, maxBytes }: BodyDescription,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let body = new Uint8Array(Math.min(length ?? initialBodyBytes, maxInitialBodyBytes));
    let filled = 0;
    request.on('data', (chunk: Buffer) => {
      if (filled + chunk.length > maxBytes) {
        request.removeAllListeners('data');
        return resolve(undefined);
      }
      if (filled + chunk.length > body.length) {
        const larger = new Uint8Array(Math.min(length ?? maxBytes, 2 * (filled + chunk.length)));
        larger.set(body.subarray(0, filled));
        body = larger;
      }
      body.set(chunk, filled);
      filled += chunk.length;
    });
    request.once('end', () => resolve(body.subarray(0, filled)));
    request.once('close', () => reject(new ConnectionGoneError()));
  });
}
