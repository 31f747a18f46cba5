import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatAddress } from '../common/address.ts';
import type { RefusedHandshake } from '../watch/observer.ts';

interface Handshake {
  readonly socket: Socket;
  /** A socket forgets its peer when it is destroyed, which a failed handshake does before it is reported. */
  readonly peer: string;
  readonly deadline: NodeJS.Timeout;
  /** Whether its end has been reported, or is nothing to report. */
  isReported: boolean;
}

/**
 * Connections from the first packet of TCP until their client is known. Each has one deadline for all of that: Node's own
 * begins again with every byte, so a peer could take hours.
 */
export class Handshakes {
  readonly #milliseconds: number;
  readonly #handshakeRefused: (event: RefusedHandshake) => void;
  readonly #pending = new Set<Handshake>();
  readonly #bySocket = new WeakMap<Socket, Handshake>();

  constructor(milliseconds: number, handshakeRefused: (event: RefusedHandshake) => void) {
    this.#milliseconds = milliseconds;
    this.#handshakeRefused = handshakeRefused;
  }

  /** `socket`: the plain one, before TLS. */
  begin(socket: Socket): void {
    const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket;
    const onExpired = () => this.refuse(socket, { reason: 'the handshake took too long', level: 'warn' });
    const deadline = setTimeout(onExpired, this.#milliseconds);
    const handshake: Handshake = { socket, peer: formatAddress({ host, port }), deadline, isReported: false };
    this.#pending.add(handshake);
    this.#bySocket.set(socket, handshake);
    socket.on('close', () => {
      clearTimeout(deadline);
      this.#pending.delete(handshake);
    });
    // Without a listener an error before the one of the TLS socket would end the process.
    socket.on('error', () => socket.destroy());
  }

  /** The client is known, or nobody need hear of its end: no deadline any more. */
  end(socket: TLSSocket): void {
    const handshake = this.#find(socket);
    if (handshake !== undefined) this.#remove(handshake);
  }

  /** Turns the peer away and reports why, the first time. */
  refuse(socket: Socket, refusal: Omit<RefusedHandshake, 'peer'>): void {
    const handshake = this.#find(socket);
    if (handshake?.isReported !== true) this.#handshakeRefused({ ...refusal, peer: this.peerOf(socket) });
    if (handshake !== undefined) this.#remove(handshake);
    socket.destroy();
    handshake?.socket.destroy();
  }

  /** Ends all of them, unreported: the server is stopping. */
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

  /** A TLS socket stands on a plain one, which Node keeps under `_parent`; without it only the peer's name is lost. */
  #find(socket: Socket & { readonly _parent?: Socket | null }): Handshake | undefined {
    return this.#bySocket.get(socket._parent ?? socket);
  }

  #remove(handshake: Handshake): void {
    handshake.isReported = true;
    clearTimeout(handshake.deadline);
    this.#pending.delete(handshake);
  }
}
