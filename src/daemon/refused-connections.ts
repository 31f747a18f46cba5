import type { AuditItem, AuditRecorder } from '../audit/audit.ts';
import type { ListenerObserver, RefusedHandshake } from '../watch/observer.ts';

/** Refusals of one reason are summed up for so long: strangers cannot fill the disk. */
const sumMilliseconds = 1_000;
/** Different refusals of that time that are told apart. */
const maxKinds = 64;

interface Refusals {
  readonly first: RefusedHandshake;
  count: number;
}

/**
 * Records connections that were refused: within a second, those of one reason and client as one. What is told
 * of the first of them stands for all.
 */
export class RefusedConnections implements Pick<ListenerObserver, 'handshakeRefused' | 'connectionEnded'> {
  readonly #recorder: AuditRecorder;
  #refusals = new Map<string, Refusals>();
  #timer: NodeJS.Timeout | undefined;

  constructor(recorder: AuditRecorder) {
    this.#recorder = recorder;
  }

  handshakeRefused(event: RefusedHandshake): void {
    const kind = `${event.client ?? ''} ${event.reason}`;
    const key = this.#refusals.has(kind) || this.#refusals.size < maxKinds ? kind : 'others';
    const known = this.#refusals.get(key);
    if (known === undefined) this.#refusals.set(key, { first: event, count: 1 });
    else known.count += 1;
    this.#timer ??= setTimeout(() => this.flush(), sumMilliseconds);
  }

  /** Records a connection that the server has ended, at once: its client was authenticated. */
  connectionEnded({
    client,
    connection: id,
    peer,
    reason,
  }: Parameters<ListenerObserver['connectionEnded']>[0]): void {
    this.#append({ client }, { peer, id }, [
      { operation: 'ConnectionEnded', result: 'OperationFailed', reason },
    ]);
  }

  /** Records what was summed up so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const refusals = this.#refusals;
    this.#refusals = new Map();
    for (const { first, count } of refusals.values()) {
      const { client, peer, reason, fingerprint } = first;
      const details = fingerprint === undefined ? {} : { details: { fingerprint } };
      const item = { operation: 'Connect', result: 'OperationFailed', reason, count, ...details };
      this.#append(client === undefined ? undefined : { client }, { peer }, [item]);
    }
  }

  #append(
    actor: { readonly client: string } | undefined,
    connection: { readonly peer: string; readonly id?: string },
    items: readonly AuditItem[],
  ): void {
    const { node } = this.#recorder;
    this.#recorder.report({
      ...{ time: Date.now(), kind: 'refusal', node, connection, items },
      ...(actor && { actor }),
    });
  }
}
