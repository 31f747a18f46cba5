import type { TLSSocket } from 'node:tls';
import type { Conversation } from '../protocol/service.ts';
import { Connection, type ConnectionOptions } from './connection.ts';

/** An authenticated connection: plain TTLV, or TTLV, XML and JSON within HTTP. */
export interface ProtocolConnection {
  readonly socket: TLSSocket;
  /** Replaced when the client's directory entry changes; applies from the next message on. */
  conversation: Conversation;
  /** Ends the connection at the next message boundary. */
  finish(): void;
}

/** The protocol that a listener offers above TLS. */
export interface Transport {
  /** ALPN protocol names (RFC 7301); none for plain TTLV. */
  readonly protocols: readonly string[];
  /** Prefix of connection ids, which distinguishes the listeners in logs. */
  readonly prefix: string;
  /** Starts the protocol on an authenticated socket. */
  createConnection(options: ConnectionOptions): ProtocolConnection;
}

/**
 * Transport of plain TTLV. `endpoints` serve exchanged roles; without them, clients cannot exchange the
 * roles.
 */
export function ttlvTransport(endpoints?: ConnectionOptions['endpoints']): Transport {
  return {
    protocols: [],
    prefix: '',
    createConnection: (options) => new Connection({ ...options, endpoints }),
  };
}
