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
}

/** The client of a part, and its ticket. */
type Sender = Pick<Stream, 'owner' | 'ticket'>;

const valueBytes = 16;

/**
 * Cryptographic operations on data that comes in parts (KMIP 1.3 on, "Correlation Value"). The state of a
 * cipher cannot be stored, so it stays in this process: after a restart, clients are told that the
 * Correlation Value is unknown.
 *
 * A client with one stream at a time gets the same value for each, as the test cases have it (TC-STREAM-ENC-1
 * names all its streams by one value). Other clients cannot guess the value, and a part has to name operation
 * and key of its stream.
 */
export class MultiPartOperations {
  /** By Correlation Value, in the order of their last use. */
  readonly #waiting = new Map<string, Stream>();
  /** The results of each item's steps: another attempt at a message must not feed its data twice. */
  readonly #done = new WeakMap<object, Promise<unknown>[]>();
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

  /**
   * Returns the port for one attempt at a batch item; `item` is the same object in every attempt at the
   * message.
   */
  forItem(item: object, principal: Principal): MultiPart {
    let steps = 0;
    return {
      take: (spec, step) => {
        const number = steps;
        steps += 1;
        return this.#once(item, number, () => this.#step(principal, spec, step as never)) as never;
      },
    };
  }

  #once(item: object, number: number, run: () => Promise<unknown>): Promise<unknown> {
    const done = this.#done.get(item) ?? [];
    this.#done.set(item, done);
    return (done[number] ??= run());
  }

  async #step(
    principal: Principal,
    spec: MultiPartSpec<unknown>,
    step: (state: unknown, last: boolean) => Promise<object>,
  ): Promise<object> {
    const { CorrelationValue, FinalIndicator: last = false } = spec.request;
    this.#dropExpired();
    const owner = JSON.stringify([principal.group, principal.client]);
    const sender = { owner, ticket: principal.ticket };
    const stream = CorrelationValue === undefined ? this.#begin(sender, spec) : this.#find(sender, spec);
    // Not in the map while a step runs: after an error, or the last part, the stream never comes back.
    this.#waiting.delete(keyOf(stream.value));
    let hasEnded = true;
    try {
      this.#count(stream, spec.keptBytes?.(stream.state) ?? 0);
      const answer = await step(stream.state, last);
      if (last) return answer;
      this.#keep(stream);
      hasEnded = false;
      return { ...answer, CorrelationValue: stream.value };
    } finally {
      if (hasEnded) this.#free(stream);
    }
  }

  #begin({ owner, ticket }: Sender, { operation, object, start }: MultiPartSpec<unknown>): Stream {
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
    return { owner, ticket, slot, operation, object, value, state, bytes: 0, expires: 0 };
  }

  #valueOf(owner: string, slot: number): Uint8Array {
    const mac = createHmac('sha256', this.#secret).update(`${slot} ${owner}`).digest();
    return new Uint8Array(mac.subarray(0, valueBytes));
  }

  /**
   * Fails in the same way for a stream that never was, that has ended, and that is of another client or
   * ticket.
   */
  #find({ owner, ticket }: Sender, { operation, object, request }: MultiPartSpec<unknown>): Stream {
    const stream = this.#waiting.get(keyOf(request.CorrelationValue as Uint8Array));
    const isOwn = stream?.owner === owner && stream.ticket === ticket;
    if (!isOwn || stream.operation !== operation || stream.object !== object) {
      fail('InvalidCorrelationValue', 'nothing waits for a part with this Correlation Value');
    }
    return stream;
  }

  #keep(stream: Stream): void {
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
      this.#waiting.delete(keyOf(stream.value));
      this.#free(stream);
    }
  }
}

function keyOf(value: Uint8Array): string {
  return value.length === valueBytes
    ? Buffer.from(value.buffer, value.byteOffset, valueBytes).toString('hex')
    : '';
}
