import { createHmac } from 'node:crypto';
import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Principal } from '../../identity/principal.ts';
import type { MultiPart, MultiPartSpec } from '../../operations/context.ts';

/**
 * A stream that waits for its next part. It holds a key, so it is dropped with the first error and after a
 * while.
 */
interface Stream {
  readonly owner: string;
  /** The ticket that authorised its first part; later parts have to show the same. */
  readonly ticket: string | undefined;
  /** Lowest number that no other stream of the owner has. */
  readonly slot: number;
  readonly operation: string;
  readonly object: string | undefined;
  /** Correlation Value. */
  readonly value: Uint8Array;
  /** State of the operation, as its `start` returned it. */
  readonly state: unknown;
  /** Bytes that the state keeps until the last part. */
  bytes: number;
  /** Milliseconds since 1970 from which on the stream is gone. */
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
  /** The same object in every attempt, for all items of the message. */
  readonly message: object;
  readonly principal: Principal;
  /** Runs the effect after the commit if the item was kept. */
  afterCommit(effect: () => void): void;
}

/** The client of a part, its ticket and its message. */
type Sender = Pick<Stream, 'owner' | 'ticket' | 'message'>;

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
  /** By Correlation Value, in the order of their last use. */
  readonly #waiting = new Map<string, Stream>();
  /** The results of each item's steps: another attempt at a message must not feed its data twice. */
  readonly #done = new WeakMap<object, Promise<Step>[]>();
  /** The streams that wait with unconfirmed parts, by their message. */
  readonly #unconfirmed = new WeakMap<object, Set<Stream>>();
  /** Slots in use, by owner. */
  readonly #slots = new Map<string, Set<number>>();
  /** Bytes that all streams keep until their last parts. */
  #bytes = 0;
  readonly #secret: Uint8Array;
  readonly #options: {
    readonly limits: Limits;
    readonly random: CryptoProvider['random'];
    readonly clock: () => number;
  };

  constructor(options: { limits: Limits; random: CryptoProvider['random']; clock: () => number }) {
    this.#options = options;
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

  #once(item: object, number: number, run: () => Promise<Step>): Promise<Step> {
    const done = this.#done.get(item) ?? [];
    this.#done.set(item, done);
    return (done[number] ??= run());
  }

  async #step(
    { item, message, principal }: PartItem,
    spec: MultiPartSpec<unknown>,
    step: (state: unknown, last: boolean) => Promise<object>,
  ): Promise<Step> {
    const { CorrelationValue, FinalIndicator: last = false } = spec.request;
    this.#dropExpired();
    const owner = JSON.stringify([principal.group, principal.client]);
    const sender = { owner, ticket: principal.ticket, message };
    const stream = CorrelationValue === undefined ? this.#begin(sender, spec) : this.#find(sender, spec);
    // Not in the map while a step runs: after an error, or the last part, the stream never comes back.
    this.#waiting.delete(keyOf(stream.value));
    let hasEnded = true;
    try {
      this.#count(stream, spec.keptBytes?.(stream.state) ?? 0);
      const answer = await step(stream.state, last);
      if (last) return { answer, stream: undefined };
      this.#keep(stream, item, message);
      hasEnded = false;
      return { answer: { ...answer, CorrelationValue: stream.value }, stream };
    } finally {
      if (hasEnded) this.#free(stream);
    }
  }

  #begin({ owner, ticket, message }: Sender, { operation, object, start }: MultiPartSpec<unknown>): Stream {
    const { parts, partsPerClient } = this.#options.limits;
    const slots = this.#slots.get(owner) ?? new Set();
    if (this.#waiting.size >= parts || slots.size >= partsPerClient) {
      fail(
        'ServerLimitExceeded',
        'too much data is waiting for its next part: finish some first',
        'GeneralFailure',
      );
    }
    const state = start();
    let slot = 0;
    while (slots.has(slot)) slot += 1;
    this.#slots.set(owner, slots.add(slot));
    const value = this.#valueOf(owner, slot);
    const begun = { bytes: 0, expires: 0, message, unconfirmed: new Set<object>() };
    return { owner, ticket, slot, operation, object, value, state, ...begun };
  }

  #valueOf(owner: string, slot: number): Uint8Array {
    const mac = createHmac('sha256', this.#secret).update(`${slot} ${owner}`).digest();
    return new Uint8Array(mac.subarray(0, valueBytes));
  }

  /**
   * Fails in the same way for a stream that never was, that has ended, that is of another client or ticket,
   * and whose parts another message has not committed yet.
   */
  #find({ owner, ticket, message }: Sender, { operation, object, request }: MultiPartSpec<unknown>): Stream {
    const stream = this.#waiting.get(keyOf(request.CorrelationValue as Uint8Array));
    const isOwn = stream?.owner === owner && stream.ticket === ticket;
    const isOpen = stream?.message === message || stream?.unconfirmed.size === 0;
    if (!isOwn || !isOpen || stream.operation !== operation || stream.object !== object) {
      fail('InvalidCorrelationValue', 'nothing waits for a part with this Correlation Value');
    }
    return stream;
  }

  #keep(stream: Stream, item: object, message: object): void {
    stream.message = message;
    stream.unconfirmed.add(item);
    const unconfirmed = this.#unconfirmed.get(message) ?? new Set();
    this.#unconfirmed.set(message, unconfirmed.add(stream));
    stream.expires = this.#options.clock() + this.#options.limits.partsMilliseconds;
    this.#waiting.set(keyOf(stream.value), stream);
  }

  /** Counts bytes that the stream is about to keep. */
  #count(stream: Stream, bytes: number): void {
    const { partsBytes, partsTotalBytes } = this.#options.limits;
    if (stream.bytes + bytes > partsBytes || this.#bytes + bytes > partsTotalBytes) {
      fail(
        'ServerLimitExceeded',
        'so much data that is answered at its end must come in one piece',
        'GeneralFailure',
      );
    }
    stream.bytes += bytes;
    this.#bytes += bytes;
  }

  #free({ owner, slot, bytes }: Stream): void {
    this.#bytes -= bytes;
    const slots = this.#slots.get(owner);
    slots?.delete(slot);
    if (slots?.size === 0) this.#slots.delete(owner);
  }

  #dropExpired(): void {
    const now = this.#options.clock();
    for (const stream of this.#waiting.values()) {
      if (stream.expires > now) return;
      this.#end(stream);
    }
  }

  /** Ends a waiting stream; does nothing when it has ended. */
  #end(stream: Stream): void {
    const key = keyOf(stream.value);
    if (this.#waiting.get(key) !== stream) return;
    this.#waiting.delete(key);
    this.#free(stream);
  }
}

function keyOf(value: Uint8Array): string {
  return value.length === valueBytes
    ? Buffer.from(value.buffer, value.byteOffset, valueBytes).toString('hex')
    : '';
}
