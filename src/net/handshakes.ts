import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatAddress } from '../common/address.ts';
import type { RefusedHandshake } from '../watch/observer.ts';

interface Handshake {
  readonly socket: Socket;
  /**
   * Remote address as host:port, kept because a failed handshake destroys the socket before it is reported.
   */
  readonly peer: string;
  readonly deadline: NodeJS.Timeout;
  /** The end has been reported, or needs no report. */
  isReported: boolean;
}

/**
 * Connections between TCP accept and the authentication of their client. One deadline covers the whole
 * handshake: Node's own timeout restarts with every byte, so that a peer could take hours.
 */
export class Handshakes {
  readonly #milliseconds: number;
  readonly #handshakeRefused: (event: RefusedHandshake) => void;
  readonly #pending = new Set<Handshake>();
  readonly #bySocket = new WeakMap<Socket, Handshake>();

  /** `milliseconds` bound each handshake; `handshakeRefused` is notified once per failed handshake. */
  constructor(milliseconds: number, handshakeRefused: (event: RefusedHandshake) => void) {
    this.#milliseconds = milliseconds;
    this.#handshakeRefused = handshakeRefused;
  }

  /** Starts the deadline of a plain socket, before TLS. */
  begin(socket: Socket): void {
    const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket;
    const onExpired = () => this.refuse(socket, { reason: 'handshake timeout', level: 'warn' });
    const deadline = setTimeout(onExpired, this.#milliseconds);
    const handshake: Handshake = { socket, peer: formatAddress({ host, port }), deadline, isReported: false };
    this.#pending.add(handshake);
    this.#bySocket.set(socket, handshake);
    socket.on('close', () => {
      clearTimeout(deadline);
      this.#pending.delete(handshake);
    });
    // Without a listener, an error before the TLS socket exists would end the process.
    socket.on('error', () => socket.destroy());
  }

  /** Ends the deadline without a report: the client is authenticated, or the server is stopping. */
  end(socket: TLSSocket): void {
    const handshake = this.#find(socket);
    if (handshake !== undefined) this.#remove(handshake);
  }

  /** Destroys the connection and reports the reason, at most once per connection. */
  refuse(socket: Socket, refusal: Omit<RefusedHandshake, 'peer'>): void {
    const handshake = this.#find(socket);
    if (handshake?.isReported !== true) this.#handshakeRefused({ ...refusal, peer: this.peerOf(socket) });
    if (handshake !== undefined) this.#remove(handshake);
    socket.destroy();
    handshake?.socket.destroy();
  }

  /** Destroys all pending connections without a report, because the server is stopping. */
  abandon(): void {
    for (const handshake of this.#pending) {
      this.#remove(handshake);
      handshake.socket.destroy();
    }
  }

  /** Remote address as host:port. */
  peerOf(socket: Socket): string {
    return this.#find(socket)?.peer ?? 'unknown:0';
  }

  /**
   * A TLS socket has its plain socket in `_parent`, a private field of Node; without it only the peer is
   * unknown.
   */
  #find(socket: Socket & { readonly _parent?: Socket | null }): Handshake | undefined {
    return this.#bySocket.get(socket._parent ?? socket);
  }

  #remove(handshake: Handshake): void {
    handshake.isReported = true;
    clearTimeout(handshake.deadline);
    this.#pending.delete(handshake);
  }
}
