import { createHmac } from 'node:crypto';
import { copyPlainData } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { type Authorisation, accountOf, type Principal } from '../../identity/principal.ts';
import type { MultiPart, MultiPartSpec, RenewedAccess } from '../../operations/context.ts';
import { authorityOf } from '../../operations/enrolment.ts';
import { StreamAccounts, type StreamUse } from './stream-accounts.ts';

/**
 * A stream that waits for its next part. It holds a key, so it is dropped with the first error and after a
 * while. It refers to nothing of the requests that it came with.
 */
interface Stream {
  /** Group, client, bearer and ticket of the first part; later parts have to show the same. */
  readonly sender: string;
  /** The enrolment and the ticket that authorised the first part. */
  readonly authority: Authorisation;
  readonly use: StreamUse;
  readonly operation: string;
  readonly object: string | undefined;
  /** Correlation Value. */
  readonly value: Uint8Array;
  /** State of the operation, as its `start` returned it. */
  readonly state: unknown;
  /** Milliseconds since 1970 from which on the stream is gone, whatever comes. */
  readonly ends: number;
  /** Milliseconds since 1970 from which on the stream is gone unless a part with data comes before. */
  expires: number;
  /** The message whose parts are not confirmed; only this message may continue the stream. */
  message: object;
  /** Items of that message whose part the stream has taken and whose message has not committed. */
  readonly unconfirmed: Set<object>;
}

/** The result of one step, and the stream that it has left for further parts. */
interface Step {
  readonly answer: object;
  readonly stream: Stream | undefined;
}

/** The batch item that a port belongs to. */
export interface PartItem {
  /** The same object in every attempt at the message. */
  readonly item: object;
  /**
   * The same object in every attempt, for all items of the message. Streams keep it, so it refers to nothing
   * of the message.
   */
  readonly message: object;
  readonly principal: Principal;
  /** Asks anew whether what lasts is authorised. */
  readonly access: RenewedAccess;
  /** Runs the effect after the commit if the item was kept. */
  afterCommit(effect: () => void): void;
}

const valueBytes = 16;

/**
 * Cryptographic operations on data that comes in parts (KMIP 1.3 on, "Correlation Value"). The state of a
 * cipher cannot be stored, so it stays in this process: after a restart, clients are told that the
 * Correlation Value is unknown.
 *
 * A client with one stream at a time gets the same value for each, as the test cases have it (TC-STREAM-ENC-1
 * names all its streams by one value). Other clients cannot guess the value, and a part has to name operation
 * and key of its stream.
 *
 * A stream continues only from parts whose items were answered with success. Bytes cannot be taken back out
 * of a cipher, so a part whose item failed, was undone or could not be committed ends its stream: otherwise
 * the client would go on with a key whose use was not counted.
 */
