import type { Metrics } from './metrics.ts';
import type { DoorObserver, RequestObserver } from './observer.ts';

/** Counts what happens to requests. */
export function countRequests(metrics: Metrics): RequestObserver {
  return {
    answered: ({ operation, version, result, milliseconds }) =>
      metrics.request(operation, version, result, milliseconds / 1000),
    refused: ({ reason }) => metrics.decodeError(reason),
    unexpected: () => metrics.unexpectedFailure(),
  };
}

/** Counts what happens at the door. */
export function countDoor(metrics: Metrics): DoorObserver {
  return {
    connectionOpened: ({ resumed }) => metrics.handshake(resumed),
    connectionClosed: () => {},
    connectionEnded: () => {},
    handshakeRefused: ({ reason }) => metrics.handshakeRefused(reason),
    listenerFailed: () => {},
  };
}
