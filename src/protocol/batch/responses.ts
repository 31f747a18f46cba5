import { randomUUID } from 'node:crypto';
import {
  encodeResponse,
  type RequestMessage,
  type ResponseHeaderFields,
  type ResponseItem,
  UnsupportedVersionError,
} from '../../../codec/envelope.ts';
import type { RequestOutline } from '../../../codec/request-outline.ts';
import type { Version } from '../../../codec/version.ts';
import { WireError } from '../../../codec/wire-error.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import { ValueTokenUnavailableError } from '../../vault/value-errors.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { Conversation } from '../service.ts';
import { asRefusal } from './failure.ts';

/** Client, connection and remote address, as the log names them. */
interface Sender {
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port; undefined for a job. */
  readonly peer?: string | undefined;
}

/** The outline of bytes that are no message. */
const unread: RequestOutline = { clientCorrelationValue: undefined, items: [] };

/** Encodes responses, and reports every answer and failure to the observer. */
export class Responses {
  readonly #observer: RequestObserver;
  readonly #now: () => number;

  /** `now`: POSIX seconds, for the time stamp of responses. */
  constructor(observer: RequestObserver, now: () => number) {
    this.#observer = observer;
    this.#now = now;
  }

  /** Encodes the response to a message that was executed, with the answers of its items. */
  encode(
    { version, header }: RequestMessage,
    items: readonly ResponseItem[],
    serverHashedPassword: Uint8Array | undefined,
  ): Uint8Array {
    const clientCorrelationValue = header.ClientCorrelationValue;
    return this.#write({ version, serverHashedPassword, clientCorrelationValue }, items);
  }

  /**
   * Encodes the response to a message that is refused as a whole: the same failure for each item that could
   * be read, or one item without an operation.
   */
  refusal(
    version: Version,
    error: KmipError,
    conversation: Conversation,
    { items, clientCorrelationValue }: RequestOutline = unread,
  ): Uint8Array {
    const reason = reasonFor(error, version);
    const { message } = error;
    this.#observer.refused({ version, reason, message, ...senderOf(conversation) });
    const heads = items.length === 0 ? [{}] : items;
    const answers = heads.map((head) => ({ ...head, status: 'OperationFailed', reason, message }) as const);
    return this.#write({ version, clientCorrelationValue }, answers);
  }

  /**
   * Logs a transient failure or a bug; the returned error for the client carries only the reference of the
   * log entry.
   */
  unexpected(error: unknown, sender: Sender): KmipError {
    const reference = randomUUID();
    this.#observer.requestFailed({ error, reference, ...sender });
    return new KmipError('GeneralFailure', `the server could not do this now; reference ${reference}`);
  }

  /** Notifies the observer of every item. `milliseconds`: duration of the whole message. */
  observe(version: Version, items: readonly ResponseItem[], sender: Sender, milliseconds: number): void {
    for (const { operation, status, reason, message } of items) {
      this.#observer.answered({
        operation: typeof operation === 'string' ? operation : 'unknown',
        version,
        result: String(status),
        reason: reason === undefined ? undefined : String(reason),
        message,
        milliseconds,
        ...sender,
      });
    }
  }

  /** Translates an error that ended a whole message into the error that the client gets. */
  asKmipError(error: unknown, conversation: Conversation): KmipError {
    if (error instanceof KmipError) return error;
    if (error instanceof UnsupportedVersionError)
      return new KmipError('UnsupportedProtocolVersion', error.message);
    if (error instanceof WireError)
      return new KmipError(error.kind === 'malformed' ? 'CodecError' : 'InvalidMessage', error.message);
    // A commit seals new values.
    const refusal = error instanceof ValueTokenUnavailableError ? asRefusal(error) : undefined;
    return refusal ?? this.unexpected(error, senderOf(conversation));
  }

  #write(head: Omit<ResponseHeaderFields, 'timeStamp'>, items: readonly ResponseItem[]): Uint8Array {
    return encodeResponse({ ...head, timeStamp: this.#now() }, items);
  }
}

/** Names the client, the connection and the remote address of a conversation for the log. */
export function senderOf({ principal, connection, peer }: Conversation): Sender {
  return { client: principal.client, connection, peer };
}

/** Names the client of a job for the log; a job has no connection. */
export function jobSender(client: string): Sender {
  return { client, connection: 'job' };
}
