import type { IncomingMessage } from 'node:http';
import type { Limits } from '../common/limits.ts';
import { type Encoding, encodings } from './https-encodings.ts';

/** Where messages go (KMIP Profiles 2.1 §5.3). */
const kmipPath = '/kmip';

const continueExpectation = '100-continue';

/** What the head of a request says about its body. */
export interface BodyDescription {
  /** As the request has it, without parameters; the answer's is the same. */
  readonly mediaType: string;
  readonly encoding: Encoding;
  /** Bytes of the largest body accepted. */
  readonly maxBytes: number;
  /** Undefined: it comes in chunks. */
  readonly length: number | undefined;
}

/** A mistake in HTTP itself, so that no message is read. `line` tells the client in one line. */
export interface HttpError {
  readonly status: number;
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Looks at everything but the body (RFC 9110, RFC 9112). */
export function readHead(request: IncomingMessage, limits: Limits): BodyDescription | HttpError {
  const { headers, httpVersionMinor, method } = request;
  if (httpVersionMinor > 0 && headers.host === undefined) return { status: 400, line: 'there is no Host' };
  if (parsePath(request.url ?? '') !== kmipPath) return { status: 404, line: `KMIP is at ${kmipPath}` };
  if (method !== 'POST') return { status: 405, line: 'only POST', headers: { Allow: 'POST' } };
  if ((headers.expect ?? continueExpectation).toLowerCase() !== continueExpectation)
    return { status: 417, line: `the only Expect is ${continueExpectation}` };
  const described = parseContentType(headers['content-type']);
  const encoding = encodings.get(described.mediaType);
  if (encoding === undefined) {
    const known = [...encodings.keys()].join(', ');
    return { status: 415, line: `Content-Type must be one of ${known}`, headers: { Accept: known } };
  }
  if (!utf8Charsets.has(described.charset)) return { status: 415, line: 'the charset must be utf-8' };
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    return { status: 415, line: 'Content-Encoding must be identity' };
  if (!accepts(headers.accept, described.mediaType))
    return { status: 406, line: `the answer is ${described.mediaType}, which Accept does not have` };
  const chunked = headers['transfer-encoding'];
  if (chunked !== undefined && chunked.toLowerCase() !== 'chunked')
    return { status: 400, line: 'Transfer-Encoding must be chunked' };
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (chunked === undefined && length === undefined)
    return { status: 411, line: 'there is no Content-Length' };
  const maxBytes = limits.requestBytes * encoding.expansion;
  return {
    mediaType: described.mediaType,
    encoding,
    maxBytes,
    length: chunked === undefined ? length : undefined,
  };
}

/** `/kmip?x` and `https://host/kmip` (RFC 9112 §3.2.2) are `/kmip` too. */
function parsePath(target: string): string {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target).pathname : '';
  return target.split('?', 1)[0] ?? '';
}

/** Charsets that are UTF-8 or a part of it; none stands for it. */
const utf8Charsets: ReadonlySet<string> = new Set(['', 'utf-8', 'utf8', 'us-ascii']);

function parseContentType(header = ''): { mediaType: string; charset: string } {
  const [mediaType = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length) ?? '';
  return { mediaType, charset: charset.replace(/^"(.*)"$/, '$1') };
}

/** Whether Accept (RFC 9110 §12.5.1) has room for a media type: the narrowest range that fits decides. */
function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const ranges = header.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  for (const wanted of [mediaType, mediaType.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find(([name]) => name === wanted);
    if (range !== undefined) return !range.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  }
  return false;
}
