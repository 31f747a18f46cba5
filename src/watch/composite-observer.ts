import type { EndpointObserver, ListenerObserver, RequestObserver } from './observer.ts';

/** Returns an observer that passes every event of requests to `a` and then to `b`. */
export function combineRequestObservers(a: RequestObserver, b: RequestObserver): RequestObserver {
  return {
    answered(event) {
      a.answered(event);
      b.answered(event);
    },
    refused(event) {
      a.refused(event);
      b.refused(event);
    },
    authenticationFailed(event) {
      a.authenticationFailed(event);
      b.authenticationFailed(event);
    },
    permissionRefused(event) {
      a.permissionRefused(event);
      b.permissionRefused(event);
    },
    approvalAsked(event) {
      a.approvalAsked?.(event);
      b.approvalAsked?.(event);
    },
    attemptsExhausted(event) {
      a.attemptsExhausted(event);
      b.attemptsExhausted(event);
    },
    quotaExhausted(event) {
      a.quotaExhausted(event);
      b.quotaExhausted(event);
    },
    requestFailed(event) {
      a.requestFailed(event);
      b.requestFailed(event);
    },
  };
}

/** Returns an observer that passes every event of the listener to `a` and then to `b`. */
export function combineListenerObservers(a: ListenerObserver, b: ListenerObserver): ListenerObserver {
  return {
    connectionOpened(event) {
      a.connectionOpened(event);
      b.connectionOpened(event);
    },
    connectionClosed(event) {
      a.connectionClosed(event);
      b.connectionClosed(event);
    },
    connectionEnded(event) {
      a.connectionEnded(event);
      b.connectionEnded(event);
    },
    handshakeRefused(event) {
      a.handshakeRefused(event);
      b.handshakeRefused(event);
    },
    listenerFailed(event) {
      a.listenerFailed(event);
      b.listenerFailed(event);
    },
  };
}

/** Returns an observer that passes every event of the server's own requests to `a` and then to `b`. */
export function combineEndpointObservers(a: EndpointObserver, b: EndpointObserver): EndpointObserver {
  return {
    endpointReady(event) {
      a.endpointReady(event);
      b.endpointReady(event);
    },
    requestAnswered(event) {
      a.requestAnswered(event);
      b.requestAnswered(event);
    },
    changesDropped(event) {
      a.changesDropped(event);
      b.changesDropped(event);
    },
    unreachable(event) {
      a.unreachable(event);
      b.unreachable(event);
    },
    failed(event) {
      a.failed(event);
      b.failed(event);
    },
  };
}
