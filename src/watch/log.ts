import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import { escapeUnprintable } from '../../codec/unprintable.ts';
import { describeCauses, describeError } from './error-text.ts';
import { LogOutput } from './log-output.ts';
import type { EndpointObserver, ListenerObserver, RequestObserver } from './observer.ts';
import { RepeatedLines } from './repeated-lines.ts';

/** Lowest level that is written. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/**
 * Fields of a line. A field that the table below does not list would not be written, so it does not compile.
 */
type Line<F> = F & { readonly [Name in Exclude<keyof F, keyof typeof fields>]: never };

/** Writes a message, with fields before it or alone. */
interface Write {
  (message: string): void;
  <F extends object>(fields: Line<F>, message: string): void;
}

/** The log of the daemon. */
export interface Logger {
  level: string;
  isLevelEnabled(level: LogLevel): boolean;
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
}

/** UTF-16 units of a field or message; longer text is truncated. */
const maxLength = 256;

/**
 * Refusals of one kind that are logged per second; more are only counted, so that a flood cannot fill the
 * disk.
 */
const maxRefusalsPerSecond = 20;

/**
 * Creates the log: JSON lines to `stream` or standard output, coloured lines when that is a terminal. Only
 * the fields of the table below are written, so that no request, attribute value or key can reach the log.
 */
export function createLog(level: LogLevel, stream?: DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: selectFields },
    hooks: {
      logMethod(args, method) {
        method.apply(this, toLine(args));
      },
    },
  };
  if (stream !== undefined) return pino(options, stream);
  if (process.stdout.isTTY) return pino(options, pretty({ sync: true }));
  const output = new LogOutput();
  process.once('exit', () => output.flush());
  return pino(options, output);
}

type LineArguments = [fields: object, message: string];

/**
 * Converts the arguments of a log call. Unlike pino: no `%s`, and an error alone does not become the message.
 */
function toLine(args: readonly unknown[]): LineArguments {
  const [first, second] = args;
  if (typeof first === 'string') return [{}, truncate(first)];
  const message = typeof second === 'string' ? truncate(second) : '';
  return [first instanceof Error ? { error: first } : ((first ?? {}) as object), message];
}

const date = (value: unknown) => (value instanceof Date ? value.toISOString() : typeof value);
const flag = (value: unknown) => value === true;
const number = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) ? Math.round(value * 1000) / 1000 : typeof value;
const text = (value: unknown) => (typeof value === 'string' ? truncate(value) : typeof value);
const texts = (value: unknown) => (Array.isArray(value) ? value.slice(0, 32).map(text) : typeof value);

/** The fields that a line may have, each with its conversion. */
const fields = {
  address: text,
  approval: text,
  before: text,
  by: text,
  chain: text,
  changes: number,
  client: text,
  connection: text,
  connections: number,
  ends: date,
  entries: number,
  error: (value) => toErrorText(value instanceof Error ? describeError(value) : value),
  file: text,
  fingerprint: text,
  from: number,
  issuers: texts,
  keys: texts,
  message: text,
  lines: number,
  lost: number,
  milliseconds: number,
  nodes: text,
  object: text,
  operation: text,
  operations: texts,
  peer: text,
  probablyMeant: text,
  protocol: text,
  reason: text,
  reference: text,
  refused: number,
  result: text,
  resumed: flag,
  role: text,
  row: text,
  signal: text,
  since: date,
  sink: text,
  subject: text,
  table: text,
  to: number,
  vendor: text,
  version: text,
} satisfies Readonly<Record<string, (value: unknown) => unknown>>;

function selectFields(line: Record<string, unknown>): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(line)) {
    const write = Object.hasOwn(fields, name) ? fields[name as keyof typeof fields] : undefined;
    if (write !== undefined && value !== undefined) written[name] = write(value);
  }
  const causes = describeCauses(line['error']);
  return causes === undefined ? written : { ...written, causes: causes.map(toErrorText) };
}

/** Converts the result of `describeError`, or a plain message. */
function toErrorText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return text(value);
  const { name, code, message, at } = value as Record<string, unknown>;
  return {
    name: text(name),
    ...(code === undefined ? {} : { code: text(code) }),
    message: text(message),
    ...(at === undefined ? {} : { at: texts(at) }),
  };
}

/** Truncates a text that a client chose and escapes its unprintable characters. */
export function truncate(text: string): string {
  const cut = text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
  return escapeUnprintable(cut);
}

/**
 * Logs batch items at debug, refused messages at info, missing permissions, failed authentication and
 * requests for an approval at warn, internal errors at error.
 */
