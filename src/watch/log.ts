import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { DoorObserver, RequestObserver } from './observer.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
export type { Logger };

/** Longest text of a client's choosing that is written; the rest is cut. */
const longest = 256;

/** Refused handshakes written a second; beyond them only their number is, so that a flood cannot fill the disk. */
const refusalsPerSecond = 20;

/** JSON lines to standard output; coloured lines when that is a terminal. */
export function createLog(level: LogLevel): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return process.stdout.isTTY ? pino(options, pretty({ sync: true })) : pino(options);
}

/** A text that a client chose, as it may stand in a line of the log. */
export function capped(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

/**
 * Writes what happens. Every field is named here, one by one: nothing a request carries can reach the log in any other
 * way, so no key can.
 */
export function logRequests(log: Logger): RequestObserver {
  return {
    answered({ operation, version, result, reason, message, milliseconds, client, connection }) {
      if (!log.isLevelEnabled('debug')) return;
      log.debug({ operation, version, result, reason, message, milliseconds, client, connection }, 'request');
    },
    refused({ version, reason, message, client, connection }) {
      log.info({ version, reason, message, client, connection }, 'message refused');
    },
    unexpected({ error, reference, client, connection }) {
      const { name, stack } = error instanceof Error ? error : new Error('not an error');
      log.error({ reference, client, connection, error: name, stack }, 'request failed unexpectedly');
    },
  };
}

/** One line for each refused handshake, with its reason; connections that came and went at debug. */
export function logDoor(log: Logger, clock: () => number = Date.now): DoorObserver {
  let second = 0;
  let written = 0;
  let left = 0;
  const mayWrite = (): boolean => {
    const now = Math.floor(clock() / 1000);
    if (now !== second) {
      if (left > 0) log.warn({ refused: left }, 'more handshakes were refused than are written here');
      second = now;
      written = 0;
      left = 0;
    }
    if (++written <= refusalsPerSecond) return true;
    left++;
    return false;
  };
  return {
    connectionOpened({ client, connection, peer, protocol, resumed }) {
      log.debug({ client, connection, peer, protocol, resumed }, 'connection opened');
    },
    connectionClosed({ client, connection }) {
      log.debug({ client, connection }, 'connection closed');
    },
    connectionEnded({ client, reason }) {
      log.warn({ client, reason }, 'connection ended');
    },
    handshakeRefused({ reason, peer, level, fingerprint, client }) {
      if (level === 'debug') log.debug({ reason, peer }, 'handshake not finished');
      else if (mayWrite()) log.warn({ reason, peer, fingerprint, client }, 'handshake refused');
    },
    listenerFailed(error) {
      log.error({ error: error.message }, 'the listener failed');
    },
  };
}
