import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestPlain,
} from 'node:http';
import { Agent as HttpsAgent, request as requestTls } from 'node:https';
import type { HttpSinkSettings } from '../../../common/audit-sink-settings.ts';
import { concatBytes } from '../../../common/bytes.ts';
import type { Secret } from '../../../common/secret.ts';
import type { SinkEvent } from '../formats/event.ts';
import { connectionFailure } from './connection-failure.ts';
import { readBearerToken, readSecureContext } from './credential-files.ts';
import { SinkDeliveryError, type SinkOutput } from './output.ts';

/** What an HTTP sink sends, and what it makes of a success. */
export interface HttpBody {
  readonly contentType: string;
  format(events: readonly SinkEvent[]): string;
  /** Returns what is wrong with the body of a response with status 2xx; undefined when all was taken. */
  findProblem(response: string): string | undefined;
}

/** Bytes of a response that are read; the rest is dropped with the connection. */
const maxResponseBytes = 65_536;
/** The longest delay that a server may ask for. */
const maxRetryMilliseconds = 300_000;

/**
 * Posts events over HTTPS. A response with status 2xx confirms them. Redirects are not followed, because they
 * would take records and token to another place.
 */
export class HttpOutput implements SinkOutput {
  readonly #settings: HttpSinkSettings;
  readonly #body: HttpBody;
  readonly #userAgent: string;
  /** The URL without its query, in which a key may stand. */
  readonly #peer: string;
  #agent: HttpAgent | HttpsAgent | undefined;
  #token: Secret | undefined;
  #mustReopen = false;

  constructor(settings: HttpSinkSettings, body: HttpBody, version: string) {
    this.#settings = settings;
    this.#body = body;
    this.#userAgent = `kmipd/${version}`;
    const { origin, pathname } = new URL(settings.url);
    this.#peer = `${origin}${pathname}`;
  }

  async send(events: readonly SinkEvent[], signal: AbortSignal): Promise<void> {
    const content = this.#body.format(events);
    if (this.#mustReopen) this.#reset();
    try {
      await this.#post(content, signal);
    } catch (error) {
      // Files with certificates and tokens may have been replaced.
      this.reopen();
      throw error;
    }
  }

  /** Every success is confirmed. */
  watchLoss(): void {}

  /** A request that is under way goes on. */
  reopen(): void {
    this.#mustReopen = true;
  }

  async close(): Promise<void> {
    this.#reset();
  }

  #reset(): void {
    this.#mustReopen = false;
    this.#agent?.destroy();
    this.#agent = undefined;
    this.#token?.wipe();
    this.#token = undefined;
  }

  async #post(content: string, signal: AbortSignal): Promise<void> {
    const peer = this.#peer;
    let response = await this.#exchange(content, signal);
    // A server that ends an idle connection may cross the next request (RFC 9112 §9.3.1).
    if (response === undefined) response = await this.#exchange(content, signal);
    if (response === undefined) throw new SinkDeliveryError(`${peer}: the server has closed the connection`);
    const { status, headers, text } = response;
    if (status >= 200 && status < 300) {
      const problem = this.#body.findProblem(text);
      if (problem !== undefined) throw new SinkDeliveryError(`${peer}: ${problem}`, { isBatchRefused: true });
      return;
    }
    const mayWait = status === 429 || status === 503;
    throw new SinkDeliveryError(`${peer}: the server answers ${status}${adviceFor(status)}`, {
      isBatchRefused: status === 413,
      retryMilliseconds: mayWait ? readRetryAfter(headers['retry-after'], Date.now()) : undefined,
    });
  }

  /** Resolves to undefined when a connection that was used before was closed without a response. */
  async #exchange(content: string, signal: AbortSignal): Promise<Response | undefined> {
    const request = this.#open(signal);
    try {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      request.on('response', resolve);
      request.on('error', reject);
      request.end(content);
      const response = await promise;
      const { statusCode: status = 0, headers } = response;
      return { status, headers, text: await readBody(response) };
    } catch (error) {
      if (request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET') return undefined;
      if (signal.aborted) throw new SinkDeliveryError(`${this.#peer}: the server does not answer`);
      throw connectionFailure(this.#peer, error);
    }
  }

  #open(signal: AbortSignal): ClientRequest {
    const { url, tokenFile } = this.#settings;
    if (tokenFile !== undefined) this.#token ??= readBearerToken(tokenFile);
    const options = {
      ...{ method: 'POST', signal },
      headers: {
        'Content-Type': this.#body.contentType,
        'User-Agent': this.#userAgent,
        ...(this.#token && { Authorization: `Bearer ${new TextDecoder().decode(this.#token.bytes)}` }),
      },
    };
    const kept = { keepAlive: true, maxSockets: 1 };
    if (!url.startsWith('https:'))
      return requestPlain(url, { ...options, agent: (this.#agent ??= new HttpAgent(kept)) as HttpAgent });
    this.#agent ??= new HttpsAgent({
      ...kept,
      rejectUnauthorized: true,
      secureContext: readSecureContext(this.#settings),
    });
    return requestTls(url, { ...options, agent: this.#agent as HttpsAgent });
  }
}

interface Response {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    pieces.push(piece);
    size += piece.length;
    // Leaving the loop destroys the response and its connection.
    if (size > maxResponseBytes) break;
  }
  return new TextDecoder().decode(concatBytes(pieces));
}

/** Statuses of which the operator is told what to do. */
const advice: Readonly<Record<number, string>> = {
  401: '; is the token in "tokenFile" valid?',
  403: '; is the token in "tokenFile" allowed to write there?',
  404: '; is the path of "url" right?',
};

function adviceFor(status: number): string {
  if (status >= 300 && status < 400) return '; redirects are not followed: name the new place as "url"';
  return advice[status] ?? '';
}

/** Reads seconds or a date (RFC 9110 §10.2.3) as milliseconds from `now`, within bounds. */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(milliseconds) ? undefined : Math.min(Math.max(milliseconds, 0), maxRetryMilliseconds);
}
