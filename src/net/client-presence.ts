import type { Duplex } from 'node:stream';

/**
 * How long a client that has closed its side is taken to wait for its answer. Most clients close their side
 * when they leave; a few do so after their last request.
 */
const halfOpenMilliseconds = 2_000;

/**
 * Watches a socket and returns a function that tells whether its client may still read an answer. `now`:
 * milliseconds of a clock that does not go back.
 */
export function watchClient(
  socket: Pick<Duplex, 'once' | 'destroyed'>,
  now: () => number = () => performance.now(),
): () => boolean {
  let endedAt = Number.POSITIVE_INFINITY;
  socket.once('end', () => {
    endedAt = now();
  });
  return () => !socket.destroyed && now() <= endedAt + halfOpenMilliseconds;
}
