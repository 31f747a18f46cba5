import { plan } from '../../../codec/plan.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Provenance } from '../../../src/object/provenance.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { encode, enumerated } from '../../client.ts';
import { payloadOf } from '../operations/ask.ts';
import { answersOf, type TestService } from '../service.ts';
import type { Known } from './closure-knowledge.ts';

/** One group of a server with its objects, and what the only client of the group has seen. */

/** A request: an operation and the fields of its schema. */
export interface Item {
  readonly operation: AnyOperation;
  readonly request: object;
}

export interface Reply {
  readonly isDone: boolean;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the payload of any operation, by its schema.
  readonly payload: any;
}

/** An object as the search names it. */
export interface Held {
  readonly name: string;
  readonly id: string;
  /** What its value is: the name of a first key, or how the value was made of others. */
  readonly term: string;
}

const continuation = { continue: 1, undo: 3 } as const;

export class World {
  readonly objects = new Map<string, Held>();
  /** What the client has seen, by how. */
  readonly known = new Map<string, Known>();
  /** Wrapped objects as they were answered, by how. */
  readonly wrapped = new Map<string, ManagedObjectValue>();
  /** Values of all terms that were ever here. */
  readonly values = new Map<string, Uint8Array>();
  /** How keys were derived and divided here. */
  readonly methods = new Set<string>();
  /** Everything that decides what the server answers about an object, by its name. */
  readonly descriptions = new Map<string, string>();
  /** Requests that were sent. */
  sent = 0;
  readonly service: TestService;
  readonly group: string;

  constructor(service: TestService, group: string) {
    this.service = service;
    this.group = group;
  }

  /** Sends a batch; `undo`: with the option Undo, else with Continue. */
  async send(items: readonly Item[], how: keyof typeof continuation = 'continue'): Promise<Reply[]> {
    if (items.length === 0) return [];
    this.sent += items.length;
    const asked = items.map(({ operation, request }) => ({
      operation: operation.name,
      payload: payloadOf('2.1', operation, request),
    }));
    const header = [enumerated('BatchErrorContinuationOption', continuation[how])];
    const message = await this.service.exchange('2.1', asked, header, this.group);
    return answersOf(message).map(({ status, reason, message, payload }, at) => ({
      isDone: status === 'Success' || status === 'OperationUndone',
      reason,
      message,
      payload:
        payload &&
        plan((items[at] as Item).operation.response, '2.1').read(new BinaryReader(encode(payload))),
    }));
  }

  /** Adds an object that is on the server; returns it. */
  hold(id: string, term: string, name = `o${this.objects.size}`): Held {
    const held = { name, id, term };
    this.objects.set(name, held);
    return held;
  }

  learn(known: Known): void {
    if (!this.known.has(known.how)) this.known.set(known.how, known);
  }

  /** What tells the state from others. */
  get signature(): string {
    return signatureOf([...this.descriptions.values()]);
  }

  /** Reads values and descriptions through the vault. */
  async look(): Promise<void> {
    const { store, vault } = this.service;
    const held = [...this.objects.values()];
    const rows = await store.load(
      this.group,
      held.map(({ id }) => id),
    );
    const byId = new Map(rows.map((row) => [row.id, ManagedObject.fromStored(row, vault)]));
    for (const { name, id, term } of held) {
      const object = byId.get(id);
      if (object === undefined) throw new Error(`${name} is not in the store`);
      await object.openValue();
      const bytes = materialOf(object.value);
      if (bytes !== undefined && !this.values.has(term)) this.values.set(term, bytes);
      this.descriptions.set(name, describe(object, term, this.service.now / 1000));
    }
  }
}

/** States that differ only in names, and in how often they have equal objects, are the same. */
export function signatureOf(descriptions: readonly string[]): string {
  return [...new Set(descriptions)].sort().join('\n');
}

/** Everything by which the server decides, as text. That a value left under a closed key decides nothing. */
export function describe(object: ManagedObject, term: string, now: number): string {
  return describeAs(object, object.provenance, now, term);
}

/** As `describe`, with another provenance. */
export function describeAs(object: ManagedObject, provenance: Provenance, now: number, term = ''): string {
  const { attributes, type } = object;
  const { born, shown, masks, alwaysSensitive, copyOf, share } = provenance;
  const own = ['Sensitive', 'Extractable', 'CryptographicUsageMask', 'CryptographicAlgorithm'] as const;
  return JSON.stringify([
    term,
    type,
    object.state(now),
    ...own.map((name) => attributes.get(name)),
    attributes.values('CryptographicParameters'),
    [born, shown === 'clear', masks, alwaysSensitive, copyOf !== undefined, share?.part],
  ]);
}

/** Key Material that is bytes; of a key that is stored wrapped the wrapped bytes. */
export function materialOf(value: ManagedObjectValue | undefined): Uint8Array | undefined {
  const { KeyBlock: block } = (value?.value ?? {}) as { KeyBlock?: { KeyValue?: unknown } };
  const content = block?.KeyValue;
  if (content instanceof Uint8Array) return content;
  const material = (content as { KeyMaterial?: unknown } | undefined)?.KeyMaterial;
  return material instanceof Uint8Array ? material : undefined;
}
