import type { ManagedToken, ManagedTokens } from '../management/api.ts';
import type { Logger } from '../watch/log.ts';

/** Of whom a token has keys. */
type TokenUse = 'of the root' | 'of keys';

/** Returns what logs why calls to a token failed that is up, each reason once. */
export function reportTokenFailures(log: Pick<Logger, 'warn'>, what: TokenUse): (reason: string) => void {
  const reported = new Set<string>();
  return (reason) => {
    if (!reported.has(reason)) log.warn({ reason }, `a call to the token ${what} failed`);
    reported.add(reason);
  };
}

/**
 * Returns what logs each change of the state of a token. While it is down, each reason is
 * logged once, because the attempts go on.
 */
export function reportTokens(
  log: Pick<Logger, 'info' | 'warn'>,
  what: TokenUse = 'of the root',
): (token: ManagedToken) => void {
  const states = new Map<string, ManagedToken['state']>();
  const reasons = new Set<string>();
  return ({ uri, state, reason }) => {
    const key = JSON.stringify([uri, state, reason]);
    if (states.get(uri) !== state && state === 'up') reasons.clear();
    const isKnown = states.get(uri) === state && (reason === '' || reasons.has(key));
    states.set(uri, state);
    if (isKnown) return;
    reasons.add(key);
    const name = uri.split('?', 1)[0] ?? '';
    if (state === 'up') log.info(`the token ${what} is up: ${name}`);
    else if (state === 'idle') log.info(`kmipd has logged out of the token ${what}, which was idle: ${name}`);
    else if (state === 'down') log.warn(`the token ${what} is down and tried again: ${name}: ${reason}`);
    else log.warn(`the token ${what} has refused the login: ${name}: ${reason}`);
  };
}

/**
 * Whether each token could be used when it was last, or is watched and is there; undefined where nothing is
 * in a token.
 */
export function areUp(tokens: Pick<ManagedTokens, 'list'>): boolean | undefined {
  const list = tokens.list();
  return list.length === 0 ? undefined : list.every(({ state }) => state === 'up' || state === 'idle');
}

/** Returns what follows the reason of a sealed vault for everybody: without names, places and causes. */
export function describeTokens(tokens: Pick<ManagedTokens, 'list'>): string {
  const states = new Set(tokens.list().map(({ state }) => state));
  if (states.has('refused')) return '; its token refuses the login until an operator asks for another one';
  return states.has('down') ? '; its token is down' : '';
}
