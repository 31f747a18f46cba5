import type { CryptoProvider } from '../crypto/provider.ts';
import { fail } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Limits } from '../limits.ts';
import type { Parts, PartsSpec } from '../operations/operation.ts';

/** Work that waits for its next part. Holds a key: it is dropped with the first error and when nobody comes back. */
interface Waiting {
  readonly owner: string;
  readonly operation: string;
  readonly object: string | undefined;
  readonly value: Uint8Array;
  readonly stream: unknown;
  /** Milliseconds since 1970 from which on it is gone. */
  expires: number;
}

const valueBytes = 16;

/**
 * Cryptography on data that comes in parts (KMIP 1.3 on, "Correlation Value"). The state of a cipher cannot be stored,
 * so it stays in this process: a restart ends it, and clients are told as they are told about a value that never was.
 */
export class PartsInProgress {
  /** The one that was used longest ago first. */
  readonly #waiting = new Map<string, Waiting>();
  /** What each step of an item gave: a message that is played again must not feed its data twice. */
  readonly #done = new WeakMap<object, Promise<unknown>[]>();
  readonly #perClient = new Map<string, number>();
  readonly #options: {
    readonly limits: Limits;
    readonly random: CryptoProvider['random'];
    readonly clock: () => number;
  };

  constructor(options: { limits: Limits; random: CryptoProvider['random']; clock: () => number }) {
    this.#options = options;
  }

  /** The port for one play of a batch item; `item` is the same object in every play of the message. */
  forItem(item: object, principal: Principal): Parts {
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
    spec: PartsSpec<unknown>,
    step: (stream: unknown, last: boolean) => Promise<object>,
  ): Promise<object> {
    const { CorrelationValue, FinalIndicator: last = false } = spec.request;
    this.#sweep();
    const owner = JSON.stringify([principal.group, principal.client]);
    const work = CorrelationValue === undefined ? this.#begin(owner, spec) : this.#find(owner, spec);
    // Out of the map while it is worked on: after an error, or the last part, it never comes back.
    this.#drop(work);
    const answer = await step(work.stream, last);
    if (last) return answer;
    this.#keep(work);
    return { ...answer, CorrelationValue: work.value };
  }

  #begin(owner: string, { operation, object, start }: PartsSpec<unknown>): Waiting {
    const { parts, partsPerClient } = this.#options.limits;
    if (this.#waiting.size >= parts || (this.#perClient.get(owner) ?? 0) >= partsPerClient) {
      fail(
        'ServerLimitExceeded',
        'too much data is waiting for its next part: finish some first',
        'GeneralFailure',
      );
    }
    const value = this.#options.random(valueBytes);
    return { owner, operation, object, value, stream: start(), expires: 0 };
  }

  /** One answer for what was never there, has gone, or is somebody else's. */
  #find(owner: string, { operation, object, request }: PartsSpec<unknown>): Waiting {
    const work = this.#waiting.get(keyOf(request.CorrelationValue as Uint8Array));
    if (work?.owner !== owner || work.operation !== operation || work.object !== object) {
      fail('InvalidCorrelationValue', 'nothing waits for a part with this Correlation Value');
    }
    return work;
  }

  #keep(work: Waiting): void {
    work.expires = this.#options.clock() + this.#options.limits.partsMilliseconds;
    this.#waiting.set(keyOf(work.value), work);
    this.#perClient.set(work.owner, (this.#perClient.get(work.owner) ?? 0) + 1);
  }

  #drop(work: Waiting): void {
    if (!this.#waiting.delete(keyOf(work.value))) return;
    const left = (this.#perClient.get(work.owner) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(work.owner);
    else this.#perClient.set(work.owner, left);
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const work of this.#waiting.values()) {
      if (work.expires > now) return;
      this.#drop(work);
    }
  }
}

function keyOf(value: Uint8Array): string {
  return value.length === valueBytes
    ? Buffer.from(value.buffer, value.byteOffset, valueBytes).toString('hex')
    : '';
}
