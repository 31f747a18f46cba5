import { randomUUID } from 'node:crypto';
import {
  encodeResponse,
  type RequestMessage,
  type ResponseHeaderFields,
  type ResponseItem,
  UnsupportedVersionError,
} from '../../../codec/envelope.ts';
import type { Version } from '../../../codec/version.ts';
import { WireError } from '../../../codec/wire-error.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { Conversation } from '../service.ts';

/** What messages come to: the bytes that go back, and what the observer hears of them. */
export class Responses {
  readonly #observer: RequestObserver;
  readonly #seconds: () => number;

  /** `seconds`: POSIX time. */
  constructor(observer: RequestObserver, seconds: () => number) {
    this.#observer = observer;
    this.#seconds = seconds;
  }

  /** The answer to a message that was played. */
  answer(
    { version, header }: RequestMessage,
    items: readonly ResponseItem[],
    serverHashedPassword: Uint8Array | undefined,
  ): Uint8Array {
    const clientCorrelationValue = header.ClientCorrelationValue;
    return this.#encode({ version, serverHashedPassword, clientCorrelationValue }, items);
  }

  /** The answer to a message that cannot be played at all: one item, without an operation. */
  refusal(version: Version, error: KmipError, conversation?: Conversation): Uint8Array {
    const reason = reasonFor(error, version);
    const { message } = error;
    this.#observer.refused({ version, reason, message, ...(conversation && senderOf(conversation)) });
    return this.#encode({ version }, [{ status: 'OperationFailed', reason, message }]);
  }

  /** Weather and bugs: the client gets a reference, the log gets the rest. */
  unexpected(error: unknown, who: { client: string; connection: string }): KmipError {
    const reference = randomUUID();
    this.#observer.requestFailed({ error, reference, ...who });
    return new KmipError('GeneralFailure', `the server could not do this now; reference ${reference}`);
  }

  /** Tells the observer of every item. */
  observe(
    version: Version,
    items: readonly ResponseItem[],
    who: { readonly client: string; readonly connection: string },
    milliseconds: number,
  ): void {
    for (const { operation, status, reason, message } of items) {
      this.#observer.answered({
        operation: typeof operation === 'string' ? operation : 'unknown',
        version,
        result: String(status),
        reason: reason === undefined ? undefined : String(reason),
        message,
        milliseconds,
        ...who,
      });
    }
  }

  /** What the client is told of an error that ended its whole message. */
  understood(error: unknown, conversation: Conversation): KmipError {
    if (error instanceof KmipError) return error;
    if (error instanceof UnsupportedVersionError)
      return new KmipError('UnsupportedProtocolVersion', error.message);
    if (error instanceof WireError)
      return new KmipError(error.kind === 'malformed' ? 'CodecError' : 'InvalidMessage', error.message);
    return this.unexpected(error, senderOf(conversation));
  }

  #encode(head: Omit<ResponseHeaderFields, 'timeStamp'>, items: readonly ResponseItem[]): Uint8Array {
    return encodeResponse({ ...head, timeStamp: this.#seconds() }, items);
  }
}

/** Who speaks on a connection, as the log names it. */
export function senderOf({ principal, connection }: Conversation): { client: string; connection: string } {
  return { client: principal.client, connection };
}

/** The same for work that is done after its answer. */
export function jobSender(client: string): { client: string; connection: string } {
  return { client, connection: 'job' };
}
