import type { TLSSocket } from 'node:tls';

/** How long a peer gets to close its side once everything is said. */
const maxCloseMilliseconds = 1_000;

/**
 * Says goodbye (close_notify) behind the last answer. A peer that does not read it within `writeMilliseconds`, or does not
 * answer the goodbye, is cut off.
 */
export function closeGracefully(socket: TLSSocket, writeMilliseconds: number): void {
  const unsent = setTimeout(() => socket.destroy(), writeMilliseconds);
  socket.once('close', () => clearTimeout(unsent));
  socket.end(() => setTimeout(() => socket.destroy(), maxCloseMilliseconds).unref());
}
