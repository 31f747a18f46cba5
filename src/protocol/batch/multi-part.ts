import { createHmac } from 'node:crypto';
import { fail } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Principal } from '../../identity/principal.ts';
import type { MultiPart, MultiPartSpec } from '../../operations/context.ts';

/**
 * Work that waits for its next part. Holds a key: it is dropped with the first error and when nobody comes
 * back.
 */
interface Waiting {
  readonly owner: string;
  /** Lowest number that no other work of the owner bears. */
  readonly slot: number;
  readonly operation: string;
  readonly object: string | undefined;
  readonly value: Uint8Array;
  readonly stream: unknown;
  /** Milliseconds since 1970 from which on it is gone. */
  expires: number;
}

const valueBytes = 16;

/**
 * Cryptography on data that comes in parts (KMIP 1.3 on, "Correlation Value"). The state of a cipher cannot
 * be stored, so it stays in this process: a restart ends it, and clients are told as they are told about a
 * value that never was.
 *
 * A client that does one thing after the other gets the same value again, as the test cases have it
 * (TC-STREAM-ENC-1 names all its streams by one token). Nobody else can guess it, and a part must name
 * operation and key of its stream.
 */
export class MultiPartOperations {
  /** The one that was used longest ago first. */
  readonly #waiting = new Map<string, Waiting>();
  /** What each step of an item gave: a message that is played again must not feed its data twice. */
  readonly #done = new WeakMap<object, Promise<unknown>[]>();
  readonly #slots = new Map<string, Set<number>>();
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

  /** The port for one play of a batch item; `item` is the same object in every play of the message. */
  forItem(item: object, principal: Principal): MultiPart {
    let turn = 0;
    return {
      take: (spec, step) => {
        const number = turn;
        turn += 1;
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
    step: (stream: unknown, last: boolean) => Promise<object>,
  ): Promise<object> {
    const { CorrelationValue, FinalIndicator: last = false } = spec.request;
    this.#sweep();
    const owner = JSON.stringify([principal.group, principal.client]);
    const work = CorrelationValue === undefined ? this.#begin(owner, spec) : this.#find(owner, spec);
    // Out of the map while it is worked on: after an error, or the last part, it never comes back.
    this.#waiting.delete(keyOf(work.value));
    let over = true;
    try {
      const answer = await step(work.stream, last);
      if (last) return answer;
      this.#keep(work);
      over = false;
      return { ...answer, CorrelationValue: work.value };
    } finally {
      if (over) this.#free(work);
    }
  }

  #begin(owner: string, { operation, object, start }: MultiPartSpec<unknown>): Waiting {
    const { parts, partsPerClient } = this.#options.limits;
    const slots = this.#slots.get(owner) ?? new Set();
    if (this.#waiting.size >= parts || slots.size >= partsPerClient) {
      fail(
        'ServerLimitExceeded',
        'too much data is waiting for its next part: finish some first',
        'GeneralFailure',
      );
    }
    const stream = start();
    let slot = 0;
    while (slots.has(slot)) slot += 1;
    this.#slots.set(owner, slots.add(slot));
    return { owner, slot, operation, object, value: this.#valueOf(owner, slot), stream, expires: 0 };
  }

  #valueOf(owner: string, slot: number): Uint8Array {
    const mac = createHmac('sha256', this.#secret).update(`${slot} ${owner}`).digest();
    return new Uint8Array(mac.subarray(0, valueBytes));
  }

  /** One answer for what was never there, has gone, or is somebody else's. */
  #find(owner: string, { operation, object, request }: MultiPartSpec<unknown>): Waiting {
    const work = this.#waiting.get(keyOf(request.CorrelationValue as Uint8Array));
    if (work?.owner !== owner || work.operation !== operation || work.object !== object) {
      fail('InvalidCorrelationValue', 'nothing waits for a part with this Correlation Value');
    }
    return work;
  }

  #keep(work: Waiting): void {
    work.expires = this.#options.clock() + this.#options.limits.partsMilliseconds;
    this.#waiting.set(keyOf(work.value), work);
  }

  #free({ owner, slot }: Waiting): void {
    const slots = this.#slots.get(owner);
    slots?.delete(slot);
    if (slots?.size === 0) this.#slots.delete(owner);
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const work of this.#waiting.values()) {
      if (work.expires > now) return;
      this.#waiting.delete(keyOf(work.value));
      this.#free(work);
    }
  }
}

function keyOf(value: Uint8Array): string {
  return value.length === valueBytes
    ? Buffer.from(value.buffer, value.byteOffset, valueBytes).toString('hex')
    : '';
}