export class MultiPartOperations {
  /** By Correlation Value. */
  readonly #waiting = new Map<string, Stream>();
  /** The results of each item's steps: another attempt at a message must not feed its data twice. */
  readonly #done = new WeakMap<object, Promise<Step>[]>();
  /** The streams that wait with unconfirmed parts, by their message. */
  readonly #unconfirmed = new WeakMap<object, Set<Stream>>();
  readonly #accounts: StreamAccounts;
  /** Milliseconds since 1970 before which no waiting stream expires. */
  #nextExpiry = Infinity;
  #isClosed = false;
  readonly #secret: Uint8Array;
  readonly #options: {
    readonly limits: Limits;
    readonly random: CryptoProvider['random'];
    readonly clock: () => number;
  };

  constructor(options: { limits: Limits; random: CryptoProvider['random']; clock: () => number }) {
    this.#options = options;
    this.#accounts = new StreamAccounts(options.limits);
    this.#secret = options.random(32);
  }

  /** Returns the port for one attempt at a batch item. */
  forItem(of: PartItem): MultiPart {
    let steps = 0;
    return {
      take: async (spec, step) => {
        const number = steps;
        steps += 1;
        const { answer, stream } = await this.#once(of.item, number, () =>
          this.#step(of, spec, step as never),
        );
        if (stream !== undefined) of.afterCommit(() => stream.unconfirmed.delete(of.item));
        return answer as never;
      },
    };
  }

  /** Ends the streams with parts of a message that are not confirmed; to be called when it is answered. */
  settle(message: object): void {
    for (const stream of this.#unconfirmed.get(message) ?? []) {
      if (stream.unconfirmed.size > 0) this.#end(stream);
    }
    this.#unconfirmed.delete(message);
  }

  /** Ends the streams whose time is over; to be called every few seconds, so that their keys do not stay. */
  dropExpired(): void {
    const now = this.#options.clock();
    if (now < this.#nextExpiry) return;
    this.#nextExpiry = Infinity;
    for (const stream of this.#waiting.values()) {
      if (stream.expires <= now) this.#end(stream);
      else this.#nextExpiry = Math.min(this.#nextExpiry, stream.expires);
    }
  }

  /** Ends all streams; later parts are refused. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#waiting.values()) this.#end(stream);
  }

  #once(item: object, number: number, run: () => Promise<Step>): Promise<Step> {
    const done = this.#done.get(item) ?? [];
    this.#done.set(item, done);
    return (done[number] ??= run());
  }

  async #step(
    part: PartItem,
    spec: MultiPartSpec<unknown, unknown>,
    step: (state: unknown, last: boolean) => Promise<object>,
  ): Promise<Step> {
    const { CorrelationValue, Data, FinalIndicator: last = false } = spec.request;
    this.dropExpired();
    const isFirst = CorrelationValue === undefined;
    const stream = isFirst ? this.#begin(part, spec) : await this.#find(part, spec);
    let hasEnded = true;
    try {
      this.#accounts.keep(stream.use, spec.keptBytes?.(stream.state) ?? 0);
      const answer = await step(stream.state, last);
      if (last) return { answer, stream: undefined };
      if (this.#isClosed) fail('GeneralFailure', 'the server stops and takes no further parts');
      // A part without data changes nothing: it must not keep the stream for ever.
      if (isFirst || (Data !== undefined && Data.length > 0)) this.#renew(stream);
      this.#keep(stream, part);
      hasEnded = false;
      return { answer: { ...answer, CorrelationValue: stream.value }, stream };
    } finally {
      if (hasEnded) this.#accounts.close(stream.use);
    }
  }

  #begin(
    { message, principal }: PartItem,
    { operation, object, kept, start }: MultiPartSpec<unknown, unknown>,
  ): Stream {
    const use = this.#accounts.open(accountOf(principal));
    try {
      const { copy, bytes } = copyPlainData(kept?.());
      this.#accounts.keep(use, bytes);
      const ends = this.#options.clock() + this.#options.limits.partsTotalMilliseconds;
      const begun = { message, ends, expires: 0, unconfirmed: new Set<object>() };
      const value = this.#valueOf(use);
      const sender = { sender: senderOf(principal), authority: authorityOf(principal) };
      return { ...sender, use, operation, object, value, state: start(copy), ...begun };
    } catch (error) {
      this.#accounts.close(use);
      throw error;
    }
  }

  #valueOf({ account, slot }: StreamUse): Uint8Array {
    const mac = createHmac('sha256', this.#secret).update(`${slot} ${account}`).digest();
    return new Uint8Array(mac.subarray(0, valueBytes));
  }

  /**
   * Takes a stream out of those that wait: after an error, or the last part, it never comes back. Fails in
   * the same way for a stream that never was, that has ended, that is of another sender or another enrolment,
   * and whose parts another message has not committed yet.
   */
  async #find(
    { message, principal, access }: PartItem,
    { operation, object, request }: MultiPartSpec<unknown, unknown>,
  ): Promise<Stream> {
    const key = keyOf(request.CorrelationValue as Uint8Array);
    const known = this.#waiting.get(key);
    const isAuthorised = known !== undefined && (await access.isInForce(known.authority));
    // Another message may have taken the stream meanwhile.
    const stream = this.#waiting.get(key);
    const isOwn = isAuthorised && stream === known && known.sender === senderOf(principal);
    const isOpen = stream?.message === message || stream?.unconfirmed.size === 0;
    if (!isOwn || !isOpen || stream?.operation !== operation || stream.object !== object) {
      fail('InvalidCorrelationValue', 'nothing waits for a part with this Correlation Value');
    }
    this.#waiting.delete(key);
    return stream;
  }

  #keep(stream: Stream, { item, message }: PartItem): void {
    stream.message = message;
    stream.unconfirmed.add(item);
    const unconfirmed = this.#unconfirmed.get(message) ?? new Set();
    this.#unconfirmed.set(message, unconfirmed.add(stream));
    this.#nextExpiry = Math.min(this.#nextExpiry, stream.expires);
    this.#waiting.set(keyOf(stream.value), stream);
  }

  #renew(stream: Stream): void {
    const { partsMilliseconds } = this.#options.limits;
    stream.expires = Math.min(this.#options.clock() + partsMilliseconds, stream.ends);
  }

  /** Ends a waiting stream; does nothing when it has ended. */
  #end(stream: Stream): void {
    const key = keyOf(stream.value);
    if (this.#waiting.get(key) !== stream) return;
    this.#waiting.delete(key);
    this.#accounts.close(stream.use);
  }
}

function senderOf({ group, client, bearer, bearerEnrolledAt, ticket }: Principal): string {
  return JSON.stringify([group, client, bearer, bearerEnrolledAt, ticket]);
}

function keyOf(value: Uint8Array): string {
  return value.length === valueBytes
    ? Buffer.from(value.buffer, value.byteOffset, valueBytes).toString('hex')
    : '';
}
