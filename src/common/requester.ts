import { AsyncLocalStorage } from 'node:async_hooks';

/** For whom work is done. */
export interface Requester {
  /** Everything that one account asks for waits in one line; accounts take turns. */
  readonly account: string;
  /** Whether somebody may still wait for the result. */
  isWaiting(): boolean;
  /**
   * Whether the client has closed its own side of the connection: it has left in most cases, and reads an
   * answer still in some.
   */
  hasEnded?(): boolean;
}

/** The requester of work that no client has asked for. */
const serverItself: Requester = { account: '', isWaiting: () => true };

const requesters = new AsyncLocalStorage<Requester>();

/** Runs `work`, within which `currentRequester` returns `requester`. */
export function runFor<T>(requester: Requester, work: () => T): T {
  return requesters.run(requester, work);
}

/** Returns for whom the running work is done; the server itself outside of `runFor`. */
export function currentRequester(): Requester {
  return requesters.getStore() ?? serverItself;
}

/** The client has left before work for it began. */
export class RequesterGoneError extends Error {
  override readonly name = 'RequesterGoneError';
  readonly code = 'REQUESTER_GONE';
}
