import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type HttpRequestRefusal, HttpsConnection } from './https-connection.ts';
import type { Transport } from './transport.ts';

/** Responses to bytes that Node's parser rejects, by error code. */
const statusByErrorCode: Readonly<Record<string, readonly [status: string, line: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the header is too large'],
};
const notHttp = ['400 Bad Request', 'not HTTP/1.1'] as const;

/**
 * Transport of KMIP in the bodies of `POST /kmip` (KMIP Profiles 1.4 §3, 2.1 §5.3). Node's HTTP server
 * receives the authenticated sockets of a listener and does not listen itself. `requestRefused` is notified
 * of requests that are refused because of HTTP, before a message is read.
 */
export function httpsTransport(requestRefused: (event: HttpRequestRefusal) => void = () => {}): Transport {
  const connections = new WeakMap<Socket, HttpsConnection>();
  const server = createServer({
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
    requireHostHeader: false,
  });
  // A client that has closed its side is answered; the option has no name in Node's types.
  Object.assign(server, { httpAllowHalfOpen: true });
  const createHandler = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) =>
    connections.get(request.socket)?.handleRequest(request, response, expectsContinue);
  server.on('request', createHandler(false));
  server.on('checkContinue', createHandler(true));
  server.on('checkExpectation', createHandler(false));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const [status, line] = statusByErrorCode[error.code ?? ''] ?? notHttp;
    if (error.code?.startsWith('HPE_')) connections.get(socket as Socket)?.refuseMalformed(status, line);
    else socket.destroy();
  });
  return {
    protocols: ['http/1.1', 'http/1.0'],
    prefix: 'https-',
    createConnection(options) {
      const connection = new HttpsConnection(options, server, requestRefused);
      connections.set(options.socket, connection);
      return connection;
    },
  };
}
