import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** Whether the daemon can serve requests; `reason` is one line for the operator. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** Settings of the HTTP server for metrics and health checks. */
export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  ready(): Promise<Readiness>;
}

const maxRequestMilliseconds = 5_000;
/** A readiness check that takes longer counts as failed, because orchestrators have given up by then. */
const maxReadyMilliseconds = 2_000;

/**
 * Serves `/metrics`, `/livez` and `/readyz`; resolves with the bound address. Bind the server to loopback or
 * a management network, because it does not authenticate clients. Rejects with the system's error.
 */
export async function startHttpServer(
  options: HttpOptions,
): Promise<{ server: Server; host: string; port: number }> {
  const server = createServer(
    {
      requestTimeout: maxRequestMilliseconds,
      headersTimeout: maxRequestMilliseconds,
      // Node's default checks for late requests only every 30 s.
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: maxRequestMilliseconds,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      request.resume();
      if (request.method !== 'GET') return send(response, 405, 'only GET is allowed\n');
      answer(request.url ?? '', response, options).catch(() => send(response, 500, 'failed\n'));
    },
  );
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return { server, host: address, port };
}

async function answer(
  path: string,
  response: ServerResponse,
  { registry, ready }: HttpOptions,
): Promise<void> {
  switch (path) {
    case '/metrics':
      return send(response, 200, await registry.metrics(), registry.contentType);
    case '/livez':
      return send(response, 200, 'alive\n');
    case '/readyz': {
      const state = await withDeadline(ready());
      return state.ready
        ? send(response, 200, 'ready\n')
        : send(response, 503, `not ready: ${state.reason}\n`);
    }
    default:
      send(response, 404, 'available: /metrics, /livez and /readyz\n');
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(text);
}

async function withDeadline(state: Promise<Readiness>): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    const answer = { ready: false, reason: 'the checks take too long' } as const;
    timer = setTimeout(() => resolve(answer), maxReadyMilliseconds);
  });
  return Promise.race([state, late]).finally(() => clearTimeout(timer));
}
