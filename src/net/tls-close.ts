import type { TLSSocket } from 'node:tls';

/** Time for the peer to close its side after the server has closed its own. */
const maxCloseMilliseconds = 1_000;

/**
 * Sends close_notify (RFC 8446 §6.1) after the last response. Destroys the socket when the peer does not read
 * within `writeMilliseconds`, or does not close its side afterwards.
 */
export function closeGracefully(socket: TLSSocket, writeMilliseconds: number): void {
  const unsent = setTimeout(() => socket.destroy(), writeMilliseconds);
  socket.once('close', () => clearTimeout(unsent));
  socket.end(() => setTimeout(() => socket.destroy(), maxCloseMilliseconds).unref());
}