export function logRequests(log: Logger, clock: () => number = Date.now): RequestObserver {
  const mayWrite = limitRefusals(log, 'further failed authentications are not listed', clock);
  const [refusedPermissions, exhaustedQuotas] = [new RepeatedLines(clock), new RepeatedLines(clock)];
  return {
    answered({ operation, version, result, reason, message, milliseconds, client, connection }) {
      if (!log.isLevelEnabled('debug')) return;
      log.debug(
        { operation, version, result, reason, message, milliseconds, client, connection },
        'batch item answered',
      );
    },
    refused({ version, reason, message, client, connection, peer }) {
      log.info({ version, reason, message, client, connection, peer }, 'message refused');
    },
    authenticationFailed({ reason, client, connection, peer }) {
      if (mayWrite()) log.warn({ reason, client, connection, peer }, 'authentication failed');
    },
    permissionRefused({ client, role, operation, connection }) {
      const refused = refusedPermissions.take(`${client}\n${operation}`);
      if (refused === undefined) return;
      log.warn({ client, role, operation, connection, refused }, 'the role of the client lacks a permission');
    },
    approvalAsked({ client, role, approval, operations }) {
      log.warn(
        { client, role, approval, operations },
        'a client waits for the approval of an administrator: see kmipd approval list',
      );
    },
    attemptsExhausted({ client, object }) {
      if (mayWrite())
        log.warn(
          { client, object: truncate(object) },
          'too many failed decryptions: key refused for a minute',
        );
    },
    quotaExhausted({ client }) {
      const refused = exhaustedQuotas.take(client);
      if (refused === undefined) return;
      log.warn({ client, refused }, 'the group of the client has as many objects as its quota allows');
    },
    requestFailed({ error, reference, client, connection, peer }) {
      log.error({ reference, client, connection, peer, error }, 'request failed unexpectedly');
    },
  };
}

/**
 * Returns a function that says whether one more refusal may be logged; `text` reports the number of others.
 */
function limitRefusals(log: Logger, text: string, clock: () => number): () => boolean {
  let second = 0;
  let written = 0;
  let suppressed = 0;
  return () => {
    const now = Math.floor(clock() / 1000);
    if (now !== second) {
      if (suppressed > 0) log.warn({ refused: suppressed }, text);
      second = now;
      written = 0;
      suppressed = 0;
    }
    if (++written <= maxRefusalsPerSecond) return true;
    suppressed++;
    return false;
  };
}

/** Logs refused handshakes and ended connections at warn, opened and closed connections at debug. */
export function logListener(log: Logger, clock: () => number = Date.now): ListenerObserver {
  const mayWrite = limitRefusals(log, 'further refused handshakes are not listed', clock);
  return {
    connectionOpened({ client, connection, peer, protocol, resumed }) {
      log.debug({ client, connection, peer, protocol, resumed }, 'connection opened');
    },
    connectionClosed({ client, connection }) {
      log.debug({ client, connection }, 'connection closed');
    },
    connectionEnded({ client, connection, peer, reason, error }) {
      log.warn({ client, connection, peer, reason, error }, 'connection ended');
    },
    handshakeRefused({ reason, peer, level, fingerprint, client, subject, message }) {
      if (level === 'debug') log.debug({ reason, peer }, 'handshake not completed');
      else if (mayWrite())
        log.warn({ reason, peer, fingerprint, client, subject, message }, 'handshake refused');
    },
    listenerFailed(error) {
      log.error({ error }, 'listener failed');
    },
  };
}

/**
 * Logs clients that accept requests at info, each request at debug, dropped changes and failed attempts at
 * warn.
 */
export function logEndpoints(log: Logger): EndpointObserver {
  return {
    endpointReady({ client, connection, version, vendor, operations }) {
      log.info({ client, connection, version, vendor, operations }, 'client accepts requests of the server');
    },
    requestAnswered({ client, connection, operation, version, result, reason, milliseconds }) {
      log.debug(
        { client, connection, operation, version, result, reason, milliseconds },
        'client answered a request of the server',
      );
    },
    changesDropped({ client, connection, changes }) {
      log.warn({ client, connection, changes }, 'too many changes wait for a client: the oldest are dropped');
    },
    unreachable({ client, peer, reason, milliseconds }) {
      log.warn({ client, peer, reason, milliseconds }, 'client unreachable; another attempt follows');
    },
    failed({ client, connection, error }) {
      log.error({ client, connection, error }, 'client could not be notified of a change');
    },
  };
}
