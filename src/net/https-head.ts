import type { IncomingMessage } from 'node:http';
import type { Limits } from '../common/limits.ts';
import { type Encoding, encodings } from './https-encodings.ts';

/** Path of KMIP requests (KMIP Profiles 2.1 §5.3). */
const kmipPath = '/kmip';

const continueExpectation = '100-continue';

/** Form and bounds of a request's body, from its head. */
export interface BodyDescription {
  /** Media type of request and response, without parameters. */
  readonly mediaType: string;
  readonly encoding: Encoding;
  /** Bytes of the largest body accepted. */
  readonly maxBytes: number;
  /** Content-Length in bytes; undefined for a chunked body. */
  readonly length: number | undefined;
}

/** An HTTP error for which no body is read; `line` is the text of the response. */
export interface HttpError {
  readonly status: number;
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Checks everything but the body (RFC 9110, RFC 9112) and describes the body, or returns the error. */
export function readHead(request: IncomingMessage, limits: Limits): BodyDescription | HttpError {
  const { headers, method } = request;
  const ambiguity = findAmbiguity(request);
  if (ambiguity !== undefined) return { status: 400, line: ambiguity };
  if (parsePath(request.url ?? '') !== kmipPath) return { status: 404, line: `KMIP is at ${kmipPath}` };
  if (method !== 'POST') return { status: 405, line: 'only POST is allowed', headers: { Allow: 'POST' } };
  if ((headers.expect ?? continueExpectation).toLowerCase() !== continueExpectation)
    return { status: 417, line: `the only supported Expect is ${continueExpectation}` };
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
    return { status: 406, line: `the response would be ${described.mediaType}, which Accept excludes` };
  const chunked = headers['transfer-encoding'];
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (chunked === undefined && length === undefined)
    return { status: 411, line: 'Content-Length is missing' };
  const maxBytes = limits.requestBytes * encoding.expansion;
  return {
    mediaType: described.mediaType,
    encoding,
    maxBytes,
    length: chunked === undefined ? length : undefined,
  };
}

/** A host, with or without a port; also none (RFC 9110 §7.2). */
const hostForm = /^[^\s,/?#@\\]*$/;

/**
 * Returns in what the target or the end of a request is ambiguous, where Node's parser accepts it; a proxy in
 * front may have read it otherwise (RFC 9112 §3.2, §6.1, §6.3).
 */
function findAmbiguity({ headers, headersDistinct, httpVersionMinor }: IncomingMessage): string | undefined {
  const hosts = headersDistinct['host'] ?? [];
  if (httpVersionMinor > 0 && hosts.length === 0) return 'Host is missing';
  if (hosts.length > 1) return 'Host must occur once';
  if (!hosts.every((host) => hostForm.test(host))) return 'Host must be a host with or without a port';
  const coding = headers['transfer-encoding']?.toLowerCase();
  if (coding !== undefined && coding !== 'chunked') return 'Transfer-Encoding must be chunked';
  if (coding !== undefined && httpVersionMinor === 0) return 'HTTP/1.0 has no Transfer-Encoding';
  return undefined;
}

/** Path of a request target; `/kmip?x` and `https://host/kmip` (RFC 9112 §3.2.2) both give `/kmip`. */
function parsePath(target: string): string {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target).pathname : '';
  return target.split('?', 1)[0] ?? '';
}

/** Charsets that are UTF-8 or a subset; without a charset, UTF-8 applies. */
const utf8Charsets: ReadonlySet<string> = new Set(['', 'utf-8', 'utf8', 'us-ascii']);

function parseContentType(header = ''): { mediaType: string; charset: string } {
  const [mediaType = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length) ?? '';
  return { mediaType, charset: charset.replace(/^"(.*)"$/, '$1') };
}

/**
 * Whether an Accept header (RFC 9110 §12.5.1) allows a media type; the most specific matching range decides.
 */
function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const ranges = header.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  for (const wanted of [mediaType, mediaType.replace(/\/.*/, '/*'), '*/*']) {
    const range = ranges.find(([name]) => name === wanted);
    if (range !== undefined) return !range.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  }
  return false;
}
